"""Checks of weights, the same for all file formats."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import WeightsFormatError

Shapes = dict[str, tuple[int, ...]]
"""Names and shapes of weights, in the order of the published files."""


def kinds_by_layer(shapes: Shapes) -> dict[str, list[str]]:
    """Return the kinds of each layer's weights: ``{"conv1": ["kernel", "bias"], …}``."""
    kinds: dict[str, list[str]] = {}
    for name in shapes:
        layer, _, kind = name.rpartition("/")
        kinds.setdefault(layer, []).append(kind)
    return kinds


def check_shape(
    path: Path, place: str, found: tuple[int, ...], expected: tuple[int, ...], network: str
) -> None:
    """Raise `WeightsFormatError` unless a weight has its network's shape."""
    if tuple(found) != tuple(expected):
        raise WeightsFormatError(
            f"{path}: {place} has shape {tuple(found)}; {network} has {tuple(expected)} there. "
            "Is it the file of another network?"
        )


def check_values(path: Path, name: str, value: np.ndarray) -> None:
    """Raise `WeightsFormatError` if a weight has NaN, infinity, or a negative variance."""
    if not np.isfinite(value).all():
        raise WeightsFormatError(f"{path}: {name} holds NaN or infinity: the file is damaged.")
    if name.endswith("moving_variance") and (value < 0).any():
        raise WeightsFormatError(f"{path}: {name} has negative values: the file is damaged.")
