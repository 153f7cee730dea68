"""Feature maps → vectors: pooling over time and frequency within a window.

`embed` takes maps of (n_windows, bands, frames, channels), of any network, and knows nothing else
about them. A map is cut into a grid of cells, each cell is pooled, and the vectors of the cells
follow each other by band, frame and channel. Cells lie as in TensorFlow's 'same' pooling: all have
one size, the smallest that covers the map, and the outer cells reach beyond the map at both ends.

Sources of the definitions: maximum and grid, OpenL3 (Cramer et al., 2019); mean, YAMNet; sum of
maximum and mean, BYOL-A (D. Niizumi et al., 2021); generalised mean, F. Radenović, G. Tolias and
O. Chum, "Fine-tuning CNN Image Retrieval with No Human Annotation" (2018); fusion of layers,
D. Niizumi et al., "Composing General Audio Representation by Fusing Multilayer Features of a
Pre-trained Model" (2022).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

GEM_FLOOR = 1e-6
"""It replaces smaller values, because the generalised mean needs positive numbers."""


class Cells(NamedTuple):
    """How a map is cut: cells of (bands, frames), and how far they reach beyond its start."""

    grid: tuple[int, int]
    size: tuple[int, int]
    before: tuple[int, int]


def cells(shape: tuple[int, int], grid: tuple[int, int]) -> Cells | None:
    """Lay a grid over a map of (bands, frames); None if a cell would be outside the map."""
    size = tuple(-(-length // count) for length, count in zip(shape, grid, strict=True))
    covered = tuple(-(-length // step) for length, step in zip(shape, size, strict=True))
    if covered != tuple(grid):
        return None
    before = tuple(
        (count * step - length) // 2 for length, count, step in zip(shape, grid, size, strict=True)
    )
    return Cells(tuple(grid), size, before)  # type: ignore[arg-type]


def possible_counts(length: int) -> list[int]:
    """Return the possible numbers of cells over a number of bands or frames."""
    return sorted({-(-length // size) for size in range(1, length + 1)})


class _Gridded(NamedTuple):
    """A map in cells [shape=(n_windows, bands, size, frames, size, channels)], with its mask."""

    values: Any
    inside: Any | None  # 1 inside the map, 0 where a cell reaches beyond it; None: all 1
    count: Any  # values of the map in each cell


_WITHIN = (2, 4)  # the axes within a cell


def _into_cells(x: Any, grid: tuple[int, int]) -> _Gridded:
    from keras import ops

    shape = (int(x.shape[1]), int(x.shape[2]))
    layout = cells(shape, grid)
    assert layout is not None, f"no grid {grid} on a map of {shape}"  # config.checks has checked it
    (bands, frames), (band_size, frame_size), before = layout
    padding = [
        (start, count * step - length - start)
        for start, count, step, length in zip(before, grid, layout.size, shape, strict=True)
    ]
    split = (-1, bands, band_size, frames, frame_size, int(x.shape[3]))
    if not any(map(any, padding)):
        return _Gridded(ops.reshape(x, split), None, float(band_size * frame_size))
    x = ops.pad(x, [(0, 0), *padding, (0, 0)])
    inside = np.pad(np.ones(shape, np.float32), padding).reshape(1, *split[1:5], 1)
    count = ops.convert_to_tensor(inside.sum(axis=_WITHIN, keepdims=True))
    return _Gridded(ops.reshape(x, split), ops.convert_to_tensor(inside), count)


def _max(x: _Gridded) -> Any:
    from keras import ops

    values = x.values if x.inside is None else ops.where(x.inside > 0, x.values, -np.inf)
    return ops.max(values, axis=_WITHIN, keepdims=True)


def _mean(x: _Gridded) -> Any:
    from keras import ops

    values = x.values if x.inside is None else x.values * x.inside
    # bands, then frames: a sum of 25 000 values in one go would be off by 3e-5 in float32
    sums = ops.sum(ops.sum(values, axis=_WITHIN[0], keepdims=True), axis=_WITHIN[1], keepdims=True)
    return sums / x.count


def _standard_deviation(x: _Gridded) -> Any:
    from keras import ops

    deviations = ops.square(x.values - _mean(x))
    return ops.sqrt(_mean(x._replace(values=deviations)))


def _generalised_mean(x: _Gridded, p: float) -> Any:
    from keras import ops

    powers = ops.power(ops.maximum(x.values, GEM_FLOOR), p)
    return ops.power(_mean(x._replace(values=powers)), 1.0 / p)


_POOLINGS: dict[str, Callable[[_Gridded, float], Sequence[Any]]] = {
    "max": lambda x, p: [_max(x)],
    "mean": lambda x, p: [_mean(x)],
    "max+mean": lambda x, p: [_max(x), _mean(x)],
    "sum_max_mean": lambda x, p: [_max(x) + _mean(x)],
    "mean+std": lambda x, p: [_mean(x), _standard_deviation(x)],
    "gem": lambda x, p: [_generalised_mean(x, p)],
}

POOLINGS = (*_POOLINGS, "fusion")
"""Names of the poolings within a window."""


def vectors_per_cell(pooling: str) -> int:
    """Return how many vectors a pooling makes of one cell: 2 where it concatenates."""
    return 2 if pooling in ("max+mean", "mean+std") else 1


def pool(x: Any, pooling: str, grid: tuple[int, int] = (1, 1), gem_p: float = 3.0) -> Any:
    """Pool maps over a grid of cells.

    Parameters
    ----------
    x : tensor [shape=(n_windows, bands, frames, channels), dtype=float32]
    pooling : str
        ``max``, ``mean``, ``max+mean`` and ``mean+std`` (concatenated), ``sum_max_mean`` or
        ``gem`` (the generalised mean).
    grid : (int, int)
        Cells over bands and frames.
    gem_p : float
        Exponent of the generalised mean.

    Returns
    -------
    tensor [shape=(n_windows, size), dtype=float32]
        ``size`` is bands × frames × channels of the grid, twice where two are concatenated: the
        first's whole vector, then the second's.
    """
    from keras import ops

    gridded = _into_cells(x, grid)
    size = grid[0] * grid[1] * int(x.shape[3])
    parts = [ops.reshape(part, (-1, size)) for part in _POOLINGS[pooling](gridded, gem_p)]
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)


BY_BANDS_FIRST = ("max", "mean")
"""Poolings that can be computed over the bands of each frame first, and then over frames."""


def pool_bands(x: Any, pooling: str, count: int) -> Any:
    """Pool maps over bands only, frame by frame. `pool` over the same grid completes it.

    Parameters
    ----------
    x : tensor [shape=(n, frames, bands, channels), dtype=float32]
        Frames first.
    pooling : str
        One of `BY_BANDS_FIRST`.
    count : int
        Cells over the bands.

    Returns
    -------
    tensor [shape=(n, frames, count, channels), dtype=float32]
    """
    from keras import ops

    bands, channels = int(x.shape[2]), int(x.shape[3])
    if count == bands:
        return x
    frames = ops.reshape(x, (-1, bands, 1, channels))
    pooled = pool(frames, pooling, (count, 1))
    return ops.reshape(pooled, (*ops.shape(x)[:2], count, channels))


def fuse(maps: Sequence[Any]) -> Any:
    """Fuse layers: maximum over time to the deepest layer's frames, stack, maximum + mean.

    Parameters
    ----------
    maps : sequence of tensor [shape=(n_windows, bands, frames, channels), dtype=float32]
        The layer with the fewest frames sets the frames of all.

    Returns
    -------
    tensor [shape=(n_windows, size), dtype=float32]
        ``size`` is the sum of the maps' bands × channels, channel by channel.
    """
    from keras import ops

    n_frames = min(int(x.shape[2]) for x in maps)
    features = []
    for x in maps:
        bands, frames, channels = (int(n) for n in x.shape[1:])
        step = frames // n_frames
        x = ops.reshape(x[:, :, : n_frames * step], (-1, bands, n_frames, step, channels))
        x = ops.transpose(ops.max(x, axis=3), (0, 2, 3, 1))  # (windows, frames, channels, bands)
        features.append(ops.reshape(x, (-1, n_frames, channels * bands)))
    stacked = ops.concatenate(features, axis=2)
    return ops.max(stacked, axis=1) + ops.mean(stacked, axis=1)


class Tap(NamedTuple):
    """A layer whose map goes into an embedding.

    Attributes
    ----------
    layer : str
    grid : (int, int)
        Cells over bands and frames.
    first, step : int
        With ``time="frame"``: the first frame that is taken, and the frames of one embedding.
    """

    layer: str
    grid: tuple[int, int] = (1, 1)
    first: int = 0
    step: int = 0


class Head(NamedTuple):
    """How the maps of a window become embeddings.

    Attributes
    ----------
    taps : tuple of Tap
        Their vectors are concatenated.
    pooling : str
        One of `POOLINGS`.
    gem_p : float
        Exponent of the generalised mean.
    n_frames : int
        Embeddings that a window gives with ``time="frame"``; 0 if one embedding pools the window.
    """

    taps: tuple[Tap, ...]
    pooling: str
    gem_p: float = 3.0
    n_frames: int = 0

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers whose maps it takes."""
        return tuple(tap.layer for tap in self.taps)

    @property
    def n_rows(self) -> int:
        """Embeddings that a window gives."""
        return max(1, self.n_frames)


