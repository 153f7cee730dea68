"""Rooms: a few early echoes, and reverberation as noise whose treble decays first."""

import numpy as np

from .envelopes import to_peak
from .textures import band_noise, decay, log_uniform, seconds_of

__all__ = ["draw_room", "in_room"]


def draw_room(sample_rate: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a room's impulse response, from a cupboard (60 dB decay in 0.1 s) to a church (2.5 s).

    Returns
    -------
    np.ndarray [shape=(n_samples,), dtype=float32]
        It begins with the direct sound, whose amplitude is 1.
    """
    fall, wet = log_uniform(rng, 0.1, 2.5), log_uniform(rng, 0.05, 0.8)
    time = seconds_of(min(fall, 1.5), sample_rate)
    tail = np.zeros(len(time))
    for low, high, share in [(60, 600, 1.2), (600, 4000, 1.0), (4000, 16e3, 0.5)]:
        tail += band_noise(len(time), sample_rate, low, high, rng) * decay(time, share * fall)
    tail *= wet / np.sqrt((tail**2).sum())
    for delay in rng.uniform(0.001, 0.03, rng.integers(3, 9)):
        at = round(delay * sample_rate)
        if at < len(tail):
            tail[at] += wet * rng.uniform(0.1, 0.5) * rng.choice([-1, 1])
    tail[0] = 1.0
    return tail.astype(np.float32)


def in_room(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    """Return a sound in a room. Its length and its peak stay the same.

    Parameters
    ----------
    samples : np.ndarray [shape=(n_samples,)]
    response : np.ndarray [shape=(n_response,)]
        Impulse response, from `draw_room`.

    Returns
    -------
    np.ndarray [shape=(n_samples,), dtype=float32]
    """
    from scipy.signal import fftconvolve

    heard = fftconvolve(samples, response)[: len(samples)]
    return to_peak(heard, float(np.abs(samples).max(initial=0)))
