"""Sounds of impacts: knocks, glass, steps, shots."""

import numpy as np

from .envelopes import to_peak
from .modes import ring_modes
from .textures import band_noise, decay, log_uniform, scatter, seconds_of

__all__ = ["KINDS"]


def _times(rng: np.random.Generator, sample_rate: int, low: float, high: float) -> np.ndarray:
    gap = rng.uniform(low, high)
    return (rng.uniform(0, gap) + np.arange(30) * gap) * sample_rate


def _knock(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise knuckles on a door."""
    n = len(seconds_of(seconds, sample_rate))
    modes = np.array([1, 1.6, 2.4, 3.7]) * rng.uniform(120, 350)
    falls = rng.uniform(0.04, 0.12, 4)

    def blow(index: int) -> np.ndarray:
        level = rng.uniform(0.3, 1, 4) * rng.uniform(0.6, 1)
        return ring_modes(modes, level, falls, round(0.15 * sample_rate), sample_rate)

    return to_peak(scatter(n, _times(rng, sample_rate, 0.12, 0.3), blow), 0.9)


def _hammer(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise slow blows of metal on metal."""
    n = len(seconds_of(seconds, sample_rate))
    modes = log_uniform(rng, 500, 1500) * np.sort(rng.uniform(1, 9, 7))
    falls = rng.uniform(0.1, 0.5, 7)

    def blow(index: int) -> np.ndarray:
        return ring_modes(
            modes, rng.uniform(0.2, 1, 7), falls, round(0.5 * sample_rate), sample_rate
        )

    return to_peak(scatter(n, _times(rng, sample_rate, 0.3, 0.6), blow), 0.9)


def _glass_clink(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise two glasses that touch."""
    n = len(seconds_of(seconds, sample_rate))
    base = rng.uniform(1200, 3500)
    modes = base * np.array([1, 2.3, 4.25, 1.03, 2.4]) * rng.uniform(0.95, 1.05, 5)
    falls = rng.uniform(0.2, 1.0, 5)
    starts = np.array([0.0, rng.uniform(0.01, 0.05), rng.uniform(0.4, 0.8)]) * sample_rate

    def clink(index: int) -> np.ndarray:
        return ring_modes(
            modes, rng.uniform(0.2, 1, 5), falls, round(0.8 * sample_rate), sample_rate
        )

    return to_peak(scatter(n, starts + rng.uniform(0, 0.2) * sample_rate, clink), 0.9)


def _glass_break(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a crash, followed by shards."""
    time = seconds_of(seconds, sample_rate)
    crash = band_noise(len(time), sample_rate, 1500, 12e3, rng) * decay(time, rng.uniform(0.1, 0.3))
    starts = rng.exponential(rng.uniform(0.1, 0.3), rng.integers(15, 45)) * sample_rate

    def shard(index: int) -> np.ndarray:
        modes = log_uniform(rng, 1800, 7000) * np.array([1, 1.5, 2.3])
        return ring_modes(
            modes, rng.uniform(0.1, 1, 3), rng.uniform(0.05, 0.3, 3), sample_rate // 4, sample_rate
        )

    shards = scatter(len(time), starts, shard)
    return to_peak(crash + rng.uniform(0.5, 1.5) * shards, 0.9)


def _steps(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise heels and toes on a hard floor."""
    n = len(seconds_of(seconds, sample_rate))
    high = log_uniform(rng, 1000, 6000)
    first = _times(rng, sample_rate, 0.35, 0.6)
    starts = np.sort(np.concatenate([first, first + rng.uniform(0.06, 0.12) * sample_rate]))

    def step(index: int) -> np.ndarray:
        time = seconds_of(0.15, sample_rate)
        thud = band_noise(len(time), sample_rate, 60, high, rng, -3)
        return thud * decay(time, rng.uniform(0.05, 0.12)) * (1.0 if index % 2 == 0 else 0.4)

    return to_peak(scatter(n, starts, step), 0.9)


def _gravel(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise feet on gravel: groups of crunches."""
    n = len(seconds_of(seconds, sample_rate))
    starts = [
        start + rng.normal(0, 0.05, 25) * sample_rate
        for start in _times(rng, sample_rate, 0.35, 0.7)[:5]
    ]

    def crunch(index: int) -> np.ndarray:
        time = seconds_of(0.03, sample_rate)
        noise = band_noise(len(time), sample_rate, rng.uniform(700, 3000), 9000, rng)
        return noise * decay(time, rng.uniform(0.01, 0.03)) * rng.exponential()

    return to_peak(scatter(n, np.concatenate(starts), crunch), 0.9)


def _shot(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a bang and its echo."""
    time = seconds_of(seconds, sample_rate)
    start = rng.uniform(0, 0.3)
    bang = band_noise(len(time), sample_rate, 50, 10e3, rng, -2)
    sound = bang * decay(time, rng.uniform(0.05, 0.25), start)
    echo = band_noise(len(time), sample_rate, 60, 2000, rng, -3)
    sound += rng.uniform(0.05, 0.3) * echo * decay(time, rng.uniform(0.6, 2), start + 0.03)
    return to_peak(sound, 0.9)


def _fireworks(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise bangs with crackles."""
    time = seconds_of(seconds, sample_rate)
    sound = np.zeros(len(time))
    for start in rng.uniform(0, 0.9, rng.integers(2, 6)):
        bang = band_noise(len(time), sample_rate, 50, log_uniform(rng, 800, 5000), rng, -3)
        sound += bang * decay(time, rng.uniform(0.2, 0.6), start) * rng.uniform(0.3, 1)
    starts = np.flatnonzero(rng.random(len(time)) < rng.uniform(30, 120) / sample_rate)
    pop = decay(seconds_of(0.01, sample_rate), 0.008)
    sound += rng.uniform(0.3, 1) * scatter(
        len(time), starts, lambda _: pop * rng.normal(size=len(pop))
    )
    return to_peak(sound, 0.9)


def _clapping(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise the clapping of one person."""
    n = len(seconds_of(seconds, sample_rate))
    centre = rng.uniform(700, 2000)

    def clap(index: int) -> np.ndarray:
        time = seconds_of(0.08, sample_rate)
        noise = band_noise(len(time), sample_rate, centre, 2.2 * centre, rng)
        return noise * decay(time, rng.uniform(0.02, 0.06)) * rng.uniform(0.6, 1)

    return to_peak(scatter(n, _times(rng, sample_rate, 0.15, 0.35), clap), 0.9)


def _applause(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise the clapping of many people."""
    n = len(seconds_of(seconds, sample_rate))
    starts = np.flatnonzero(rng.random(n) < rng.uniform(60, 250) / sample_rate)
    time = seconds_of(0.04, sample_rate)
    claps = [
        band_noise(len(time), sample_rate, centre, 2 * centre, rng) * decay(time, 0.03)
        for centre in rng.uniform(600, 2500, 24)
    ]
    loud = rng.exponential(size=len(starts))
    return to_peak(scatter(n, starts, lambda i: loud[i] * claps[i % 24]), 0.9)


def _coins(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise coins or keys that fall on each other."""
    n = len(seconds_of(seconds, sample_rate))
    starts = np.cumsum(rng.exponential(rng.uniform(0.03, 0.1), 40)) * sample_rate
    kinds = [rng.uniform(3000, 6000) * np.array([1, 1.4, 2.1, 2.9]) for _ in range(4)]

    def ring(index: int) -> np.ndarray:
        falls = rng.uniform(0.03, 0.2, 4)
        sound = ring_modes(kinds[index % 4], rng.uniform(0.2, 1, 4), falls, 8000, sample_rate)
        return sound * rng.uniform(0.2, 1)

    return to_peak(scatter(n, starts, ring), 0.9)


def _bouncing_ball(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise bounces at shorter and shorter intervals."""
    n = len(seconds_of(seconds, sample_rate))
    keep = rng.uniform(0.6, 0.85)
    gaps = rng.uniform(0.2, 0.4) * keep ** np.arange(30)
    starts = (rng.uniform(0, 0.1) + np.concatenate([[0], np.cumsum(gaps)])) * sample_rate
    modes = rng.uniform(150, 700) * np.array([1, 1.8, 2.9])

    def bounce(index: int) -> np.ndarray:
        sound = ring_modes(modes, np.array([1, 0.6, 0.3]), np.full(3, 0.07), 5000, sample_rate)
        return sound * keep**index

    return to_peak(scatter(n, starts, bounce), 0.9)


def _door(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a latch and a heavy slam."""
    time = seconds_of(seconds, sample_rate)
    start = rng.uniform(0.1, 0.4)
    slam = band_noise(len(time), sample_rate, 40, log_uniform(rng, 200, 900), rng, -3)
    sound = slam * decay(time, rng.uniform(0.2, 0.5), start)
    click = band_noise(len(time), sample_rate, 1500, 6000, rng)
    for at in start + np.array([-rng.uniform(0.03, 0.09), rng.uniform(0.0, 0.05)]):
        sound += rng.uniform(0.1, 0.4) * click * decay(time, 0.03, at)
    return to_peak(sound, 0.9)


def _paper(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise the crumpling of paper."""
    time = seconds_of(seconds, sample_rate)
    hand = np.sin(np.pi * (rng.uniform(1, 4) * time + rng.random())) ** 2
    starts = np.flatnonzero(rng.random(len(time)) < hand * rng.uniform(100, 400) / sample_rate)
    grain_time = seconds_of(0.01, sample_rate)
    folds = [
        band_noise(len(grain_time), sample_rate, low, 12e3, rng) * decay(grain_time, 0.008)
        for low in rng.uniform(800, 5000, 16)
    ]
    loud = rng.exponential(size=len(starts))
    return to_peak(scatter(len(time), starts, lambda i: loud[i] * folds[i % 16]), 0.9)


KINDS = {
    "knock": _knock,
    "hammer": _hammer,
    "glass-clink": _glass_clink,
    "glass-break": _glass_break,
    "steps": _steps,
    "gravel": _gravel,
    "shot": _shot,
    "fireworks": _fireworks,
    "clapping": _clapping,
    "applause": _applause,
    "coins": _coins,
    "bouncing-ball": _bouncing_ball,
    "door": _door,
    "paper": _paper,
}
"""Functions ``(seconds, sample_rate, rng)`` → samples [shape=(n_samples,), dtype=float32]."""
