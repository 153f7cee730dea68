"""Strokes on drums, blocks and bells: modes, a burst of noise, and a bend of the pitch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .envelopes import faded, to_peak
from .modes import excite_modes, ring_modes

__all__ = ["STROKES"]

Stroke = Callable[[float, float, float, int, np.random.Generator], np.ndarray]

# Modes of an ideal membrane and of a free bar, as multiples of the lowest (Fletcher and Rossing,
# The Physics of Musical Instruments). Those of a loaded Indian drum are nearly harmonic (Raman,
# 1934).
_MEMBRANE = (1.0, 1.594, 2.136, 2.296, 2.653, 2.918, 3.156, 3.501)
_LOADED = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
_BAR = (1.0, 2.756, 5.404, 8.933)
_BELL = (0.5, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.2)


@dataclass(frozen=True)
class _Kind:
    """Parameters of a kind of stroke."""

    ratios: tuple[float, ...]
    levels: tuple[float, ...]  # level of each mode [dB]
    ring: float  # decay of the lowest mode by 60 dB [s]
    treble_loss: float  # higher modes decay faster: ring · ratio^-loss
    noise: float  # level of the burst relative to the modes [dB]
    colour: float  # centre frequency of the burst [Hz]
    burst: float  # decay of the burst by 60 dB [s]
    bend: float = 0.0  # start of the pitch above its final value [semitones]
    settling: float = 0.05  # time constant of the bend [s]
    octave: float = 0.0  # octaves above the tuning


_KINDS = {
    "open": _Kind(_LOADED, (0, -3, -9, -14, -18, -24), 0.7, 0.5, -18, 1800, 0.03),
    "edge": _Kind(_LOADED, (-18, 0, -2, -8, -10, -14), 0.5, 0.4, -10, 3500, 0.03),
    "harmonic": _Kind(_LOADED, (-30, 0, -24, -6, -30, -12), 0.9, 0.4, -20, 3000, 0.02),
    "muted": _Kind(_LOADED, (0, -2, -6, -8, -10, -14), 0.09, 0.3, -8, 1500, 0.03),
    "slap": _Kind(_LOADED, (-12, -6, -3, 0, -2, -4), 0.06, 0.1, 3, 4500, 0.05),
    "fingertip": _Kind(_LOADED, (-6, -3, 0, -3, -6, -6), 0.03, 0.1, -2, 6000, 0.015),
    "bass": _Kind(_MEMBRANE, (0, -9, -15, -17, -20, -24, -26, -28), 0.5, 0.8, -20, 500, 0.04,
                  2.0, 0.04, -1.0),
    "glide": _Kind(_MEMBRANE, (0, -12, -18, -20, -24, -28, -30, -32), 0.7, 0.9, -24, 500, 0.04,
                   -5.0, 0.12, -1.0),
    "closed-bass": _Kind(_MEMBRANE, (0, -3, -6, -8, -10, -12, -14, -16), 0.1, 0.3, -2, 400, 0.06,
                         1.0, 0.03, -1.0),
    "both": _Kind((0.5, 0.8, *_LOADED), (0, -12, -2, -4, -9, -14, -18, -24), 0.6, 0.4, -14, 1500,
                  0.03, 1.0, 0.04),
    "rim": _Kind((2.1, 3.4, 5.2, 7.7, 9.1), (-6, 0, -2, -3, -6), 0.06, 0.2, -4, 5000, 0.012),
    "snare": _Kind(_MEMBRANE, (0, -4, -8, -10, -12, -14, -16, -18), 0.2, 0.4, 4, 5500, 0.25),
    "block": _Kind(_BAR, (0, -6, -14, -20), 0.08, 0.5, -14, 2500, 0.01, 0.0, 0.05, 1.0),
    "bell": _Kind(_BELL, (-12, 0, -6, -4, -6, -10, -12, -14), 1.6, 0.5, -22, 5000, 0.01, 0.0, 0.05,
                  1.5),
}  # fmt: skip


def _strike(
    kind: _Kind,
    tuning: float,
    velocity: float,
    seconds: float,
    sample_rate: int,
    rng: np.random.Generator,
) -> np.ndarray:
    n_samples = max(1, round(seconds * sample_rate))
    force = velocity / 127
    ratios = np.array(kind.ratios)
    ratios = ratios * 2 ** (rng.normal(0, 0.25, len(ratios)) / 12 * (ratios != 1))
    tilt = rng.uniform(-3, 3) - 6 * (1 - force)  # dB per octave: the hardness of the hand
    levels = np.array(kind.levels) + rng.normal(0, 3, len(ratios)) + tilt * np.log2(ratios)
    ring = kind.ring * np.exp(rng.normal(0, 0.25))
    decays = np.maximum(ring * ratios ** -(kind.treble_loss + rng.normal(0, 0.1)), 0.01)
    bend = kind.bend * rng.uniform(0.6, 1.4) * force
    noise = kind.noise + rng.normal(0, 3) - 3 * (1 - force)
    colour, burst = kind.colour * np.exp(rng.normal(0, 0.25)), kind.burst * rng.uniform(0.7, 1.4)
    hiss = rng.normal(size=n_samples)

    frequencies = tuning * 2**kind.octave * ratios
    amplitudes = 10 ** (levels / 20)
    if bend:
        modes = _bent(frequencies, amplitudes, decays, bend, kind.settling, n_samples, sample_rate)
    else:
        modes = ring_modes(frequencies, amplitudes, decays, n_samples, sample_rate)
    hiss *= 10 ** (-3 * np.arange(n_samples) / (burst * sample_rate))
    hiss = excite_modes(hiss, *_coloured(colour), sample_rate)
    modes = modes / (np.abs(modes).max() + 1e-9)
    hiss = hiss / (np.abs(hiss).max() + 1e-9)
    sound = modes + 10 ** (noise / 20) * hiss
    return to_peak(faded(sound, sample_rate), 0.9 * force**1.5)


def _bent(
    frequencies: np.ndarray,
    amplitudes: np.ndarray,
    decays: np.ndarray,
    bend: float,
    settling: float,
    n_samples: int,
    sample_rate: int,
) -> np.ndarray:
    """Ring modes whose frequencies start `bend` semitones off and settle."""
    time = np.arange(n_samples) / sample_rate
    phase = np.cumsum(2 ** (bend / 12 * np.exp(-time / settling))) / sample_rate
    sound = np.zeros(n_samples)
    for frequency, amplitude, decay in zip(frequencies, amplitudes, decays, strict=True):
        if frequency * 2 ** (abs(bend) / 12) < 0.45 * sample_rate:
            fall = 10 ** (-3 * time / decay)
            sound += amplitude * fall * np.sin(2 * np.pi * frequency * phase)
    return sound


def _coloured(centre: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return two broad, short resonances that filter a burst of noise."""
    frequencies = centre * np.array([0.7, 1.3])
    return frequencies, np.ones(2), 2.2 * 1.5 / frequencies  # quality 1.5


def _stroke(kind: _Kind) -> Stroke:
    def stroke(
        tuning: float, velocity: float, seconds: float, sample_rate: int, rng: np.random.Generator
    ) -> np.ndarray:
        return _strike(kind, tuning, velocity, seconds, sample_rate, rng)

    return stroke


STROKES: dict[str, Stroke] = {name: _stroke(kind) for name, kind in _KINDS.items()}
"""Functions ``(tuning, velocity, seconds, sample_rate, rng)`` → samples.

The tuning is the drum's main pitch [Hz]. The velocity, from 1 to 127, changes level, brightness and
bend. The generator varies the modes, levels, decays and noise of the kind. The samples
[shape=(n_samples,), dtype=float32] have a peak of 0.9 · (velocity / 127)^1.5.
"""
