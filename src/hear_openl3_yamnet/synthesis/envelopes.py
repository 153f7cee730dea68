"""Envelopes: the level of a sound over time."""

import numpy as np

__all__ = ["attack_and_release", "faded", "to_peak"]


def attack_and_release(
    n_samples: int, sample_rate: int, attack: float, release: float
) -> np.ndarray:
    """Return an envelope that rises from 0 to 1 and falls back to 0, as raised cosines.

    Parameters
    ----------
    n_samples, sample_rate
        Length and rate [Hz].
    attack, release
        Lengths of the rise and the fall [s]. Both are shortened if the sound is too short.

    Returns
    -------
    np.ndarray [shape=(n_samples,), dtype=float64]
        It is 1 between rise and fall.
    """
    envelope = np.ones(n_samples)
    scale = min(1.0, n_samples / (sample_rate * (attack + release) + 1))
    for seconds, from_edge in [(attack, envelope), (release, envelope[::-1])]:
        n = min(n_samples, round(seconds * scale * sample_rate))
        from_edge[:n] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(n) / max(n, 1))
    return envelope


def faded(samples: np.ndarray, sample_rate: int, seconds: float = 0.005) -> np.ndarray:
    """Return the samples with a faded end, which does not click."""
    n = min(len(samples), round(seconds * sample_rate))
    samples = samples.copy()
    samples[len(samples) - n :] *= np.linspace(1, 0, n)
    return samples


def to_peak(samples: np.ndarray, peak: float) -> np.ndarray:
    """Scale samples to a peak and return them as float32. Silence stays silent."""
    return (samples * (peak / max(float(np.abs(samples).max(initial=0)), 1e-9))).astype(np.float32)
