"""Musical notes by nine methods of synthesis, without aliasing.

Each method draws a random timbre from the generator first, independent of pitch and velocity. Equal
generators therefore give the same instrument at every pitch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .cycles import count_harmonics, play_cycles
from .envelopes import attack_and_release, faded, to_peak
from .modes import excite_modes, ring_modes
from .textures import log_uniform

__all__ = ["METHODS", "PITCHES", "midi_to_hz"]

PITCHES = range(21, 109)  # MIDI numbers of a piano's keys, 27.5 Hz to 4186 Hz
_N_STAGES = 16
_N_DRAWN = 64  # harmonics with an individual level; higher ones have a smooth spectrum
_REFERENCE_RATE = 44_100  # Hz, rate of the plucked string's loop filter

Method = Callable[[float, float, float, int, np.random.Generator], np.ndarray]


def midi_to_hz(pitch: float) -> float:
    """Return the frequency [Hz] of a MIDI pitch in equal temperament; 69 is 440 Hz."""
    return 440.0 * 2 ** ((pitch - 69) / 12)


@dataclass(frozen=True)
class _Note:
    frequency: float  # Hz
    force: float  # velocity / 127
    n_samples: int
    sample_rate: int

    @cached_property
    def time(self) -> np.ndarray:
        return np.arange(self.n_samples) / self.sample_rate

    @cached_property
    def stages(self) -> np.ndarray:
        """Return the times of spectra [s], densest at the onset, where spectra change most."""
        end = max(self.n_samples / self.sample_rate, 0.01)
        return np.concatenate([[0], np.geomspace(0.004, end, _N_STAGES - 1)])

    @cached_property
    def harmonics(self) -> np.ndarray:
        return np.arange(1, count_harmonics(self.frequency, self.sample_rate) + 1)

    def phase(self, cents: np.ndarray | float = 0.0) -> np.ndarray:
        """Return the phase [cycles] of the fundamental, detuned by `cents`."""
        if np.ndim(cents) == 0:
            return self.frequency * 2 ** (cents / 1200) * self.time
        return np.cumsum(self.frequency * 2 ** (cents / 1200)) / self.sample_rate

    def play(self, spectra: np.ndarray, phase: np.ndarray) -> np.ndarray:
        return play_cycles(spectra, self.stages, phase, self.sample_rate)

    def envelope(self, attack: float, release: float) -> np.ndarray:
        return attack_and_release(self.n_samples, self.sample_rate, attack, release)


def _additive(note: _Note, rng: np.random.Generator) -> np.ndarray:
    """Add harmonics, each with a level and a decay, filtered by the resonances of a body."""
    slope, tilt = rng.uniform(0.5, 2.0), rng.uniform(0.4, 1.4)
    even = rng.choice([1.0, rng.uniform(0, 0.5)])
    unevenness = _padded(rng.normal(0, rng.uniform(0, 6), _N_DRAWN), len(note.harmonics))
    body = [(rng.uniform(200, 6000), rng.uniform(0.2, 1), rng.uniform(-9, 12)) for _ in range(3)]
    loss, treble_loss = rng.choice([0.0, rng.uniform(0.5, 4)]), rng.uniform(0, 0.4)
    attack, vibrato = log_uniform(rng, 0.003, 0.15), _Vibrato.draw(rng)

    k, time = note.harmonics, note.stages[:, None]
    level = k ** -(slope + tilt * (1 - note.force)) * _decibels(unevenness)
    level = level * np.where(k % 2 == 1, 1, even)
    for centre, octaves, gain in body:
        distance = np.log2(k * note.frequency / centre) / octaves
        level = level * _decibels(gain * np.exp(-(distance**2)))
    level[0] = max(level[0], 0.1 * level.max())  # the fundamental is always audible
    spectra = level * np.exp(-time * loss * (1 + treble_loss * k))
    return note.play(spectra, note.phase(vibrato.cents(note.time))) * note.envelope(attack, 0.05)


def _frequency_modulation(note: _Note, rng: np.random.Generator) -> np.ndarray:
    """Add two carriers, each with a modulator at a multiple of the fundamental."""
    ratios = rng.choice([1, 1, 2, 3, 4, 5, 7], 2)
    indices, decays = rng.uniform(0.3, 6, 2), rng.choice([0.0, 1.0], 2) * rng.uniform(0.5, 8, 2)
    overtone, overtone_level = rng.integers(1, 5), rng.uniform(0, 0.6)
    floor, cents = rng.uniform(0.05, 0.6), rng.uniform(-6, 6)
    attack, loss = log_uniform(rng, 0.002, 0.1), rng.choice([0.0, rng.uniform(0.5, 4)])

    highest = len(note.harmonics)
    sound = np.zeros(note.n_samples)
    for i, (carrier, level) in enumerate([(1, 1.0), (int(overtone), overtone_level)]):
        # Carson's rule: sidebands beyond index + 2 are negligible
        room = (highest - carrier) / ratios[i] - 2
        index = max(0.0, min(indices[i] * (0.3 + 0.7 * note.force), room))
        if carrier > highest:
            continue
        phase = 2 * np.pi * note.phase(0.0 if carrier == 1 else cents)
        strength = index * (floor + (1 - floor) * np.exp(-decays[i] * note.time))
        sound += level * np.sin(carrier * phase + strength * np.sin(ratios[i] * phase))
    return sound * np.exp(-loss * note.time) * note.envelope(attack, 0.05)


def _plucked_string(note: _Note, rng: np.random.Generator) -> np.ndarray:
    """Pluck Karplus and Strong's string in closed form: noise in a loop with a low-pass filter.

    In each period a harmonic decays by the gain of the loop filter at its frequency (Computer
    Music Journal 7(2), 1983). The decay is therefore exact, and the note is in tune at any rate.
    """
    place, softness = rng.uniform(0.05, 0.5), rng.uniform(0.2, 1.5)
    blend, ring = rng.uniform(0.05, 0.5), log_uniform(rng, 0.5, 6)
    noise = rng.normal(size=_N_DRAWN) + 1j * rng.normal(size=_N_DRAWN)
    pick = rng.uniform(0, 0.02)
    crackle = rng.normal(size=1024)

    k = note.harmonics
    level = 1 + 0.5 * _padded(noise, len(k))
    level = level * np.sin(np.pi * k * place) * k ** -(softness + 0.6 * (1 - note.force))
    angle = 2 * np.pi * k * note.frequency / _REFERENCE_RATE
    gain = np.abs(1 - blend + blend * np.exp(-1j * np.minimum(angle, np.pi)))
    periods = note.stages[:, None] * note.frequency
    decay = ring * (note.frequency / 220) ** -0.4
    fall = 10 ** (-3 * note.stages[:, None] / decay) * np.maximum(gain, 1e-3) ** periods
    sound = note.play(level * fall, note.phase())
    n = min(note.n_samples, len(crackle))
    sound[:n] += pick * np.abs(sound).max() * crackle[:n] * np.exp(-np.arange(n) / 150)
    return sound


def _subtractive(note: _Note, rng: np.random.Generator) -> np.ndarray:
    """Filter two detuned saws or pulses by a resonant low pass that opens and closes."""
    blend, width = rng.uniform(0, 1), rng.uniform(0.08, 0.5)
    resonance, cutoff = log_uniform(rng, 0.6, 8), log_uniform(rng, 300, 8000)
    opening, closing = rng.uniform(0, 3), log_uniform(rng, 1, 12)
    cents, loss = rng.uniform(0, 12), rng.choice([0.0, rng.uniform(0.5, 4)])
    attack, vibrato = log_uniform(rng, 0.002, 0.2), _Vibrato.draw(rng)

    k = note.harmonics
    wave = ((1 - blend) + blend * 2 * np.sin(np.pi * k * width)) / k
    octaves = opening * note.force * np.exp(-closing * note.stages[:, None])
    lowest = max(cutoff, 1.5 * note.frequency) * (0.4 + 0.6 * note.force)
    x = k * note.frequency / (lowest * 2**octaves)
    spectra = wave / np.sqrt((1 - x**2) ** 2 + (x / resonance) ** 2)
    wander = vibrato.cents(note.time)
    sound = note.play(spectra, note.phase(wander - cents / 2))
    sound = sound + note.play(spectra, note.phase(wander + cents / 2) + 0.37)
    return sound * np.exp(-loss * note.time) * note.envelope(attack, 0.05)


def _organ(note: _Note, rng: np.random.Generator) -> np.ndarray:
    """Add pipes or tone wheels at a few multiples of the fundamental, with a tremulant."""
    stops = np.array([1, 2, 3, 4, 5, 6, 8, 10, 12, 16])
    drawn = np.where(rng.random(len(stops)) < 0.6, rng.uniform(0.05, 1, len(stops)), 0)
    drawn[0] = rng.uniform(0.5, 1)
    reed, rate = rng.uniform(0, 0.3), rng.uniform(4, 7.5)
    tremolo, sway = rng.uniform(0, 0.35), rng.uniform(0, 8)
    click, attack = rng.uniform(0, 0.3), log_uniform(rng, 0.004, 0.08)
    noise = rng.normal(size=512)

    k = note.harmonics
    level = reed * (0.2 + 0.8 * note.force) / k**1.2
    level[stops[stops <= len(k)] - 1] += drawn[stops <= len(k)]
    swing = np.sin(2 * np.pi * rate * note.time)
    sound = note.play(level[None], note.phase(sway * swing)) * (1 + tremolo * swing)
    n = min(note.n_samples, len(noise))
    sound[:n] += click * noise[:n] * np.exp(-np.arange(n) / 80)
    return sound * note.envelope(attack, 0.04)


def _sung_vowel(note: _Note, rng: np.random.Generator) -> np.ndarray:
    """Sing from one vowel to another: filter a glottal spectrum by four formants."""
    first, second = (rng.uniform([250, 700, 2200, 3200], [850, 2300, 3000, 4200]) for _ in range(2))
    tract, slope = rng.uniform(0.85, 1.3), rng.uniform(1.0, 2.0)
    width, speed = rng.uniform(0.06, 0.16), rng.uniform(0.5, 6)
    attack, breath = log_uniform(rng, 0.02, 0.2), rng.uniform(0, 0.03)
    vibrato = _Vibrato.draw(rng, depth=25)
    noise = rng.normal(size=note.n_samples)

    frequency = note.harmonics * note.frequency
    moved = 1 - np.exp(-speed * note.stages[:, None, None])
    formants = tract * (first + moved * (second - first))  # (stage, 1, formant)
    resonance = 1 / (1 + ((frequency[None, :, None] / formants - 1) / width) ** 2)
    level = resonance.sum(axis=2) + 0.02
    level[:, 0] = np.maximum(level[:, 0], 0.2)
    level = level * note.harmonics ** -(slope + 0.6 * (1 - note.force))
    sound = note.play(level, note.phase(vibrato.cents(note.time)))
    sound = sound + breath * np.abs(sound).max() * noise
    return sound * note.envelope(attack, 0.06)


def _phase_distortion(note: _Note, rng: np.random.Generator) -> np.ndarray:
    """Read a cosine at two speeds in each cycle, as Casio's CZ did, without what would alias."""
    sharp, mild = rng.uniform(0.02, 0.25), rng.uniform(0.3, 0.5)
    closing, repeats = log_uniform(rng, 0.5, 10), rng.choice([1, 1, 2, 3])
    attack, loss = log_uniform(rng, 0.002, 0.15), rng.choice([0.0, rng.uniform(0.5, 4)])
    vibrato = _Vibrato.draw(rng)

    sharp = mild + (sharp - mild) * (0.3 + 0.7 * note.force)
    knee = mild + (sharp - mild) * np.exp(-closing * note.stages[:, None])
    x = np.arange(4096) / 4096
    warped = np.where(x < knee, 0.5 * x / knee, 0.5 + 0.5 * (x - knee) / (1 - knee))
    # a resonant wave: several periods that fade in each cycle
    window = 1 - x if repeats > 1 else 1.0
    spectra = np.fft.rfft(np.cos(2 * np.pi * repeats * warped) * window)[:, 1 : 1 + 1024] / 2048
    n = min(len(note.harmonics), spectra.shape[1])
    sound = note.play(spectra[:, :n], note.phase(vibrato.cents(note.time)))
    return sound * np.exp(-loss * note.time) * note.envelope(attack, 0.05)


