"""Components of events: gliding tones, noise in a band, scattered grains."""

from collections.abc import Callable

import numpy as np

from .cycles import count_harmonics

__all__ = ["band_noise", "decay", "glide", "log_uniform", "pulses", "scatter", "seconds_of"]


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """Draw a number whose logarithm is uniformly distributed."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def seconds_of(seconds: float, sample_rate: int) -> np.ndarray:
    """Return the times [s] of a sound's samples [shape=(n_samples,)], at least one."""
    return np.arange(max(1, round(seconds * sample_rate))) / sample_rate


def decay(time: np.ndarray, fall: float, start: float = 0.0) -> np.ndarray:
    """Return an envelope: 0 before `start`, then 1, which falls by 60 dB in `fall` seconds."""
    after = time - start
    return np.where(after >= 0, 10 ** (-3 * np.maximum(after, 0) / fall), 0.0)


def band_noise(
    n_samples: int,
    sample_rate: int,
    low: float,
    high: float,
    rng: np.random.Generator,
    slope: float = 0.0,
) -> np.ndarray:
    """Return Gaussian noise in a band.

    Parameters
    ----------
    n_samples, sample_rate
        Length and rate [Hz].
    low, high
        Edges of the band [Hz]. The level falls by about 24 dB per octave outside.
    rng
        Draws the noise.
    slope
        Slope of the spectrum [dB per octave].

    Returns
    -------
    np.ndarray [shape=(n_samples,)]
        The standard deviation is one.
    """
    frequency = np.fft.rfftfreq(n_samples, 1 / sample_rate)
    frequency[0] = frequency[min(1, len(frequency) - 1)]
    gain = (frequency / 1000) ** (slope / 6.02)
    gain /= np.sqrt((1 + (low / frequency) ** 8) * (1 + (frequency / high) ** 8))
    sound = np.fft.irfft(np.fft.rfft(rng.normal(size=n_samples)) * gain, n_samples)
    return sound / (sound.std() + 1e-12)


def glide(
    frequency: np.ndarray | float,
    time: np.ndarray,
    sample_rate: int,
    slope: float | None = None,
    n_harmonics: int = 40,
) -> np.ndarray:
    """Return a tone whose frequency varies over time.

    Parameters
    ----------
    frequency : float or np.ndarray [shape=(n_samples,)]
        Fundamental frequency at each sample [Hz].
    time, sample_rate
        Times of the samples [s] and their rate [Hz].
    slope
        Harmonic k has amplitude k ** -slope. None means no overtones.
    n_harmonics
        Largest number of harmonics. None is above the Nyquist frequency.

    Returns
    -------
    np.ndarray [shape=(n_samples,)]
    """
    course = np.broadcast_to(np.asarray(frequency, float), time.shape)
    phase = 2 * np.pi * np.cumsum(course) / sample_rate
    if slope is None:
        return np.sin(phase)
    n = min(n_harmonics, count_harmonics(float(course.max()), sample_rate))
    wave, turn = np.zeros(len(time)), np.exp(1j * phase)
    spin = np.ones(len(time), complex)
    for k in range(1, n + 1):
        spin *= turn
        wave += spin.imag * k**-slope
    return wave


def pulses(rate: np.ndarray | float, time: np.ndarray, sample_rate: int) -> np.ndarray:
    """Return unit impulses at a rate [Hz], which may vary over time."""
    phase = np.cumsum(np.broadcast_to(np.asarray(rate, float), time.shape)) / sample_rate
    return np.diff(np.floor(phase), prepend=-1.0).clip(0, 1)


def scatter(
    n_samples: int,
    starts: np.ndarray,
    grain: Callable[[int], np.ndarray],
) -> np.ndarray:
    """Add up short sounds, called grains.

    Parameters
    ----------
    n_samples
        Length of the sum. Grains are cut off at its end.
    starts : np.ndarray [shape=(n_grains,)]
        First sample of each grain.
    grain
        Function that makes the grain of a number.

    Returns
    -------
    np.ndarray [shape=(n_samples,)]
    """
    sound = np.zeros(n_samples)
    for index, start in enumerate(np.asarray(starts, int)):
        if 0 <= start < n_samples:
            samples = grain(index)[: n_samples - start]
            sound[start : start + len(samples)] += samples
    return sound
