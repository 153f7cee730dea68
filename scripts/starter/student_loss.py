"""What a student's map lacks of its teacher's, for `distill`."""

from __future__ import annotations

import torch
from torch.nn import functional as F  # noqa: N812


def embedding(maps: torch.Tensor) -> torch.Tensor:
    """Return OpenL3's 512 values [shape=(n, 512)]: the maximum over the map."""
    return maps.amax(dim=(2, 3))


def grid_of(maps: torch.Tensor) -> torch.Tensor:
    """Return OpenL3's 6144 values [shape=(n, 512, 4, 3)]: the maxima over 4 × 3 cells."""
    n, channels, bands, frames = maps.shape
    return maps.reshape(n, channels, 4, bands // 4, 3, frames // 3).amax(dim=(3, 5))


class Statistics:
    """Means and deviations of the teacher's embeddings and maps, channel by channel.

    Parameters
    ----------
    maps : list of tensor [shape=(n, 512, bands, frames)]
        The teacher's last maps of some windows.
    """

    def __init__(self, maps: list[torch.Tensor]):
        maps = [m.float() for m in maps]
        vectors = torch.cat([embedding(m) for m in maps])
        self.mean = vectors.mean(0)
        self.deviation = vectors.std(0).clamp(min=1e-3)
        grids = torch.cat([grid_of(m).flatten(2) for m in maps])
        self.grid_mean = grids.mean((0, 2))[None, :, None, None]
        self.grid_deviation = grids.std((0, 2)).clamp(min=1e-3)[None, :, None, None]
        frames = torch.cat([m.amax(2) for m in maps])
        self.frame_mean = frames.mean((0, 2))[None, :, None]
        self.frame_deviation = frames.std((0, 2)).clamp(min=1e-3)[None, :, None]
        means = torch.cat([m.mean(dim=(2, 3)) for m in maps])
        squares = torch.cat([m.square().mean(dim=(2, 3)) for m in maps])
        self.cell_mean = means.mean(0)[None, :, None, None]
        variance = squares.mean(0) - means.mean(0).square()
        self.cell_deviation = variance.clamp(min=1e-6).sqrt()[None, :, None, None]

    def standardised(self, vectors: torch.Tensor) -> torch.Tensor:
        """Return embeddings with the teacher's mean taken off, by the teacher's deviation."""
        return (vectors - self.mean) / self.deviation


def losses(
    student: torch.Tensor, teacher: torch.Tensor, statistics: Statistics
) -> dict[str, torch.Tensor]:
    """Return the terms of the loss by name. Each is 0 if the maps are equal."""
    student, teacher = student.float(), teacher.float()
    pair = (student, teacher)
    raw = [embedding(maps) for maps in pair]
    standardised = [statistics.standardised(vectors) for vectors in raw]
    mean, deviation = statistics.grid_mean, statistics.grid_deviation
    grids = [(grid_of(maps) - mean) / deviation for maps in pair]
    mean, deviation = statistics.frame_mean, statistics.frame_deviation
    frames = [(maps.amax(2) - mean) / deviation for maps in pair]
    difference = (student - teacher) / statistics.cell_deviation
    return {
        "raw": _one_minus_cosine(*raw),
        "standardised": _one_minus_cosine(*standardised),
        "grid": _one_minus_cosine(*grids),
        "frames": _one_minus_cosine(*frames),
        "cells": F.smooth_l1_loss(difference, torch.zeros_like(difference)),
        "values": F.smooth_l1_loss(*standardised),
    }


def _one_minus_cosine(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return 1 - F.cosine_similarity(a, b, dim=1, eps=1e-4).mean()