def _struck(note: _Note, rng: np.random.Generator) -> np.ndarray:
    """Strike bars and stiff strings, whose modes are almost harmonics."""
    k = np.arange(1, 13)
    stiffness = log_uniform(rng, 1e-5, 2e-3)
    string = k * np.sqrt((1 + stiffness * k**2) / (1 + stiffness))
    # a free bar's modes (Fletcher and Rossing, The Physics of Musical Instruments), or as makers
    # of marimbas and vibraphones tune them
    ratios = [string, np.array([1, 2.756, 5.404, 8.933]), np.array([1, 4, 10, 19.0])]
    ratio = ratios[rng.integers(3)]
    level = ratio ** -rng.uniform(0.6, 1.8) * rng.uniform(0.3, 1, len(ratio))
    level[0] = rng.uniform(0.7, 1)
    ring, treble_loss = log_uniform(rng, 0.3, 5), rng.uniform(0.3, 1.2)
    hardness, thud = rng.uniform(0.3, 1.2), rng.uniform(0, 0.5)
    knock = rng.normal(size=1024)

    level = level * ratio ** (-hardness * (1 - note.force))
    decay = ring * (note.frequency / 220) ** -0.5 * ratio**-treble_loss
    sound = ring_modes(
        ratio * note.frequency, level, np.maximum(decay, 0.02), note.n_samples, note.sample_rate
    )
    n = min(note.n_samples, len(knock))
    thuds = excite_modes(knock[:n], *_ONE_KNOCK, note.sample_rate)
    sound[:n] += thud * thuds / np.abs(thuds).max() * np.exp(-np.arange(n) / 200)
    return sound