def embed(maps: Mapping[str, Any], head: Head) -> Any:
    """Pool the maps of windows into embeddings.

    Parameters
    ----------
    maps : mapping of str to tensor [shape=(n_windows, bands, frames, channels)]
        The maps of the head's layers, of any floating dtype.
    head : Head

    Returns
    -------
    tensor [shape=(n_windows, head.n_rows, size), dtype=float32]
        ``size`` is `embedding_size`.
    """
    from keras import ops

    tapped = [ops.cast(maps[tap.layer], "float32") for tap in head.taps]
    if head.pooling == "fusion":
        return ops.expand_dims(fuse(tapped), 1)
    if head.n_frames:
        tapped = [
            take_frames(x, tap.first, head.n_frames, tap.step)
            for x, tap in zip(tapped, head.taps, strict=True)
        ]
    vectors = [
        pool(x, head.pooling, tap.grid, head.gem_p)
        for x, tap in zip(tapped, head.taps, strict=True)
    ]
    rows = vectors[0] if len(vectors) == 1 else ops.concatenate(vectors, axis=1)
    return ops.reshape(rows, (-1, head.n_rows, int(rows.shape[1])))


def embedding_size(head: Head, shapes: Mapping[str, tuple[int, int, int]]) -> int:
    """Return the number of values in an embedding.

    Parameters
    ----------
    head : Head
    shapes : mapping of str to (int, int, int)
        Bands, frames and channels of each layer's map.
    """
    if head.pooling == "fusion":
        return sum(shapes[layer][0] * shapes[layer][2] for layer in head.layers)
    per_cell = vectors_per_cell(head.pooling)
    return per_cell * sum(math.prod(tap.grid) * shapes[tap.layer][2] for tap in head.taps)


def take_frames(x: Any, first: int, count: int, step: int) -> Any:
    """Take some frames of a map, as maps of their own.

    Parameters
    ----------
    x : tensor [shape=(n_windows, bands, frames, channels)]
    first : int
        The first frame to take.
    count, step : int
        How many maps, of how many frames each: 1 on the coarsest map in use, more on finer ones.

    Returns
    -------
    tensor [shape=(n_windows * count, bands, step, channels)]
    """
    from keras import ops

    bands, channels = int(x.shape[1]), int(x.shape[3])
    x = ops.reshape(x[:, :, first : first + count * step], (-1, bands, count, step, channels))
    return ops.reshape(ops.transpose(x, (0, 2, 1, 3, 4)), (-1, bands, step, channels))
