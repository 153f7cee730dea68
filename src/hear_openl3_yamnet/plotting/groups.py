"""Labels → colours and marks. Each label has both, and one of them is enough to recognise it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#222222")
"""The palette of Okabe and Ito (2008) without its yellow, which is too pale on white."""

MARKS = ("circle", "square", "triangle", "diamond", "down", "plus", "cross", "star")
"""One more than there are colours, so that 56 pairs of colour and mark differ."""

GREY = "#9A9A9A"
MOST_GROUPS = 20
"""So many labels have their own colour. The rarest others share the grey."""

FEWEST_VALUES = 13
"""Numbers with at least so many different values are a scale. With fewer they are names."""

OTHERS, NONE = "(others)", "(none)"


@dataclass(frozen=True)
class Group:
    """Points that look the same.

    Attributes
    ----------
    name : str
        Their label.
    colour : str
    mark : str
        One of `MARKS`.
    members : np.ndarray [shape=(n,), dtype=int64]
        Indices of the points.
    """

    name: str
    colour: str
    mark: str
    members: np.ndarray


def is_scale(labels: Sequence[Any]) -> bool:
    """Return whether labels are numbers of many values, to be shown as a colour scale."""
    values = [label for label in labels if not _missing(label)]
    return (
        all(isinstance(value, Real) and not isinstance(value, bool) for value in values)
        and len(set(values)) >= FEWEST_VALUES
    )


def as_numbers(labels: Sequence[Any]) -> np.ndarray:
    """Return the labels of a scale as floats [shape=(n,)], NaN for missing ones."""
    return np.array([math.nan if _missing(label) else float(label) for label in labels])


def group(labels: Sequence[Any]) -> list[Group]:
    """Give each label a colour and a mark.

    Parameters
    ----------
    labels : sequence
        One label per point: text, number, or None.

    Returns
    -------
    list of Group
        In the order of the labels. The rarest labels and the points without a label come last,
        in grey.
    """
    names = np.array([NONE if _missing(label) else str(label) for label in labels], dtype=object)
    of = {str(label): label for label in labels if not _missing(label)}
    counts = Counter(name for name in names if name != NONE)
    kept = [name for name, _ in counts.most_common(MOST_GROUPS)]
    if all(isinstance(value, Real) for value in of.values()):
        kept.sort(key=lambda name: float(of[name]))
    else:
        kept.sort()
    groups = [
        Group(name, COLOURS[i % len(COLOURS)], MARKS[i % len(MARKS)], np.flatnonzero(names == name))
        for i, name in enumerate(kept)
    ]
    rare = np.flatnonzero([name not in kept and name != NONE for name in names])
    missing = np.flatnonzero(names == NONE)
    if len(rare):
        groups.append(Group(OTHERS, GREY, "circle", rare))
    if len(missing):
        groups.append(Group(NONE, GREY, "cross", missing))
    return groups


def _missing(label: Any) -> bool:
    return label is None or label == "" or (isinstance(label, float) and math.isnan(label))
