"""Where windows start and which time each one stands for.

Everything here counts in samples. `hop_samples` and `timestamps` convert from and to milliseconds,
the unit of the HEAR API. Hops are exact fractions: the centre of window i is rounded from the exact
product i × hop, so that a hop which is not a whole number of samples never drifts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from ..errors import OptionError

LONGEST_HOP_MS = 3_600_000.0
"""An hour. A longer hop is taken for a mistake in the unit."""

_FINEST_FRACTION = 1_000_000  # of a sample; keeps products below 2**63, errors below 1e-6 samples


def hop_samples(hop_size: float, sample_rate: int, name: str = "hop_size") -> Fraction:
    """Convert a hop from milliseconds to an exact number of samples.

    Parameters
    ----------
    hop_size : float
        Milliseconds; read as the decimal number that it prints as, so that 33.333 means 33.333.
    sample_rate : int
        Hertz.
    name : str
        Name of the hop in error messages.

    Returns
    -------
    Fraction
        Samples.

    Raises
    ------
    OptionError
        If the hop is not a finite number, shorter than a sample, or longer than an hour.
    """
    try:
        milliseconds = math.nan if isinstance(hop_size, bool) else float(hop_size)
    except (TypeError, ValueError):
        milliseconds = math.nan
    if not 0 < milliseconds <= LONGEST_HOP_MS:
        raise OptionError(
            f"{name} must be a number of milliseconds above 0 and at most an hour "
            f"({LONGEST_HOP_MS:.0f}). Received: {name}={hop_size!r}"
        )
    hop = Fraction(repr(milliseconds)) * sample_rate / 1000
    hop = hop.limit_denominator(_FINEST_FRACTION)
    if hop < 1:
        raise OptionError(
            f"{name} must be at least one sample, {1000 / sample_rate:.6g} ms at "
            f"{sample_rate} Hz. Received: {name}={hop_size!r}"
        )
    return hop


def hop_milliseconds(hop: Fraction | int, sample_rate: int) -> float:
    """Convert a hop from samples to milliseconds."""
    return float(Fraction(hop) * 1000 / sample_rate)


def count_windows(n_samples: int, hop: Fraction | int) -> int:
    """Return how many windows a clip has: ``ceil(n_samples / hop)``, at least one."""
    return max(1, math.ceil(Fraction(n_samples) / hop))


def centres(n_windows: int, hop: Fraction | int, first: int = 0) -> np.ndarray:
    """Return the centres of `n_windows` windows from window number `first` on.

    Parameters
    ----------
    n_windows : int
    hop : Fraction or int
        Samples.
    first : int
        Number of the first window.

    Returns
    -------
    np.ndarray [shape=(n_windows,), dtype=int64]
        Samples from the start of the clip, rounded one by one (halves up).
    """
    hop = Fraction(hop)
    index = np.arange(first, first + n_windows, dtype=np.int64)
    return (2 * index * hop.numerator + hop.denominator) // (2 * hop.denominator)


def window_starts(
    n_windows: int, hop: Fraction | int, before_centre: int, first: int = 0
) -> np.ndarray:
    """Return the first samples of `n_windows` windows from window number `first` on.

    A window is centred on its time, so the first one starts before the clip, where it is silent.

    Parameters
    ----------
    n_windows : int
    hop : Fraction or int
        Samples between windows.
    before_centre : int
        Samples from a window's start to its time.
    first : int
        Number of the first window.

    Returns
    -------
    np.ndarray [shape=(n_windows,), dtype=int64]
        Samples from the start of the clip; negative before it.
    """
    return centres(n_windows, hop, first) - before_centre


def count_centres(last: int, hop: Fraction | int) -> int:
    """Return how many `centres` lie at sample `last` or before it."""
    return max(0, math.ceil((last + Fraction(1, 2)) / hop))


def timestamps(n_windows: int, hop: Fraction | int, sample_rate: int, first: int = 0) -> np.ndarray:
    """Return the times of windows.

    Parameters
    ----------
    n_windows : int
    hop : Fraction or int
        Samples.
    sample_rate : int
        Hertz.
    first : int
        Number of the first window.

    Returns
    -------
    np.ndarray [shape=(n_windows,), dtype=float64]
        Milliseconds: i × hop, not the rounded centres.
    """
    hop = Fraction(hop)
    return np.arange(first, first + n_windows) * float(hop * 1000 / sample_rate)


def repeated(timestamps: np.ndarray, n_sounds: int) -> np.ndarray:
    """Return timestamps for each clip, as the HEAR API does [shape=(n_sounds, n_timestamps)]."""
    return np.tile(timestamps.astype(np.float32), (n_sounds, 1))


@dataclass(frozen=True)
class Block:
    """Consecutive windows of one clip."""

    sound: int
    first: int
    count: int


def batches(counts: Sequence[int], size: int) -> Iterator[list[Block]]:
    """Divide the windows of clips, in order, into batches of `size` windows.

    A batch may hold the end of one clip and the beginning of the next. So many short clips fill it
    as well as one long clip does. The last batch may be smaller.

    Parameters
    ----------
    counts : sequence of int
        Windows of each clip.
    size : int
        Windows in a batch.
    """
    batch: list[Block] = []
    room = size
    for sound, n_windows in enumerate(counts):
        first = 0
        while first < n_windows:
            count = min(room, n_windows - first)
            batch.append(Block(sound, first, count))
            first += count
            room -= count
            if room == 0:
                yield batch
                batch, room = [], size
    if batch:
        yield batch
