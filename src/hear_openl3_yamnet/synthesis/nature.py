"""Sounds of water, wind and fire."""

import numpy as np

from .envelopes import to_peak
from .textures import band_noise, decay, glide, log_uniform, scatter, seconds_of

__all__ = ["KINDS"]


def _bubbles(
    n_samples: int, sample_rate: int, rng: np.random.Generator, rate: float, low: float, high: float
) -> np.ndarray:
    """Synthesise bubbles that ring and rise in pitch; small ones are higher (M. Minnaert, 1933)."""
    starts = np.flatnonzero(rng.random(n_samples) < rate / sample_rate)

    def bubble(index: int) -> np.ndarray:
        pitch = log_uniform(rng, low, high)
        time = seconds_of(min(0.15, 60 / pitch), sample_rate)
        course = pitch * (1 + rng.uniform(0, 4) * time)
        return glide(course, time, sample_rate) * decay(time, 40 / pitch) * rng.exponential()

    return scatter(n_samples, starts, bubble)


def _water_drops(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise single drops."""
    n = len(seconds_of(seconds, sample_rate))
    sound = _bubbles(n, sample_rate, rng, rng.uniform(4, 10), 600, 3000)
    return to_peak(sound + 0.002 * band_noise(n, sample_rate, 500, 8000, rng), 0.9)


def _stream(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a brook: many bubbles."""
    n = len(seconds_of(seconds, sample_rate))
    sound = _bubbles(n, sample_rate, rng, rng.uniform(80, 200), 300, 4000)
    return to_peak(sound + rng.uniform(0.02, 0.1) * band_noise(n, sample_rate, 400, 9e3, rng), 0.9)


def _pouring(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise water that fills a vessel, whose resonance rises."""
    time = seconds_of(seconds, sample_rate)
    sound = _bubbles(len(time), sample_rate, rng, rng.uniform(60, 120), 400, 2500)
    course = rng.uniform(300, 900) * 2 ** (rng.uniform(0.5, 1.5) * time / time[-1])
    wander = band_noise(len(time), sample_rate, 5, 120, rng)
    ring = glide(course, time, sample_rate) * wander + 0.4 * glide(2.9 * course, time, sample_rate)
    hiss = band_noise(len(time), sample_rate, 1000, 8000, rng) * 0.1
    return to_peak(sound + rng.uniform(0.1, 0.5) * ring + hiss, 0.9)


def _rain(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise very many short clicks."""
    n = len(seconds_of(seconds, sample_rate))
    drops = (rng.random(n) < rng.uniform(300, 3000) / sample_rate) * rng.exponential(size=n)
    spectrum = np.fft.rfft(drops)
    frequency = np.fft.rfftfreq(n, 1 / sample_rate)
    spectrum *= 1 / (1 + (frequency / rng.uniform(3000, 9000)) ** 2) * (frequency > 300)
    sound = np.fft.irfft(spectrum, n)
    hiss = band_noise(n, sample_rate, 1000, 12e3, rng) * rng.uniform(0.2, 1) * sound.std()
    return to_peak(sound + hiss, 0.9)


def _thunder(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise rolling claps of low noise."""
    time = seconds_of(seconds, sample_rate)
    sound = np.zeros(len(time))
    for _ in range(rng.integers(2, 6)):
        start = rng.uniform(0, 0.6) * time[-1]
        high = log_uniform(rng, 120, 1500)
        clap = band_noise(len(time), sample_rate, 25, high, rng, -3)
        sound += clap * decay(time, rng.uniform(0.5, 3), start) * rng.uniform(0.3, 1)
    return to_peak(sound, 0.9)


def _wind(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise howling gusts: noise in bands with varying levels."""
    time = seconds_of(seconds, sample_rate)
    sound = 0.4 * band_noise(len(time), sample_rate, 40, 500, rng, -4)
    for _ in range(4):
        centre = log_uniform(rng, 200, 1500)
        gust = np.sin(np.pi * (rng.uniform(0.3, 1.5) * time + rng.random())) ** 2
        sound += (
            gust
            * rng.uniform(0.2, 1)
            * band_noise(len(time), sample_rate, centre, rng.uniform(1.05, 1.4) * centre, rng)
        )
    return to_peak(sound, 0.9)


def _waves(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise surf: noise that swells, breaks and fades."""
    time = seconds_of(seconds, sample_rate)
    place = (rng.uniform(0.4, 1.2) * time + rng.random()) % 1
    swell = np.where(place < 0.4, (place / 0.4) ** 2, np.exp(-(place - 0.4) * rng.uniform(2, 6)))
    low = band_noise(len(time), sample_rate, 80, 1500, rng, -3)
    high = band_noise(len(time), sample_rate, 1500, 12e3, rng, -2)
    return to_peak(low * swell + rng.uniform(0.3, 1) * high * swell**2, 0.9)


def _fire(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise crackles over a low roar."""
    n = len(seconds_of(seconds, sample_rate))
    starts = np.flatnonzero(rng.random(n) < rng.uniform(8, 40) / sample_rate)

    def crackle(index: int) -> np.ndarray:
        time = seconds_of(0.04, sample_rate)
        burst = band_noise(len(time), sample_rate, rng.uniform(500, 3000), 10e3, rng)
        return burst * decay(time, rng.uniform(0.005, 0.04)) * rng.exponential()

    roar = band_noise(n, sample_rate, 40, 600, rng, -5)
    return to_peak(scatter(n, starts, crackle) + rng.uniform(0.05, 0.3) * roar, 0.9)


def _steam(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a jet of steam: a hiss that opens and closes."""
    time = seconds_of(seconds, sample_rate)
    low = log_uniform(rng, 1500, 5000)
    hiss = band_noise(len(time), sample_rate, low, rng.uniform(2, 5) * low, rng)
    start, length = rng.uniform(0, 0.3), rng.uniform(0.2, 1.0)
    rise = np.clip((time - start) / 0.02, 0, 1) * decay(time, rng.uniform(0.4, 3), start + length)
    return to_peak(
        hiss * np.where(time < start + length, np.clip((time - start) / 0.02, 0, 1), rise), 0.9
    )


KINDS = {
    "water-drops": _water_drops,
    "stream": _stream,
    "pouring": _pouring,
    "rain": _rain,
    "thunder": _thunder,
    "wind": _wind,
    "waves": _waves,
    "fire": _fire,
    "steam": _steam,
}
"""Functions ``(seconds, sample_rate, rng)`` → samples [shape=(n_samples,), dtype=float32]."""
