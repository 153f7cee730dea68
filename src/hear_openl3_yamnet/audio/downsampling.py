"""Waveforms at a lower rate, for an ensemble of networks with several rates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

_ZERO_CROSSINGS = 96
"""Zero crossings of the sinc function on each side."""

_CUTOFF = 0.97
"""Share of the lower Nyquist frequency. For YAMNet the response is flat up to 7500 Hz, the end of
its last band, and reaches full attenuation at 8000 Hz."""

_KAISER_BETA = 9.0
"""Shape of the Kaiser window: about 90 dB of attenuation."""


@cache
def _low_pass(factor: int) -> np.ndarray:
    from scipy.signal import firwin

    n_taps = 2 * _ZERO_CROSSINGS * factor + 1  # odd, so the delay is a whole number of samples
    return firwin(n_taps, _CUTOFF / factor, window=("kaiser", _KAISER_BETA))


def reach(from_rate: int, to_rate: int) -> int:
    """Return how many input samples on each side an output sample of `downsample` depends on."""
    return 0 if from_rate == to_rate else _ZERO_CROSSINGS * (from_rate // to_rate)


def downsample(
    audio: Sequence[np.ndarray] | np.ndarray, from_rate: int, to_rate: int
) -> Sequence[np.ndarray] | np.ndarray:
    """Apply a linear-phase low-pass without delay, and keep every n-th sample.

    Parameters
    ----------
    audio : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
        Clips of any lengths.
    from_rate, to_rate : int
        Hertz. The first is a whole multiple of the second.

    Returns
    -------
    sequence of np.ndarray [shape=(ceil(n_samples * to_rate / from_rate),), dtype=float32]
        If the rates are equal, the audio itself.
    """
    if from_rate == to_rate:
        return audio
    from scipy.signal import resample_poly

    factor, rest = divmod(from_rate, to_rate)
    assert rest == 0, f"{from_rate} Hz is not a multiple of {to_rate} Hz"
    taps = _low_pass(factor).astype(np.float32)
    return [resample_poly(clip, 1, factor, window=taps) for clip in audio]
