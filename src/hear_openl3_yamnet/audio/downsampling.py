"""Waveforms at a lower rate, for networks of several rates side by side."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

_ZERO_CROSSINGS = 96  # of the sinc on each side
_CUTOFF = 0.97  # of the lower Nyquist frequency: flat to 7500 Hz, YAMNet's last band, gone by 8000
_KAISER_BETA = 9.0  # about 90 dB of attenuation


@cache
def _low_pass(factor: int) -> np.ndarray:
    from scipy.signal import firwin

    n_taps = 2 * _ZERO_CROSSINGS * factor + 1  # odd: no fraction of a sample of delay
    return firwin(n_taps, _CUTOFF / factor, window=("kaiser", _KAISER_BETA))


def reach(from_rate: int, to_rate: int) -> int:
    """Return how many samples on either side of its own place `downsample` makes one of."""
    return 0 if from_rate == to_rate else _ZERO_CROSSINGS * (from_rate // to_rate)


def downsample(
    audio: Sequence[np.ndarray] | np.ndarray, from_rate: int, to_rate: int
) -> Sequence[np.ndarray] | np.ndarray:
    """Keep every n-th sample behind a linear-phase low-pass, without delay.

    Parameters
    ----------
    audio : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
        Clips of any lengths.
    from_rate, to_rate : int
        Hertz; the first a whole multiple of the second.

    Returns
    -------
    sequence of np.ndarray [shape=(ceil(n_samples * to_rate / from_rate),), dtype=float32]
        The audio itself where the rates are equal.
    """
    if from_rate == to_rate:
        return audio
    from scipy.signal import resample_poly

    factor, rest = divmod(from_rate, to_rate)
    assert rest == 0, f"{from_rate} Hz is no multiple of {to_rate} Hz"
    taps = _low_pass(factor).astype(np.float32)
    return [resample_poly(clip, 1, factor, window=taps) for clip in audio]
