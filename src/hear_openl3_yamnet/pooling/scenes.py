"""Embeddings of windows → one scene embedding: pooling over a clip.

All poolings but the percentiles take one pass, batch after batch, in float64, and keep no window.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

PERCENTILES = (10.0, 50.0, 90.0)

_SMALLEST_VARIANCE = 1e-12  # keeps the gradient of its root finite

VECTORS = {
    "mean": ("mean",),
    "max": ("max",),
    "mean+max": ("mean", "max"),
    "sum_max_mean": ("max + mean",),
    "mean+std": ("mean", "std"),
    "percentiles": tuple(f"p{p:.0f}" for p in PERCENTILES),
}
"""The poolings over a clip, and the vectors that each one concatenates."""


class ScenePooling:
    """Pools the embeddings of one clip's windows as they arrive.

    Parameters
    ----------
    pooling : str
        One of `VECTORS`.
    size : int
        Values in a window's embedding.
    """

    def __init__(self, pooling: str, size: int):
        self.pooling = pooling
        self.size = size
        self._count = 0
        self._mean = np.zeros(size)
        self._squares = np.zeros(size)  # sum of squared deviations from the mean
        self._max = np.full(size, -np.inf)
        self._kept: list[np.ndarray] = []

    def add(self, embeddings: np.ndarray) -> None:
        """Add embeddings [shape=(n_windows, size)]."""
        if self.pooling == "percentiles":
            self._kept.append(np.array(embeddings))
            return
        count = self._count + len(embeddings)
        mean = embeddings.mean(axis=0, dtype=np.float64)
        shift = mean - self._mean
        self._squares += ((embeddings - mean) ** 2).sum(axis=0)
        self._squares += shift**2 * self._count * len(embeddings) / count  # Chan et al., 1979
        self._mean += shift * len(embeddings) / count
        self._max = np.maximum(self._max, embeddings.max(axis=0))
        self._count = count

    def result(self) -> np.ndarray:
        """Return the scene embedding [shape=(len(VECTORS[pooling]) * size,), dtype=float32]."""
        match self.pooling:
            case "mean":
                scene = self._mean
            case "max":
                scene = self._max
            case "mean+max":
                scene = np.concatenate([self._mean, self._max])
            case "sum_max_mean":
                scene = self._max + self._mean
            case "mean+std":
                scene = np.concatenate([self._mean, np.sqrt(self._squares / self._count)])
            case _:
                kept = np.concatenate(self._kept)
                scene = np.percentile(kept, PERCENTILES, axis=0).ravel()
        return scene.astype(np.float32)


class EnsemblePooling:
    """Pools the windows of one clip, of which each network of a model has its own slice.

    Parameters
    ----------
    networks : sequence of (int, str, str)
        For each network: values in a window's embedding, one of `VECTORS`, and ``l2`` or ``none``.
    """

    def __init__(self, networks: Sequence[tuple[int, str, str]]):
        ends = np.cumsum([size for size, _, _ in networks])
        self._pooled = {
            int(end) - size: (ScenePooling(pooling, size), normalize)
            for end, (size, pooling, normalize) in zip(ends, networks, strict=True)
        }

    def add(self, values: slice, embeddings: np.ndarray) -> None:
        """Add the embeddings [shape=(n_windows, size)] of the network that has this slice."""
        self._pooled[values.start][0].add(embeddings)

    def add_all(self, embeddings: np.ndarray) -> None:
        """Add the embeddings of all networks [shape=(n_windows, size)]."""
        for start, (pooled, _) in self._pooled.items():
            pooled.add(embeddings[:, start : start + pooled.size])

    def result(self) -> np.ndarray:
        """Return the scene embedding [shape=(size,), dtype=float32]."""
        scenes = []
        for pooled, normalize in self._pooled.values():
            scene = pooled.result()
            scenes.append(normalized(scene) if normalize == "l2" else scene)
        return np.concatenate(scenes)


def pool_tensor(rows: Any, pooling: str) -> Any:
    """Pool windows as `ScenePooling` does, of tensors with gradients.

    Parameters
    ----------
    rows : tensor [shape=(n_sounds, n_windows, size), dtype=float32]
    pooling : str
        One of `VECTORS`.

    Returns
    -------
    tensor [shape=(n_sounds, len(VECTORS[pooling]) * size), dtype=float32]
    """
    from keras import ops

    def percentile(p: float) -> Any:
        return ops.quantile(rows, p / 100, axis=1)

    match pooling:
        case "mean":
            vectors = [ops.mean(rows, axis=1)]
        case "max":
            vectors = [ops.max(rows, axis=1)]
        case "mean+max":
            vectors = [ops.mean(rows, axis=1), ops.max(rows, axis=1)]
        case "sum_max_mean":
            vectors = [ops.max(rows, axis=1) + ops.mean(rows, axis=1)]
        case "mean+std":
            deviation = ops.sqrt(ops.var(rows, axis=1) + _SMALLEST_VARIANCE)
            vectors = [ops.mean(rows, axis=1), deviation]
        case _:
            vectors = [percentile(p) for p in PERCENTILES]
    return vectors[0] if len(vectors) == 1 else ops.concatenate(vectors, axis=1)


def normalized(rows: np.ndarray) -> np.ndarray:
    """Scale rows [shape=(..., size)] to unit length; rows of zeros stay zero."""
    norms = np.linalg.norm(rows.astype(np.float64), axis=-1, keepdims=True)  # squares underflow
    return (rows / np.maximum(norms, np.finfo(np.float32).tiny)).astype(np.float32)


def normalized_tensor(rows: Any) -> Any:
    """Scale rows of a tensor [shape=(..., size), dtype=float32] as `normalized` does."""
    from keras import ops

    squares = ops.sum(ops.square(rows), axis=-1, keepdims=True)
    return rows / ops.sqrt(ops.maximum(squares, np.finfo(np.float32).tiny))