_ONE_KNOCK = (np.array([400.0, 1100.0]), np.array([1.0, 0.5]), np.array([0.05, 0.03]))


def _blown(note: _Note, rng: np.random.Generator) -> np.ndarray:
    """Blow over a pipe: noise through narrow resonances, and the tone that develops."""
    odd, slope = rng.random() < 0.4, rng.uniform(0.8, 2.2)
    level = rng.uniform(0.5, 1, 8) * np.arange(1, 9) ** -slope
    breath, sharpness = log_uniform(rng, 0.05, 1), log_uniform(rng, 60, 400)
    attack, speed = log_uniform(rng, 0.02, 0.15), rng.uniform(8, 40)
    vibrato = _Vibrato.draw(rng, depth=12)
    noise = rng.normal(size=note.n_samples)

    k = np.arange(1, 9)
    k, level = (k[::2], level[::2]) if odd else (k, level)
    level = level * k ** (-0.8 * (1 - note.force))
    ring = 2.2 * sharpness / (k * note.frequency)  # 60 dB in Q / f · 3 ln 10 / π seconds
    hiss = excite_modes(noise, k * note.frequency, level / np.sqrt(ring), ring, note.sample_rate)
    hiss /= np.abs(hiss).max() + 1e-9
    fits = k <= len(note.harmonics)
    spectrum = np.zeros(len(note.harmonics))
    spectrum[k[fits] - 1] = level[fits]
    tone = note.play(spectrum[None], note.phase(vibrato.cents(note.time)))
    settling = 1 - np.exp(-speed * note.time)
    return (tone * settling + 2 * breath * hiss) * note.envelope(attack, 0.06)


