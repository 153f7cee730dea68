"""Levels, filters and mixtures of sounds."""

import numpy as np

__all__ = ["clip_hard", "equalise", "gain", "mix"]


def gain(samples: np.ndarray, decibels: float) -> np.ndarray:
    """Return the samples amplified by a gain [dB], as float32."""
    return (samples * 10 ** (decibels / 20)).astype(np.float32)


def clip_hard(samples: np.ndarray, decibels: float) -> np.ndarray:
    """Return the samples clipped at a level below their peak [dB], as float32."""
    limit = np.abs(samples).max(initial=0) * 10 ** (-abs(decibels) / 20)
    return np.clip(samples, -limit, limit).astype(np.float32)


def equalise(
    samples: np.ndarray, sample_rate: int, rng: np.random.Generator, decibels: float = 6.0
) -> np.ndarray:
    """Return the samples filtered by a random smooth frequency response.

    Parameters
    ----------
    samples : np.ndarray [shape=(n_samples,)]
    sample_rate
        Sample rate [Hz].
    rng
        Draws the filter.
    decibels
        Standard deviation of the gain at knots an octave apart [dB].

    Returns
    -------
    np.ndarray [shape=(n_samples,), dtype=float32]
    """
    frequency = np.fft.rfftfreq(len(samples), 1 / sample_rate)
    octave = np.log2(np.maximum(frequency, 20) / 20)
    knots = np.arange(np.ceil(octave.max()) + 1)
    level = np.interp(octave, knots, rng.normal(0, decibels, len(knots)))
    filtered = np.fft.irfft(np.fft.rfft(samples) * 10 ** (level / 20), len(samples))
    return filtered.astype(np.float32)


def mix(foreground: np.ndarray, background: np.ndarray, snr: float) -> np.ndarray:
    """Return a foreground over a background, with a peak of at most 1.

    Parameters
    ----------
    foreground, background : np.ndarray [shape=(n_samples,)]
    snr
        Ratio of the foreground's mean power to the background's [dB]. It has no effect if one of
        the two is silent.

    Returns
    -------
    np.ndarray [shape=(n_samples,), dtype=float32]
    """
    loud, soft = np.sqrt((foreground**2).mean()), np.sqrt((background**2).mean())
    scale = loud / soft * 10 ** (-snr / 20) if loud > 0 and soft > 0 else 1.0
    mixture = foreground + scale * background
    return (mixture / max(1.0, float(np.abs(mixture).max()))).astype(np.float32)
