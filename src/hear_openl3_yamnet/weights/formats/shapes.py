"""What the weights of a network must look like, whatever kind of file holds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import WeightsFormatError

Shapes = dict[str, tuple[int, ...]]
"""Names and shapes, in the order of the published files."""


def check_shape(
    path: Path, place: str, found: tuple[int, ...], expected: tuple[int, ...], network: str
) -> None:
    """Raise `WeightsFormatError` unless a weight has its network's shape."""
    if tuple(found) != tuple(expected):
        raise WeightsFormatError(
            f"{path}: {place} has shape {tuple(found)}, {network} has {tuple(expected)} there. "
            f"Is it another network's file?"
        )


def check_values(path: Path, name: str, value: np.ndarray) -> None:
    """Raise `WeightsFormatError` if a weight holds what no trained weight does."""
    if not np.isfinite(value).all():
        raise WeightsFormatError(f"{path}: {name} holds NaN or infinity: the file is damaged")
    if name.endswith("moving_variance") and (value < 0).any():
        raise WeightsFormatError(f"{path}: {name} is negative somewhere: the file is damaged")
