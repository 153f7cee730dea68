"""Spoken words, by espeak-ng if it is installed, and by a formant synthesiser."""

import shutil
import subprocess
from dataclasses import dataclass

import numpy as np

from ..errors import HearError
from .cycles import count_harmonics, play_cycles
from .envelopes import faded, to_peak
from .phonemes import HIGHEST_FREQUENCY, PHONEMES, WORDS, Segment

__all__ = ["ESPEAK_VOICES", "SpeechError", "Voice", "has_espeak", "say", "speak"]

_ACCENTS = ("en-us", "en-gb", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd",
            "en-029")  # fmt: skip
_VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5", "klatt",
             "klatt2", "klatt4", "croak")  # fmt: skip
ESPEAK_VOICES = tuple(f"{accent}+{variant}" for accent in _ACCENTS for variant in _VARIANTS)
"""Voices for `say`: accents of English, each in several intelligible variants."""

_INNER_RATE = 2 * HIGHEST_FREQUENCY
_SILENCE = 0.003  # relative to full scale: quieter samples at both ends are cut off
_BLOCK = 0.005  # s, in which filters are constant
_BANDWIDTHS = (60.0, 90.0, 140.0, 220.0, 300.0)  # Hz, formants (Klatt, JASA 67, 1980)
_HIGH_FORMANTS = (3500.0, 4500.0)  # Hz, equal in all phonemes
_GLIDE = 0.04  # s, transition of the formants between two phonemes


class SpeechError(HearError, OSError):
    """A word is outside the vocabulary, or espeak-ng is not installed or fails."""


def has_espeak() -> bool:
    """Return whether espeak-ng is installed."""
    return shutil.which("espeak-ng") is not None


