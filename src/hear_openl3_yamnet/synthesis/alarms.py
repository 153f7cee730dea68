"""Signals: sirens, alarms, horns, telephone bells."""

import numpy as np

from .envelopes import to_peak
from .modes import excite_modes
from .textures import band_noise, decay, glide, log_uniform, pulses, seconds_of

__all__ = ["KINDS"]


def _siren_wail(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a siren whose pitch rises and falls slowly."""
    time = seconds_of(seconds, sample_rate)
    swing = np.sin(2 * np.pi * (rng.uniform(0.15, 0.7) * time + rng.random()))
    course = rng.uniform(500, 1100) * 2 ** (rng.uniform(0.3, 0.8) * swing)
    return to_peak(glide(course, time, sample_rate, rng.uniform(0.8, 2), 20), 0.9)


def _siren_yelp(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a siren with several upward sweeps per second."""
    time = seconds_of(seconds, sample_rate)
    sweep = (rng.uniform(2, 8) * time + rng.random()) % 1
    course = rng.uniform(400, 900) * 2 ** (rng.uniform(0.7, 1.6) * sweep)
    return to_peak(glide(course, time, sample_rate, rng.uniform(0.8, 2), 20), 0.9)


def _two_tone_horn(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a siren that alternates between two notes."""
    time = seconds_of(seconds, sample_rate)
    second = ((rng.uniform(0.8, 2.5) * time + rng.random()) % 1) < 0.5
    low = rng.uniform(350, 600)
    course = np.where(second, low * 2 ** rng.uniform(0.2, 0.5), low)
    return to_peak(glide(course, time, sample_rate, rng.uniform(0.4, 1), 25), 0.9)


def _beeps(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise beeps of one pitch."""
    time = seconds_of(seconds, sample_rate)
    on = ((rng.uniform(2, 9) * time + rng.random()) % 1) < rng.uniform(0.3, 0.7)
    tone = glide(log_uniform(rng, 800, 4000), time, sample_rate, rng.choice([1.0, 1.5, 3.0]), 8)
    return to_peak(tone * on, 0.9)


def _smoke_alarm(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise groups of three shrill beeps with rests."""
    time = seconds_of(seconds, sample_rate)
    place = (rng.uniform(0.8, 1.4) * time + rng.random()) % 1
    on = (place < 0.75) & ((place * 4) % 1 < 0.6)
    tone = glide(rng.uniform(2700, 3600), time, sample_rate, rng.uniform(1, 2), 5)
    return to_peak(tone * on, 0.9)


def _car_horn(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise two bright notes at the same time."""
    time = seconds_of(seconds, sample_rate)
    low = rng.uniform(280, 480)
    sound = glide(low, time, sample_rate, rng.uniform(0.2, 0.7), 40)
    sound += glide(low * rng.uniform(1.18, 1.35), time, sample_rate, rng.uniform(0.2, 0.7), 40)
    start, length = rng.uniform(0, 0.2), rng.uniform(0.15, 1.0)
    return to_peak(sound * ((time > start) & (time < start + length)), 0.9)


def _ship_horn(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a deep tone with a slow attack."""
    time = seconds_of(seconds, sample_rate)
    sound = glide(rng.uniform(70, 180), time, sample_rate, rng.uniform(0.3, 0.9), 60)
    noise = band_noise(len(time), sample_rate, 100, 3000, rng, -3)
    sound = sound / sound.std() + rng.uniform(0.05, 0.3) * noise
    return to_peak(sound * (1 - np.exp(-time * rng.uniform(5, 20))), 0.9)


def _telephone_bell(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a clapper that strikes two small bells."""
    time = seconds_of(seconds, sample_rate)
    base = rng.uniform(900, 1800)
    ratios = np.concatenate([[1, 2.4, 4.1], rng.uniform(1.05, 1.3) * np.array([1, 2.4, 4.1])])
    blows = pulses(rng.uniform(18, 30), time, sample_rate)
    blows = blows * (((rng.uniform(0.3, 0.8) * time + rng.random()) % 1) < 0.7)
    if not blows.any():
        blows[0] = 1  # a clip may lie between two rings
    fall = rng.uniform(0.2, 0.8, 6)
    return to_peak(
        excite_modes(blows, base * ratios, rng.uniform(0.3, 1, 6), fall, sample_rate), 0.9
    )


def _ringtone(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise an electronic tone that alternates between two pitches."""
    time = seconds_of(seconds, sample_rate)
    second = ((rng.uniform(10, 22) * time) % 1) < 0.5
    low = rng.uniform(700, 1800)
    course = np.where(second, low * rng.uniform(1.15, 1.5), low)
    on = ((rng.uniform(0.7, 1.6) * time + rng.random()) % 1) < rng.uniform(0.5, 0.8)
    return to_peak(glide(course, time, sample_rate, rng.uniform(1, 2.5), 8) * on, 0.9)


def _dial_tones(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise the frequency pairs of a telephone keypad (ITU-T Q.23)."""
    time = seconds_of(seconds, sample_rate)
    rate = rng.uniform(3, 8)
    keys = np.minimum((rate * time).astype(int), 39)
    rows = rng.choice([697.0, 770.0, 852.0, 941.0], 40)[keys]
    columns = rng.choice([1209.0, 1336.0, 1477.0, 1633.0], 40)[keys]
    on = ((rate * time) % 1) < rng.uniform(0.4, 0.9)
    tone = np.sin(2 * np.pi * rows * time) + np.sin(2 * np.pi * columns * time)
    return to_peak(tone * on, 0.9)


def _whistle(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a referee's whistle with a fluttering pea."""
    time = seconds_of(seconds, sample_rate)
    flutter = np.sin(2 * np.pi * (rng.uniform(25, 60) * time + rng.random()))
    base, depth = rng.uniform(2000, 4000), rng.uniform(0.01, 0.05)
    tone = glide(base * (1 + depth * flutter), time, sample_rate, 2.0, 3)
    tone *= 1 + rng.uniform(0.2, 0.6) * flutter
    breath = band_noise(len(time), sample_rate, 0.7 * base, 2 * base, rng) * rng.uniform(0.05, 0.4)
    end = rng.uniform(0.3, 1.2)
    return to_peak((tone + breath) * (time < end), 0.9)


def _laser(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise shots of an arcade game: falling chirps."""
    time = seconds_of(seconds, sample_rate)
    place = (rng.uniform(1.5, 6) * time + rng.random()) % 1
    course = log_uniform(rng, 100, 400) + log_uniform(rng, 1500, 6000) * np.exp(
        -place * rng.uniform(3, 10)
    )
    shot = glide(course, time, sample_rate, rng.uniform(0.7, 2), 10) * np.exp(-3 * place)
    return to_peak(shot, 0.9)


def _reversing_beeper(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise slow beeps of a reversing lorry, each slightly decaying."""
    time = seconds_of(seconds, sample_rate)
    rate = rng.uniform(0.9, 1.8)
    place = (rate * time + rng.random()) % 1
    tone = glide(rng.uniform(1000, 1600), time, sample_rate, 0.6, 14)
    return to_peak(tone * (place < 0.5) * decay(place, rng.uniform(1, 4)), 0.9)


KINDS = {
    "siren-wail": _siren_wail,
    "siren-yelp": _siren_yelp,
    "two-tone-horn": _two_tone_horn,
    "beeps": _beeps,
    "smoke-alarm": _smoke_alarm,
    "car-horn": _car_horn,
    "ship-horn": _ship_horn,
    "telephone-bell": _telephone_bell,
    "ringtone": _ringtone,
    "dial-tones": _dial_tones,
    "whistle": _whistle,
    "laser": _laser,
    "reversing-beeper": _reversing_beeper,
}
"""Functions ``(seconds, sample_rate, rng)`` → samples [shape=(n_samples,), dtype=float32]."""
