"""Background noises, which are continuous."""

from collections.abc import Callable

import numpy as np

from .envelopes import to_peak
from .textures import band_noise, glide, log_uniform, scatter, seconds_of

__all__ = ["BACKGROUNDS", "coloured_noise"]

Background = Callable[[float, int, np.random.Generator], np.ndarray]


def coloured_noise(
    seconds: float, sample_rate: int, rng: np.random.Generator, slope: float
) -> np.ndarray:
    """Return noise with a spectral slope [dB per octave]: white 0, pink -3, brown -6, blue 3.

    Returns
    -------
    np.ndarray [shape=(n_samples,), dtype=float32]
        The peak is 0.9.
    """
    n_samples = len(seconds_of(seconds, sample_rate))
    return to_peak(band_noise(n_samples, sample_rate, 30, sample_rate / 2, rng, slope), 0.9)


def _coloured(low: float, high: float) -> Background:
    def background(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
        return coloured_noise(seconds, sample_rate, rng, rng.uniform(low, high))

    background.__doc__ = f"Noise that falls by {-high} to {-low} dB an octave."
    return background


def _hum(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise mains hum with random harmonics, over a little noise."""
    time = seconds_of(seconds, sample_rate)
    mains = rng.choice([50.0, 60.0]) * rng.uniform(0.998, 1.002)
    sound = 0.1 * rng.uniform(0, 1) * band_noise(len(time), sample_rate, 50, 12e3, rng, -4)
    for k in range(1, 25):
        sound += rng.exponential() * k**-1.2 * np.sin(2 * np.pi * (k * mains * time + rng.random()))
    return to_peak(sound, 0.9)


def _crackle(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise dust on a record, over surface noise."""
    n = len(seconds_of(seconds, sample_rate))
    starts = np.flatnonzero(rng.random(n) < log_uniform(rng, 8, 150) / sample_rate)
    click = np.exp(-np.arange(200) / rng.uniform(3, 30))
    loud = rng.exponential(size=len(starts)) * rng.choice([-1, 1], len(starts))
    sound = scatter(n, starts, lambda i: loud[i] * click)
    sound += rng.uniform(0.005, 0.05) * band_noise(n, sample_rate, 100, 8e3, rng, -2)
    return to_peak(sound, 0.9)


def _babble(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise many distant voices: tones and hisses as long as syllables."""
    time = seconds_of(seconds, sample_rate)
    sound = np.zeros(len(time))
    for _ in range(rng.integers(5, 12)):
        rate, base = rng.uniform(3, 6), log_uniform(rng, 90, 260)
        course = base * (1 + 0.15 * np.sin(2 * np.pi * (rng.uniform(0.3, 2) * time + rng.random())))
        syllables = np.sin(2 * np.pi * (rate * time + rng.random())).clip(0) ** 1.5
        sound += syllables * glide(course, time, sample_rate, rng.uniform(0.8, 1.4), 18)
    hiss = band_noise(len(time), sample_rate, 2000, 6000, rng)
    return to_peak(sound / sound.std() + rng.uniform(0.05, 0.3) * hiss, 0.9)


def _room_tone(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise ventilation: low noise with a few broad resonances."""
    n = len(seconds_of(seconds, sample_rate))
    sound = band_noise(n, sample_rate, 30, log_uniform(rng, 200, 2000), rng, -5)
    for _ in range(3):
        centre = log_uniform(rng, 80, 3000)
        sound += rng.uniform(0, 0.4) * band_noise(n, sample_rate, centre, 1.3 * centre, rng)
    return to_peak(sound, 0.9)


BACKGROUNDS: dict[str, Background] = {
    "white-noise": _coloured(-1.0, 0.5),
    "pink-noise": _coloured(-4.0, -2.5),
    "brown-noise": _coloured(-8.0, -5.5),
    "blue-noise": _coloured(2.5, 5.0),
    "hum": _hum,
    "crackle": _crackle,
    "babble": _babble,
    "room-tone": _room_tone,
}
"""Functions ``(seconds, sample_rate, rng)`` → samples [shape=(n_samples,), dtype=float32]."""
