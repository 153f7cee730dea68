"""Band-limited interpolation as openl3 0.4.2 resampled audio: resampy 0.2.2's ``kaiser_best``.

Only the comparison with openl3's recorded outputs needs it. Resamplers differ near half the rate,
and OpenL3 sees that: with another one, embeddings of openl3's chirp move by 2 to 4 %.

The method is J. O. Smith's (https://ccrma.stanford.edu/~jos/resample/): each sample is a sum of its
neighbours, weighted by a windowed sinc that is looked up in a table, with linear interpolation. The
numbers are those of resampy's documentation.
"""

from __future__ import annotations

import numpy as np

ZERO_CROSSINGS = 64
STEPS = 512
"""Of the table, between two zero crossings."""

ROLLOFF = 0.9475937167399596
BETA = 14.769656459379492
"""Of the Kaiser window."""


def raise_rate(audio: np.ndarray, rate: int, new_rate: int) -> np.ndarray:
    """Resample one channel to a higher rate.

    Parameters
    ----------
    audio : np.ndarray [shape=(n_samples,)]
    rate, new_rate : int
        In hertz. The new rate is the higher one.

    Returns
    -------
    np.ndarray [shape=(n_samples * new_rate // rate,), dtype=float64]
    """
    table = _table()
    slopes = np.append(np.diff(table), 0.0)
    positions = np.arange(len(audio) * new_rate // rate) * (rate / new_rate)
    before = positions.astype(np.int64)
    fraction = positions - before
    padded = np.pad(np.asarray(audio, np.float64), ZERO_CROSSINGS + 1)
    centre = before + ZERO_CROSSINGS + 1
    result = np.zeros(len(positions))
    for distance, direction, first in ((fraction, -1, 0), (1 - fraction, 1, 1)):
        places = distance * STEPS
        index = places.astype(np.int64)
        rest = places - index
        for tap in range(ZERO_CROSSINGS):
            at = index + tap * STEPS
            weights = table[at] + rest * slopes[at]
            result += weights * padded[centre + direction * (tap + first)]
    return result


def _table() -> np.ndarray:
    """Return one half of the windowed sinc [shape=(ZERO_CROSSINGS * STEPS + 1,)]."""
    size = ZERO_CROSSINGS * STEPS
    times = np.linspace(0, ZERO_CROSSINGS, size + 1)
    window = np.kaiser(2 * size + 1, BETA)[size:]
    return ROLLOFF * np.sinc(ROLLOFF * times) * window
