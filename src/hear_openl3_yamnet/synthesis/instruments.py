"""General MIDI instruments and drums, played by fluidsynth with an installed sound font.

Starting fluidsynth takes much longer than a note, so that many notes are rendered in one run.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..errors import HearError

__all__ = ["InstrumentError", "ScoreNote", "find_sound_font", "play"]

_FOLDERS = ("/usr/share/sounds/sf2", "/usr/share/soundfonts")  # Debian and Ubuntu; Fedora and Arch
_DRUM_CHANNEL = 9
_TICKS = 1000  # in a quarter note, which lasts 1 s


class InstrumentError(HearError, OSError):
    """fluidsynth or a sound font is missing, or it fails."""


class ScoreNote(NamedTuple):
    """A note to play."""

    key: int
    """MIDI pitch, or the number of a drum."""
    velocity: int
    """Velocity from 1 to 127."""
    seconds: float
    """Time until the key is released [s]."""
    bend: float = 0.0
    """Deviation from the pitch [semitones], at most 2."""


def find_sound_font(name: str = "FluidR3_GM.sf2") -> Path | None:
    """Return the path of an installed sound font; None if it or fluidsynth is missing."""
    if shutil.which("fluidsynth") is None:
        return None
    places = [Path(folder) / name for folder in _FOLDERS]
    return next((place for place in places if place.is_file()), None)


def play(
    notes: Sequence[ScoreNote],
    program: int,
    *,
    sound_font: Path,
    seconds: float,
    sample_rate: int = 48_000,
    drums: bool = False,
) -> np.ndarray:
    """Play notes one after another, each for the same time.

    Parameters
    ----------
    notes : sequence of ScoreNote
    program : int
        General MIDI program, from 0, or the kit if `drums` is true.
    sound_font : Path
        Sound font, for example from `find_sound_font`.
    seconds : float
        Time for each note. Sound after it is cut off.
    sample_rate : int
        Sample rate of the result [Hz].
    drums : bool
        Play on the drum channel.

    Returns
    -------
    np.ndarray [shape=(n_notes, n_samples), dtype=float32]

    Raises
    ------
    InstrumentError
        If the sound font or fluidsynth is missing, or fluidsynth fails.
    """
    import soundfile

    if not sound_font.is_file():  # fluidsynth would use another one, or play silence
        raise InstrumentError(f"There is no sound font {sound_font}.")
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder, "score.mid"), Path(folder, "sound.wav")
        score.write_bytes(_midi_file(notes, program, seconds, drums))
        command = ["fluidsynth", "-niq", "-R", "0", "-C", "0", "-g", "0.6", "-O", "float"]
        command += ["-T", "wav", "-r", str(sample_rate), "-F", str(sound)]
        try:
            done = subprocess.run(
                [*command, str(sound_font), str(score)], capture_output=True, check=False
            )
        except FileNotFoundError as error:
            raise InstrumentError(
                "fluidsynth is not installed (no such program on the path). "
                "Install it, for example with: apt-get install fluidsynth fluid-soundfont-gm"
            ) from error
        if done.returncode or not sound.exists():
            cause = done.stderr.decode(errors="replace").strip()
            raise InstrumentError(f"fluidsynth cannot play program {program}: {cause}")
        samples, _ = soundfile.read(sound, dtype="float32")
    mono = samples.mean(axis=1)
    length = round(seconds * sample_rate)
    mono = np.pad(mono, (0, max(0, len(notes) * length - len(mono))))
    return mono[: len(notes) * length].reshape(len(notes), length)


def _midi_file(notes: Sequence[ScoreNote], program: int, seconds: float, drums: bool) -> bytes:
    """Write a standard MIDI file of format 0, in ticks of a millisecond."""
    channel = _DRUM_CHANNEL if drums else 0
    tempo = bytes([0, 0xFF, 0x51, 3]) + (1_000_000).to_bytes(3, "big")
    events = [tempo, bytes([0, 0xC0 | channel, program])]
    for note in notes:
        bend = min(16383, max(0, round(8192 + 4096 * note.bend)))  # 2 semitones are 8192
        events.append(bytes([0, 0xE0 | channel, bend & 127, bend >> 7]))
        events.append(bytes([0, 0x90 | channel, note.key, note.velocity]))
        held = round(1000 * min(note.seconds, seconds))
        events.append(_delay(held) + bytes([0x80 | channel, note.key, 0]))
        # silenced at the end, so that a note does not ring into the next
        rest = round(1000 * seconds) - held
        events.append(_delay(rest) + bytes([0xB0 | channel, 120, 0]))
    track = b"".join(events) + bytes([0, 0xFF, 0x2F, 0])
    head = b"MThd" + (6).to_bytes(4, "big") + bytes([0, 0, 0, 1]) + _TICKS.to_bytes(2, "big")
    return head + b"MTrk" + len(track).to_bytes(4, "big") + track


def _delay(ticks: int) -> bytes:
    """Encode a time as MIDI does: seven bits in each byte, the eighth set in all but the last."""
    coded = [ticks & 127]
    while ticks := ticks >> 7:
        coded.append(ticks & 127 | 128)
    return bytes(reversed(coded))
