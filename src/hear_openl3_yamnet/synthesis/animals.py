"""Sounds of animals, and of people without words."""

import numpy as np

from .envelopes import to_peak
from .modes import excite_modes
from .textures import band_noise, decay, glide, log_uniform, pulses, scatter, seconds_of

__all__ = ["KINDS"]


def _formants(
    source: np.ndarray, centres: np.ndarray, sample_rate: int, width: float
) -> np.ndarray:
    ring = 2.2 / (width * centres)  # 60 dB in 2.2 / bandwidth seconds
    return excite_modes(source, centres, centres / centres[0], ring, sample_rate)


def _songbird(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise syllables of quick sweeps."""
    n = len(seconds_of(seconds, sample_rate))
    starts = np.cumsum(rng.uniform(0.06, 0.25, 30)) * sample_rate
    base = rng.uniform(2500, 5500)

    def syllable(index: int) -> np.ndarray:
        time = seconds_of(rng.uniform(0.04, 0.15), sample_rate)
        place = time / time[-1]
        bend = rng.uniform(-0.4, 0.4) * place + rng.uniform(-0.3, 0.3) * np.sin(np.pi * place)
        course = base * rng.uniform(0.8, 1.3) * 2**bend
        return glide(course, time, sample_rate, 2.5, 3) * np.sin(np.pi * place)

    return to_peak(scatter(n, starts, syllable), 0.9)


def _trill(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a canary's trill: one note, repeated fast."""
    time = seconds_of(seconds, sample_rate)
    place = (rng.uniform(12, 30) * time + rng.random()) % 1
    course = rng.uniform(2500, 6000) * 2 ** (rng.uniform(-0.5, 0.5) * place)
    swell = np.sin(np.pi * time / time[-1]).clip(0) ** rng.uniform(0.2, 1)
    return to_peak(glide(course, time, sample_rate) * np.sin(np.pi * place) ** 2 * swell, 0.9)


def _crow(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise hoarse caws."""
    time = seconds_of(seconds, sample_rate)
    place = (rng.uniform(1.2, 2.5) * time + rng.random()) % 1
    jitter = 1 + 0.1 * band_noise(len(time), sample_rate, 20, 200, rng)
    source = pulses(rng.uniform(200, 500) * jitter.clip(0.4), time, sample_rate)
    source += 0.02 * rng.normal(size=len(time))
    caw = _formants(source, np.array([1100, 1700, 3000]) * rng.uniform(0.8, 1.3), sample_rate, 0.2)
    return to_peak(caw * np.sin(np.pi * np.minimum(place / 0.6, 1)), 0.9)


def _owl(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise soft hoots."""
    time = seconds_of(seconds, sample_rate)
    place = (rng.uniform(1.5, 3.5) * time + rng.random()) % 1
    course = rng.uniform(280, 600) * (1 - 0.15 * place)
    hoot = glide(course, time, sample_rate, 2.2, 4)
    return to_peak(hoot * np.sin(np.pi * np.minimum(place / 0.55, 1)) ** 2, 0.9)


def _dog(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise barks: a pitch that jumps up and falls, filtered by a throat."""
    n = len(seconds_of(seconds, sample_rate))
    starts = np.cumsum(rng.uniform(0.2, 0.5, 8)) * sample_rate - 0.15 * sample_rate
    pitch, size = rng.uniform(150, 600), rng.uniform(0.7, 1.4)

    def bark(index: int) -> np.ndarray:
        time = seconds_of(rng.uniform(0.1, 0.22), sample_rate)
        place = time / time[-1]
        course = pitch * (1 + 0.6 * np.sin(np.pi * place**0.6))
        source = pulses(course, time, sample_rate) + 0.05 * rng.normal(size=len(time))
        sound = _formants(source, np.array([700, 1400, 2600]) * size, sample_rate, 0.15)
        return sound * np.sin(np.pi * place**0.5)

    return to_peak(scatter(n, starts, bark), 0.9)


def _cat(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a miaow."""
    time = seconds_of(seconds, sample_rate)
    place = np.minimum(time / rng.uniform(0.5, 1.1), 1)
    course = rng.uniform(350, 700) * (1 + 0.4 * np.sin(np.pi * place**0.7))
    low = glide(course, time, sample_rate, 0.6, 25)
    opening = _formants(low, np.array([900, 1900, 3200]) * rng.uniform(0.8, 1.2), sample_rate, 0.12)
    sound = opening * np.sin(np.pi * place) + 0.2 * low * place * (1 - place)
    return to_peak(sound, 0.9)


def _cow(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a low moo that rises and falls."""
    time = seconds_of(seconds, sample_rate)
    place = time / time[-1]
    course = rng.uniform(80, 180) * (1 + 0.5 * np.sin(np.pi * place) ** 2)
    source = glide(course, time, sample_rate, 0.5, 40)
    moo = _formants(source, np.array([350, 800, 2200]) * rng.uniform(0.8, 1.2), sample_rate, 0.15)
    return to_peak(moo * np.sin(np.pi * place).clip(0) ** 0.4, 0.9)


def _sheep(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a bleat: a trembling voice."""
    time = seconds_of(seconds, sample_rate)
    shake = np.sin(2 * np.pi * (rng.uniform(8, 14) * time + rng.random()))
    source = glide(rng.uniform(200, 500) * (1 + 0.05 * shake), time, sample_rate, 0.4, 30)
    bleat = _formants(
        source, np.array([700, 1700, 2800]) * rng.uniform(0.8, 1.2), sample_rate, 0.12
    )
    end = np.minimum(time / rng.uniform(0.5, 1.1), 1)
    return to_peak(
        bleat * (1 + rng.uniform(0.4, 0.9) * shake) * np.sin(np.pi * end).clip(0) ** 0.5, 0.9
    )


def _frog(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise croaks: slow pulses that excite resonances."""
    time = seconds_of(seconds, sample_rate)
    place = (rng.uniform(1, 3.5) * time + rng.random()) % 1
    beats = pulses(rng.uniform(30, 80), time, sample_rate) * (place < rng.uniform(0.3, 0.7))
    modes = np.array([1.0, 1.9, 3.1]) * rng.uniform(350, 1200)
    return to_peak(
        excite_modes(beats, modes, np.array([1, 0.5, 0.3]), np.full(3, 0.02), sample_rate), 0.9
    )


def _cricket(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise chirps of a few pulses at one high pitch."""
    time = seconds_of(seconds, sample_rate)
    chirp = ((rng.uniform(1.5, 5) * time + rng.random()) % 1) < rng.uniform(0.3, 0.6)
    pulse = np.sin(np.pi * rng.uniform(25, 60) * time) ** 2
    return to_peak(glide(rng.uniform(3500, 6500), time, sample_rate, 3.0, 2) * chirp * pulse, 0.9)


def _insect(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise a fly or a bee that comes and goes."""
    time = seconds_of(seconds, sample_rate)
    wander = np.cumsum(band_noise(len(time), sample_rate, 1, 20, rng)) / sample_rate
    course = rng.uniform(130, 350) * 2 ** (0.5 * np.tanh(wander * 4))
    near = 0.3 + 0.7 * np.sin(np.pi * (rng.uniform(0.5, 2) * time + rng.random())) ** 2
    return to_peak(glide(course, time, sample_rate, rng.uniform(0.5, 1.1), 40) * near, 0.9)


def _laughter(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise laughter: bursts of breath and voice that fall in pitch."""
    time = seconds_of(seconds, sample_rate)
    place = (rng.uniform(4, 6.5) * time + rng.random()) % 1
    course = log_uniform(rng, 140, 400) * (1 - 0.2 * time / time[-1]) * (1 - 0.2 * place)
    voice = glide(course, time, sample_rate, 0.5, 30)
    breath = rng.normal(size=len(time)) * rng.uniform(0.3, 1)
    source = voice * (place < 0.45) + breath * (place > 0.75)
    size = rng.uniform(0.85, 1.25)
    sound = _formants(source, np.array([750, 1300, 2600, 3500]) * size, sample_rate, 0.1)
    return to_peak(sound * np.sin(np.pi * place).clip(0) ** 0.5, 0.9)


def _cough(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise coughs: a burst of breath with a little voice."""
    n = len(seconds_of(seconds, sample_rate))
    starts = np.cumsum(rng.uniform(0.2, 0.5, 4)) * sample_rate - 0.15 * sample_rate
    size = rng.uniform(0.85, 1.25)

    def burst(index: int) -> np.ndarray:
        time = seconds_of(0.35, sample_rate)
        breath = rng.normal(size=len(time)) * decay(time, rng.uniform(0.15, 0.35))
        voice = glide(rng.uniform(90, 250), time, sample_rate, 0.5, 30) * decay(time, 0.3, 0.05)
        source = breath + rng.uniform(0, 0.5) * voice
        return _formants(source, np.array([800, 1600, 2800, 4200]) * size, sample_rate, 0.25)

    return to_peak(scatter(n, starts, burst), 0.9)


def _snore(seconds: float, sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise breath that flutters 20 to 60 times per second."""
    time = seconds_of(seconds, sample_rate)
    flutter = pulses(rng.uniform(20, 60), time, sample_rate) * rng.uniform(0.5, 1, len(time))
    source = flutter + rng.uniform(0.005, 0.03) * rng.normal(size=len(time))
    centres = np.array([250, 700, 1500]) * rng.uniform(0.7, 1.5)
    swell = np.sin(np.pi * time / time[-1]).clip(0) ** 0.7  # at π some sines are below zero
    return to_peak(_formants(source, centres, sample_rate, 0.3) * swell, 0.9)


KINDS = {
    "songbird": _songbird,
    "trill": _trill,
    "crow": _crow,
    "owl": _owl,
    "dog": _dog,
    "cat": _cat,
    "cow": _cow,
    "sheep": _sheep,
    "frog": _frog,
    "cricket": _cricket,
    "insect": _insect,
    "laughter": _laughter,
    "cough": _cough,
    "snore": _snore,
}
"""Functions ``(seconds, sample_rate, rng)`` → samples [shape=(n_samples,), dtype=float32]."""