@dataclass(frozen=True)
class _Vibrato:
    rate: float  # Hz
    depth: float  # cents
    delay: float  # s

    @classmethod
    def draw(cls, rng: np.random.Generator, depth: float = 15.0) -> "_Vibrato":
        wanted = rng.random() < 0.5
        rate, cents, delay = rng.uniform(4, 7), rng.uniform(0, depth), rng.uniform(0, 0.5)
        return cls(rate, cents if wanted else 0.0, delay)

    def cents(self, time: np.ndarray) -> np.ndarray:
        rise = np.clip((time - self.delay) / 0.3, 0, 1)
        return self.depth * rise * np.sin(2 * np.pi * self.rate * time)


def _decibels(gain: np.ndarray) -> np.ndarray:
    return 10 ** (gain / 20)


def _padded(values: np.ndarray, n: int) -> np.ndarray:
    return np.concatenate([values[:n], np.zeros(max(0, n - len(values)))])


def _method(make: Callable[[_Note, np.random.Generator], np.ndarray]) -> Method:
    def method(
        pitch: float, velocity: float, seconds: float, sample_rate: int, rng: np.random.Generator
    ) -> np.ndarray:
        n_samples = max(1, round(seconds * sample_rate))
        force = velocity / 127
        sound = make(_Note(midi_to_hz(pitch), force, n_samples, sample_rate), rng)
        return to_peak(faded(sound, sample_rate), 0.9 * force**1.5)

    method.__doc__ = make.__doc__
    return method


METHODS: dict[str, Method] = {
    "additive": _method(_additive),
    "frequency-modulation": _method(_frequency_modulation),
    "plucked-string": _method(_plucked_string),
    "subtractive": _method(_subtractive),
    "organ": _method(_organ),
    "sung-vowel": _method(_sung_vowel),
    "phase-distortion": _method(_phase_distortion),
    "struck": _method(_struck),
    "blown": _method(_blown),
}
"""Functions ``(pitch, velocity, seconds, sample_rate, rng)`` → samples.

The pitch is a MIDI number of `PITCHES`; fractions detune. The velocity, from 1 to 127, changes
level and brightness. The samples [shape=(n_samples,), dtype=float32] have a peak of
0.9 · (velocity / 127)^1.5.
"""
