"""Sounds of machines: engines, motors, tools."""

import numpy as np

from .envelopes import to_peak
from .modes import excite_modes
from .textures import band_noise, decay, glide, log_uniform, pulses, scatter, seconds_of

__all__ = ["KINDS"]


def _engine(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise cylinders that fire into an exhaust pipe at a varying speed."""
    time = seconds_of(seconds, sample_rate)
    firing = rng.uniform(15, 90) * (1 + rng.uniform(-0.3, 0.5) * time / time[-1])
    fire = pulses(firing, time, sample_rate) * rng.uniform(0.6, 1, len(time))
    pipe = np.sort(rng.uniform(60, 1800, 5))
    body = excite_modes(fire, pipe, rng.uniform(0.3, 1, 5), rng.uniform(0.02, 0.08, 5), sample_rate)
    rattle = band_noise(len(time), sample_rate, 300, 6000, rng, -3) * rng.uniform(0.01, 0.1)
    return to_peak(body / body.std() + rattle, 0.9)


def _electric_motor(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a whine that rises in pitch."""
    time = seconds_of(seconds, sample_rate)
    final = log_uniform(rng, 200, 1500)
    speed = final * (1 - rng.uniform(0, 0.8) * np.exp(-time * rng.uniform(1, 8)))
    whine = glide(speed, time, sample_rate, rng.uniform(0.6, 1.5), 12)
    whine += 0.4 * glide(speed * rng.integers(5, 12), time, sample_rate)
    air = band_noise(len(time), sample_rate, 500, 9000, rng, -2) * rng.uniform(0.05, 0.5)
    return to_peak(whine + air, 0.9)


def _drill(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise 20 to 50 blows per second on something that rings."""
    time = seconds_of(seconds, sample_rate)
    blows = pulses(rng.uniform(20, 50), time, sample_rate)
    modes = np.sort(log_uniform(rng, 300, 900) * rng.uniform(1, 9, 6))
    ring = excite_modes(
        blows, modes, rng.uniform(0.3, 1, 6), rng.uniform(0.02, 0.1, 6), sample_rate
    )
    grind = band_noise(len(time), sample_rate, 800, 9000, rng) * rng.uniform(0.1, 0.4)
    return to_peak(ring / ring.std() + grind, 0.9)


def _saw(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise teeth that move back and forth through wood."""
    time = seconds_of(seconds, sample_rate)
    stroke = rng.uniform(1.5, 4)
    speed = np.abs(np.sin(np.pi * (stroke * time + rng.random())))
    teeth = pulses(20 + rng.uniform(120, 400) * speed, time, sample_rate)
    modes = rng.uniform(500, 4000, 4)
    rasp = excite_modes(teeth, modes, np.ones(4), rng.uniform(0.004, 0.02, 4), sample_rate)
    hiss = band_noise(len(time), sample_rate, 1000, 10e3, rng) * rng.uniform(0.3, 1)
    return to_peak((rasp / rasp.std() + hiss) * speed**1.5, 0.9)


def _vacuum_cleaner(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise broad noise with the whistle of a fan."""
    time = seconds_of(seconds, sample_rate)
    fan = log_uniform(rng, 300, 900)
    sound = band_noise(len(time), sample_rate, 150, 8000, rng, -3)
    for k in (1, 2, 3, 7):
        sound += rng.uniform(0.1, 0.8) / k * np.sin(2 * np.pi * (fan * k * time + rng.random()))
    return to_peak(sound, 0.9)


def _helicopter(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise noise, interrupted by rotor blades."""
    time = seconds_of(seconds, sample_rate)
    phase = (rng.uniform(9, 20) * time + rng.random()) % 1
    chop = np.exp(-phase * rng.uniform(4, 12))
    low = band_noise(len(time), sample_rate, 30, log_uniform(rng, 200, 900), rng, -3)
    turbine = band_noise(len(time), sample_rate, 2000, 8000, rng) * rng.uniform(0.02, 0.2)
    return to_peak(low * chop + turbine, 0.9)


def _propeller(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a passing aircraft: a buzz whose pitch falls."""
    time = seconds_of(seconds, sample_rate)
    middle, width = rng.uniform(0.2, 0.8) * time[-1], rng.uniform(0.1, 0.5)
    shift = 1 - rng.uniform(0.05, 0.25) * np.tanh((time - middle) / width)
    buzz = glide(rng.uniform(60, 180) * shift, time, sample_rate, rng.uniform(0.3, 0.9), 30)
    loud = 1 / (1 + ((time - middle) / (2 * width)) ** 2)
    air = band_noise(len(time), sample_rate, 100, 4000, rng, -3)
    return to_peak((buzz / buzz.std() + rng.uniform(0.1, 0.6) * air) * loud, 0.9)


def _typewriter(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise fast keystrokes of two clicks each."""
    n = len(seconds_of(seconds, sample_rate))
    gaps = rng.gamma(3, rng.uniform(0.03, 0.08), 40) * sample_rate
    starts = np.cumsum(gaps)
    modes, falls = rng.uniform(1200, 7000, 5), rng.uniform(0.01, 0.05, 5)

    def key(index: int) -> np.ndarray:
        blow = np.zeros(round(0.12 * sample_rate))
        blow[0], blow[round(rng.uniform(0.03, 0.07) * sample_rate)] = 1, rng.uniform(0.2, 0.7)
        spread = modes * rng.uniform(0.95, 1.05, 5)
        click = excite_modes(blow, spread, np.ones(5), falls, sample_rate)
        return click * rng.uniform(0.4, 1)

    return to_peak(scatter(n, starts, key), 0.9)


def _clock(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise alternating ticks."""
    n = len(seconds_of(seconds, sample_rate))
    rate = rng.uniform(2, 6)
    starts = (rng.uniform(0, 1 / rate) + np.arange(40) / rate) * sample_rate
    pitches, falls = rng.uniform(1500, 6000, (2, 3)), rng.uniform(0.01, 0.06, 3)

    def tick(index: int) -> np.ndarray:
        blow = np.zeros(round(0.08 * sample_rate))
        blow[0] = 1
        return excite_modes(blow, pitches[index % 2], np.ones(3), falls, sample_rate)

    return to_peak(scatter(n, starts, tick), 0.9)


def _printer(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise lines of needle strokes on paper, between steps of a motor."""
    time = seconds_of(seconds, sample_rate)
    needles = glide(rng.uniform(300, 900), time, sample_rate, rng.uniform(0.1, 0.5), 30)
    line = ((rng.uniform(2, 6) * time + rng.random()) % 1) < rng.uniform(0.5, 0.85)
    steps = pulses(rng.uniform(60, 150), time, sample_rate)
    motor = excite_modes(
        steps, rng.uniform(200, 1500, 3), np.ones(3), rng.uniform(0.01, 0.03, 3), sample_rate
    )
    hiss = band_noise(len(time), sample_rate, 2000, 9000, rng) * 0.3
    return to_peak((needles / needles.std() + hiss) * line + 0.4 * motor / motor.std(), 0.9)


def _train(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise pairs of wheels that pass over rail joints, in a rumble."""
    time = seconds_of(seconds, sample_rate)
    rate, gap = rng.uniform(1.2, 3), rng.uniform(0.08, 0.16)
    start = rng.uniform(0, 1 / rate)
    first = start + np.arange(10) / rate
    starts = np.sort(np.concatenate([first, first + gap])) * sample_rate
    grain_time = seconds_of(0.2, sample_rate)
    high = log_uniform(rng, 600, 2500)

    def clack(index: int) -> np.ndarray:
        burst = band_noise(len(grain_time), sample_rate, 80, high, rng)
        return burst * decay(grain_time, rng.uniform(0.08, 0.2))

    rumble = band_noise(len(time), sample_rate, 30, 500, rng, -4)
    return to_peak(scatter(len(time), starts, clack) + rng.uniform(0.2, 0.6) * rumble, 0.9)


KINDS = {
    "engine": _engine,
    "electric-motor": _electric_motor,
    "drill": _drill,
    "saw": _saw,
    "vacuum-cleaner": _vacuum_cleaner,
    "helicopter": _helicopter,
    "propeller": _propeller,
    "typewriter": _typewriter,
    "clock": _clock,
    "printer": _printer,
    "train": _train,
}
"""Functions ``(seconds, sample_rate, rng)`` → samples [shape=(n_samples,), dtype=float32]."""
