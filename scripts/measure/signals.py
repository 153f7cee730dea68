"""Signals for speed measurements: seeded noise, notes and speech of any length.

How much OpenL3's windows can share depends on how many consecutive windows contain the same loudest
frame. In noise the loudest frame changes often. In music and speech it is the same from one loud
onset to the next.
"""

import io
import shutil
import subprocess

import numpy as np

FLOOR = 1e-3
"""Level of the noise in notes and speech. Recordings have no digital silence."""

SENTENCES = (
    "The windows of a long recording overlap, and most of what they show is the same.",
    "A door closes. Someone walks down the stairs, slowly, and stops.",
    "We measured twelve times, and wrote down the middle one.",
    "Is that a violin, or only the wind in the wires?",
)


def noise(sample_rate: int, seconds: float, seed: int = 1) -> np.ndarray:
    """Return white noise, float32 [shape=(n_samples,)]."""
    rng = np.random.default_rng(seed)
    return 0.1 * rng.standard_normal(round(sample_rate * seconds), dtype=np.float32)


def notes(sample_rate: int, seconds: float, seed: int = 2) -> np.ndarray:
    """Return decaying harmonic notes, one each 0.1 to 0.6 s, with levels over a range of 20 dB."""
    rng = np.random.default_rng(seed)
    audio = FLOOR * rng.standard_normal(round(sample_rate * seconds), dtype=np.float32)
    begin = 0.0
    while begin < seconds:
        n = min(round(1.5 * sample_rate), len(audio) - round(begin * sample_rate))
        t = np.arange(n) / sample_rate
        pitch = 440 * 2 ** ((rng.integers(36, 84) - 69) / 12)
        tone = sum(np.sin(2 * np.pi * pitch * h * t) / h for h in range(1, 9))
        attack = np.minimum(1, t / 0.005)
        loudness = 0.3 * 10 ** rng.uniform(-1, 0)
        note = (loudness * attack * np.exp(-4 * t) * tone).astype(np.float32)
        audio[round(begin * sample_rate) :][:n] += note
        begin += rng.uniform(0.1, 0.6)
    return audio / max(1.0, np.abs(audio).max())


def speech(sample_rate: int, seconds: float, seed: int = 3) -> np.ndarray | None:
    """Return sentences in several voices of espeak-ng, with pauses; None if it is not installed."""
    if shutil.which("espeak-ng") is None:
        return None
    import librosa
    import soundfile

    rng = np.random.default_rng(seed)
    audio = FLOOR * rng.standard_normal(round(sample_rate * seconds), dtype=np.float32)
    end = 0
    for i in range(10**6):
        if end >= len(audio):
            return audio
        voice = ["-v", ("en", "en+f3", "en+m3")[i % 3], "-s", str(rng.integers(130, 190))]
        wav = subprocess.run(
            ["espeak-ng", "--stdout", *voice, SENTENCES[i % len(SENTENCES)]],
            check=True,
            capture_output=True,
        ).stdout
        spoken, rate = soundfile.read(io.BytesIO(wav), dtype="float32")
        spoken = librosa.resample(spoken, orig_sr=rate, target_sr=sample_rate)[: len(audio) - end]
        audio[end : end + len(spoken)] += 0.7 * rng.uniform(0.5, 1) * spoken
        end += len(spoken) + round(rng.uniform(0.2, 0.8) * sample_rate)
    return audio


SIGNALS = {"noise": noise, "notes": notes, "speech": speech}
