"""Windows' embeddings → one scene embedding: pooling over a clip.

All but the percentiles are pooled in one pass, batch after batch, in float64, keeping no window.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

PERCENTILES = (10.0, 50.0, 90.0)

PARTS = {
    "mean": ("mean",),
    "max": ("max",),
    "mean+max": ("mean", "max"),
    "sum_max_mean": ("max + mean",),
    "mean+std": ("mean", "std"),
    "percentiles": tuple(f"p{p:.0f}" for p in PERCENTILES),
}
"""Names of the poolings over a clip, and the vectors that each concatenates."""


class ScenePooling:
    """Pools the embeddings of one clip's windows as they come.

    Parameters
    ----------
    pooling : str
        One of `PARTS`.
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
        """Take in embeddings [shape=(n_windows, size)]."""
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
        """Return the scene embedding [shape=(len(PARTS[pooling]) * size,), dtype=float32]."""
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


class PartsPooling:
    """Pools the windows of one clip of which each part of a model has columns of its own.

    Parameters
    ----------
    parts : sequence of (int, str, str)
        Of each part: values in a window's embedding, one of `PARTS`, and ``l2`` or ``none``.
    """

    def __init__(self, parts: Sequence[tuple[int, str, str]]):
        ends = np.cumsum([size for size, _, _ in parts])
        self._pooled = {
            int(end) - size: (ScenePooling(pooling, size), normalize)
            for end, (size, pooling, normalize) in zip(ends, parts, strict=True)
        }

    def add(self, columns: slice, embeddings: np.ndarray) -> None:
        """Take in a part's embeddings [shape=(n_windows, its size)], which are those columns."""
        self._pooled[columns.start][0].add(embeddings)

    def add_all(self, embeddings: np.ndarray) -> None:
        """Take in all parts' embeddings [shape=(n_windows, size)]."""
        for start, (pooled, _) in self._pooled.items():
            pooled.add(embeddings[:, start : start + pooled.size])

    def result(self) -> np.ndarray:
        """Return the scene embedding [shape=(size,), dtype=float32]."""
        scenes = []
        for pooled, normalize in self._pooled.values():
            scene = pooled.result()
            scenes.append(normalized(scene) if normalize == "l2" else scene)
        return np.concatenate(scenes)


def normalized(rows: np.ndarray) -> np.ndarray:
    """Scale rows to unit length; rows of zeros stay."""
    norms = np.linalg.norm(rows.astype(np.float64), axis=-1, keepdims=True)  # squares underflow
    return (rows / np.maximum(norms, np.finfo(np.float32).tiny)).astype(np.float32)
