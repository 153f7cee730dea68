"""Events in time: frames' targets, events from frames' probabilities, onsets matched.

They are scored as heareval does: a frame is positive while an event lasts. Probabilities are
thresholded and smoothed by a median filter. What is long enough is an event. Its onset is the
timestamp of its first frame.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Postprocessing", "count_onsets", "find_onsets", "frame_targets", "onset_f"]

Onsets = dict[int, np.ndarray]
"""Onset times [ms] by number of the label, sorted."""


@dataclass(frozen=True)
class Postprocessing:
    """How probabilities become events."""

    threshold: float
    median_ms: float
    shortest_ms: float


def frame_targets(
    events: Sequence[Mapping[str, Any]], timestamps: np.ndarray, labels: Sequence[str]
) -> np.ndarray:
    """Return which labels sound at each time.

    Parameters
    ----------
    events : sequence of mapping
        ``label``, ``start`` and ``end`` [ms].
    timestamps : np.ndarray [shape=(n_timestamps,)]
        Milliseconds.
    labels : sequence of str

    Returns
    -------
    np.ndarray [shape=(n_timestamps, n_labels), dtype=float32]
        Ones from start to end, both included.
    """
    targets = np.zeros((len(timestamps), len(labels)), np.float32)
    for event in events:
        sounding = (timestamps >= event["start"]) & (timestamps <= event["end"])
        targets[sounding, list(labels).index(str(event["label"]))] = 1
    return targets


def reference_onsets(events: Sequence[Mapping[str, Any]], labels: Sequence[str]) -> Onsets:
    """Return the onsets of a clip's events by label."""
    return {
        i: np.sort([float(e["start"]) for e in events if str(e["label"]) == label])
        for i, label in enumerate(labels)
    }


def find_onsets(probabilities: np.ndarray, timestamps: np.ndarray, how: Postprocessing) -> Onsets:
    """Turn one clip's probabilities into onsets.

    Parameters
    ----------
    probabilities : np.ndarray [shape=(n_timestamps, n_labels)]
    timestamps : np.ndarray [shape=(n_timestamps,)]
        Milliseconds, evenly spaced.
    how : Postprocessing

    Returns
    -------
    dict of int to np.ndarray
    """
    from scipy.ndimage import median_filter

    hop = float(timestamps[1] - timestamps[0]) if len(timestamps) > 1 else how.shortest_ms
    width = 2 * round(how.median_ms / hop / 2) + 1
    active = (probabilities > how.threshold).astype(np.uint8)
    active = median_filter(active, size=(width, 1), mode="constant")
    steps = np.diff(active.astype(np.int8), axis=0, prepend=0, append=0)
    onsets = {}
    for label in range(active.shape[1]):
        starts = np.flatnonzero(steps[:, label] == 1)
        ends = np.flatnonzero(steps[:, label] == -1)
        long_enough = (ends - starts) * hop >= how.shortest_ms
        onsets[label] = timestamps[starts[long_enough]]
    return onsets


def count_onsets(
    reference: Onsets, found: Onsets, tolerance: float, excerpt_ms: float, n_excerpts: int
) -> np.ndarray:
    """Match onsets one to one, label by label, and count in excerpts of equal length.

    Both are passed through in order, and onsets within the tolerance are matched. This gives as
    many matches as possible, because all tolerances are equal.

    Parameters
    ----------
    reference, found : dict of int to np.ndarray
        Sorted onsets [ms] by label.
    tolerance : float
        Milliseconds.
    excerpt_ms : float
        The length of an excerpt.
    n_excerpts : int

    Returns
    -------
    np.ndarray [shape=(n_excerpts, 3), dtype=int64]
        True positives, false positives and misses. A true positive counts at the onset of the
        reference.
    """
    counts = np.zeros((n_excerpts, 3), np.int64)

    def add(time: float, kind: int) -> None:
        counts[min(int(time // excerpt_ms), n_excerpts - 1), kind] += 1

    for label, times in reference.items():
        candidates = found.get(label, np.empty(0))
        i = j = 0
        while i < len(times) and j < len(candidates):
            if abs(times[i] - candidates[j]) <= tolerance:
                add(times[i], 0)
                i, j = i + 1, j + 1
            elif candidates[j] < times[i]:
                add(candidates[j], 1)
                j += 1
            else:
                add(times[i], 2)
                i += 1
        for time in candidates[j:]:
            add(time, 1)
        for time in times[i:]:
            add(time, 2)
    return counts


def onset_f(counts: np.ndarray) -> float:
    """Return F of the sum of counts [shape=(..., 3)]; 0 if there are no onsets at all."""
    matched, false, missed = np.asarray(counts).reshape(-1, 3).sum(axis=0)
    total = 2 * matched + false + missed
    return float(2 * matched / total) if total else 0.0