def say(
    text: str,
    voice: str = "en-us",
    *,
    speed: int = 175,
    pitch: int = 50,
    sample_rate: int = 48_000,
) -> np.ndarray:
    """Synthesise a text with espeak-ng.

    Parameters
    ----------
    text : str
    voice : str
        A voice of espeak-ng, such as one of `ESPEAK_VOICES`.
    speed : int
        Words per minute.
    pitch : int
        Pitch from 0 to 99.
    sample_rate : int
        Sample rate of the result [Hz]. The rate of espeak-ng itself is 22 050 Hz.

    Returns
    -------
    np.ndarray [shape=(n_samples,), dtype=float32]
        The peak is 0.9, and both ends are without silence.

    Raises
    ------
    SpeechError
        If espeak-ng is not installed, does not know the voice, or says nothing.
    """
    how = ["-v", voice, "-s", str(speed), "-p", str(pitch), "-z", "--stdout"]
    try:
        done = subprocess.run(["espeak-ng", *how, "--", text], capture_output=True, check=False)
    except FileNotFoundError as error:
        raise SpeechError(
            "espeak-ng is not installed (no such program on the path). "
            "Install it, for example with: apt-get install espeak-ng"
        ) from error
    # the length in the WAV header of 44 bytes is wrong, because the output is a pipe
    header, data = done.stdout[:44], done.stdout[44:]
    samples = np.frombuffer(data[: len(data) // 2 * 2], dtype="<i2") / 32768
    heard = np.flatnonzero(np.abs(samples) > _SILENCE)
    if done.returncode or not len(heard):
        cause = done.stderr.decode(errors="replace").strip(" .\n") or "it said nothing"
        raise SpeechError(f"espeak-ng cannot say {text!r} with the voice {voice!r}: {cause}.")
    rate = int.from_bytes(header[24:28], "little")
    return to_peak(_resampled(samples[heard[0] : heard[-1] + 1], rate, sample_rate), 0.9)


@dataclass(frozen=True)
class Voice:
    """A speaker, for `speak`."""

    f0: float
    """Pitch [Hz], from 80 to 280."""
    tract: float
    """Factor on all formants, from 1 (long vocal tract) to 1.25 (short)."""
    rate: float = 1.0
    """Factor on the speed of speaking."""
    melody: float = -3.0
    """Change of the pitch over a word [semitones]."""
    tilt: float = 1.2
    """Slope of the glottal source, from 1 (bright) to 2 (dull)."""
    breath: float = 0.05
    """Level of noise in voiced sounds, from 0 to 1."""
    jitter: float = 0.01
    """Relative standard deviation of the steps of the pitch."""
    accent: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Factors on each of the lowest three formants."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Voice":
        """Draw a random voice. High voices have short vocal tracts."""
        height = rng.random()
        return cls(
            f0=85 * 3 ** (0.85 * height + 0.15 * rng.random()),
            tract=0.95 + 0.25 * height + rng.uniform(-0.05, 0.08),
            rate=rng.uniform(0.75, 1.35),
            melody=rng.uniform(-7, 4),
            tilt=rng.uniform(0.9, 1.9),
            breath=rng.uniform(0.01, 0.3) ** 1.5,
            jitter=rng.uniform(0.003, 0.02),
            accent=tuple(rng.uniform(0.92, 1.08, 3).tolist()),
        )


def speak(
    word: str, voice: Voice, *, sample_rate: int = 48_000, rng: np.random.Generator
) -> np.ndarray:
    """Synthesise a word by formant synthesis.

    Parameters
    ----------
    word : str
        A word of `phonemes.WORDS`.
    voice : Voice
        The speaker.
    sample_rate : int
        Sample rate of the result [Hz]. Frequencies above 11 kHz are not modelled.
    rng : np.random.Generator
        Draws what differs between utterances of a voice: durations, emphasis, noise.

    Returns
    -------
    np.ndarray [shape=(n_samples,), dtype=float32]
        The peak is 0.9, and the length is about 0.2 to 1 s.

    Raises
    ------
    SpeechError
        If the word is not in the vocabulary.

    Notes
    -----
    After Klatt, Software for a cascade/parallel formant synthesizer, JASA 67(3), 1980: a glottal
    source and aspiration pass a cascade of formants, and frication is added.
    """
    if word not in WORDS:
        raise SpeechError(
            f"expected one of {len(WORDS)} words: {', '.join(sorted(WORDS))}. Received: {word!r}"
        )
    segments = [s for phoneme in WORDS[word].split() for s in PHONEMES[phoneme]]
    lengths = np.array([s.seconds for s in segments]) / voice.rate
    lengths = lengths * np.exp(rng.normal(0, 0.12, len(segments)))
    tracks = _tracks(segments, lengths, voice)
    sound = _synthesise(tracks, voice, rng)
    return to_peak(faded(_resampled(sound, _INNER_RATE, sample_rate), sample_rate, 0.02), 0.9)


@dataclass(frozen=True)
class _Tracks:
    """Parameters of the synthesiser, one value for each block."""

    formants: np.ndarray  # (n_blocks, 3), Hz
    voicing: np.ndarray
    aspiration: np.ndarray
    frication: np.ndarray
    centre: np.ndarray  # Hz, of the frication


def _tracks(segments: list[Segment], lengths: np.ndarray, voice: Voice) -> _Tracks:
    ends = np.cumsum(lengths)
    starts = ends - lengths
    blocks = np.arange(int(ends[-1] / _BLOCK) + 1) * _BLOCK
    # formants of a segment are given at two points, half a transition inside its borders
    margin = np.minimum(_GLIDE / 2, 0.3 * lengths)
    times = np.stack([starts + margin, ends - margin], axis=1).ravel()
    points = np.array([f for s in segments for f in (s.first, s.last)])
    scale = voice.tract * np.array(voice.accent)
    formants = np.stack([np.interp(blocks, times, points[:, i]) for i in range(3)], axis=1) * scale

    which = np.searchsorted(ends, blocks, side="right").clip(max=len(segments) - 1)

    def levels(name: str) -> np.ndarray:
        steps = np.array([getattr(s, name) for s in segments])[which]
        return np.convolve(np.pad(steps, 1, mode="edge"), [0.25, 0.5, 0.25], mode="valid")

    centre = np.array([s.centre for s in segments])[which] * voice.tract**0.5
    return _Tracks(formants, levels("voicing"), levels("aspiration"), levels("frication"), centre)


def _synthesise(tracks: _Tracks, voice: Voice, rng: np.random.Generator) -> np.ndarray:
    n_blocks, size = len(tracks.voicing), round(_BLOCK * _INNER_RATE)
    n_samples = n_blocks * size
    knots = np.arange(n_blocks) * size

    def smooth(track: np.ndarray) -> np.ndarray:
        return np.interp(np.arange(n_samples), knots, track)

    wander = np.cumsum(rng.normal(0, voice.jitter, n_blocks))
    wander = wander - np.linspace(0, wander[-1], n_blocks)
    melody = voice.melody / 12 * np.linspace(-0.5, 0.5, n_blocks)
    f0 = smooth(voice.f0 * 2 ** (melody + wander))
    k = np.arange(1, count_harmonics(f0.max(), _INNER_RATE) + 1)
    glottis = play_cycles((k**-voice.tilt)[None], np.zeros(1), np.cumsum(f0) / _INNER_RATE, 1)
    noise = rng.normal(size=(2, n_samples))
    voiced = smooth(tracks.voicing) * (glottis + voice.breath * noise[0])
    source = voiced + 0.4 * smooth(tracks.aspiration) * noise[0]
    hiss = smooth(tracks.frication) * noise[1]
    return _filtered(source, hiss, tracks, voice, size)


def _filtered(
    source: np.ndarray, hiss: np.ndarray, tracks: _Tracks, voice: Voice, size: int
) -> np.ndarray:
    """Filter the source by all formants in series, and the hiss by its own resonance."""
    from scipy.signal import lfilter, sosfilt

    high = np.array(_HIGH_FORMANTS) * voice.tract
    throat, lips = np.zeros((len(_BANDWIDTHS), 2)), np.zeros(2)
    sound = np.empty(len(source))
    for i, formants in enumerate(tracks.formants):
        block = slice(i * size, (i + 1) * size)
        cascade = _resonances(np.array([*formants, *high]), np.array(_BANDWIDTHS))
        wave, throat = sosfilt(cascade, source[block], zi=throat)
        centre = min(tracks.centre[i], 0.45 * _INNER_RATE)
        edge = _resonances(np.array([centre]), np.array([0.5 * centre]))[0]
        rush, lips = lfilter(edge[:3], edge[3:], hiss[block], zi=lips)
        sound[block] = wave + 0.4 * rush
    return sound


def _resonances(frequencies: np.ndarray, widths: np.ndarray) -> np.ndarray:
    """Return Klatt's resonators, whose gain is 1 at 0 Hz, as second-order sections."""
    radius = np.exp(-np.pi * widths / _INNER_RATE)
    sections = np.zeros((len(frequencies), 6))
    sections[:, 3] = 1
    sections[:, 4] = -2 * radius * np.cos(2 * np.pi * frequencies / _INNER_RATE)
    sections[:, 5] = radius**2
    sections[:, 0] = sections[:, 3:].sum(axis=1)
    return sections


def _resampled(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    from scipy.signal import resample_poly

    common = int(np.gcd(from_rate, to_rate))
    return resample_poly(samples, to_rate // common, from_rate // common)
