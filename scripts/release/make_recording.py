"""Make docs/recordings/speech-and-notes.flac: a spoken sentence, followed by four instruments.

This needs espeak-ng and fluidsynth with the Fluid (R3) General MIDI sound font (Debian: apt install
espeak-ng fluidsynth fluid-soundfont-gm). Other versions of these programs make a recording that
sounds similar but has other samples.

    python -m scripts.release.make_recording [SOUND_FONT]
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

from hear_openl3_yamnet.audio.files import load_audio

RECORDING = Path(__file__).resolve().parents[2] / "docs" / "recordings" / "speech-and-notes.flac"
SOUND_FONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"
SAMPLE_RATE = 44_100
SENTENCE = "First you hear a voice, and then some notes."
# (start [s], length [s], General MIDI programme, MIDI pitch): piano, violin, flute, marimba
NOTES = [
    *[(0.00, 0.7, 0, 48), (0.15, 0.6, 0, 60), (0.30, 0.6, 0, 64), (0.45, 0.6, 0, 67)],
    *[(0.90, 0.6, 40, 69), (1.40, 0.5, 73, 76)],
    *[(1.80, 0.1, 12, 72), (1.92, 0.1, 12, 76), (2.04, 0.3, 12, 79)],
]
END = 2.4  # end of the notes, after a fade [s]
PEAK = 0.6
# Noise floor. Without it, OpenL3's levels at -80 dB would be rounding errors of the FFT.
FLOOR = 1e-4


def main(sound_font: str = SOUND_FONT) -> None:
    with tempfile.TemporaryDirectory() as folder:
        voice = speak(Path(folder) / "voice.wav")
        notes = play(Path(folder) / "notes.mid", sound_font)
    waveform = np.concatenate([level(voice), level(notes)])
    noise = np.random.default_rng(7).uniform(-FLOOR, FLOOR, len(waveform))
    soundfile.write(RECORDING, waveform + noise, SAMPLE_RATE, subtype="PCM_16", compression_level=1)
    print(f"{RECORDING}: {len(waveform) / SAMPLE_RATE:.2f} s, {RECORDING.stat().st_size} bytes")


def speak(wav: Path) -> np.ndarray:
    subprocess.run(["espeak-ng", "-v", "en-gb", "-s", "170", "-w", wav, SENTENCE], check=True)
    return load_audio(wav, SAMPLE_RATE)


def play(midi: Path, sound_font: str) -> np.ndarray:
    midi.write_bytes(standard_midi_file())
    wav = midi.with_suffix(".wav")
    command = ["fluidsynth", "-n", "-i", "-q", "-r", str(SAMPLE_RATE), "-F", wav, sound_font, midi]
    subprocess.run(command, check=True)
    notes = load_audio(wav, SAMPLE_RATE)[: round(END * SAMPLE_RATE)]
    fade = round(0.2 * SAMPLE_RATE)
    notes[-fade:] *= np.linspace(1, 0, fade, dtype="float32")
    return notes


def level(waveform: np.ndarray) -> np.ndarray:
    return waveform * (PEAK / np.abs(waveform).max())


def standard_midi_file() -> bytes:
    """Return NOTES as a MIDI file of one track: a channel for each programme, ticks of 1 ms."""
    programmes = sorted({programme for _, _, programme, _ in NOTES})
    events = [(0, bytes([0xC0 | c, programme])) for c, programme in enumerate(programmes)]
    for start, length, programme, pitch in NOTES:
        c = programmes.index(programme)
        events.append((round(1000 * start), bytes([0x90 | c, pitch, 96])))
        events.append((round(1000 * (start + length)), bytes([0x80 | c, pitch, 0])))
    events.append((round(1000 * END), bytes([0xFF, 0x2F, 0])))
    track, now = b"", 0
    for tick, event in sorted(events, key=lambda event: event[0]):
        delta = tick - now
        track += bytes([0x80 | delta >> 7, delta & 0x7F]) + event
        now = tick
    ticks_per_quarter = 500  # of the default 0.5 s
    header = b"MThd" + bytes([0, 0, 0, 6, 0, 0, 0, 1]) + ticks_per_quarter.to_bytes(2, "big")
    return header + b"MTrk" + len(track).to_bytes(4, "big") + track


if __name__ == "__main__":
    main(*sys.argv[1:])
