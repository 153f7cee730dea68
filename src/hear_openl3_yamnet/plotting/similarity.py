"""The picture of how alike the moments of clips are: a matrix of cosines."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from .axes import COLOUR_MAP, colour_bar, current_axes, time_extent

MOST_MOMENTS = 1200
"""The largest number of rows. Neighbouring moments of a longer clip are averaged."""


def plot_similarity(
    embeddings: np.ndarray,
    timestamps: np.ndarray,
    other: tuple[np.ndarray, np.ndarray] | None = None,
    axes: Axes | None = None,
) -> Axes:
    """Draw how alike the moments of a clip are to each other, or to those of another clip.

    Parameters
    ----------
    embeddings : np.ndarray [shape=(n_timestamps, size)]
    timestamps : np.ndarray [shape=(n_timestamps,)]
        Milliseconds.
    other : (np.ndarray, np.ndarray), optional
        Embeddings and timestamps of another clip. Its time is the horizontal axis.
    axes : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Cosines; bright cells are alike. Both axes are times in seconds, on the same scale. The
        colours go from the lowest cosine to 1 for one clip, and to the highest cosine for two
        clips. Up to 1, two clips that differ much would be one dark area.
    """
    axes = current_axes(axes)
    down, down_times = _thinned(embeddings, timestamps)
    across, across_times = _thinned(*other) if other else (down, down_times)
    cosines = _directions(down) @ _directions(across).T
    highest = float(cosines.max()) if other else 1.0
    image = axes.imshow(
        cosines,
        cmap=COLOUR_MAP,
        origin="upper",
        extent=(*time_extent(across_times), *time_extent(down_times)[::-1]),
        interpolation_stage="data",
        vmin=min(float(cosines.min()), highest - 0.001),  # smaller differences are rounding
        vmax=highest,
    )
    axes.set_xlim(left=0)
    axes.set_ylim(top=0)
    axes.set_ylabel("time [s]")
    axes.set_xlabel("time [s]")
    colour_bar(axes, image, "cosine")
    return axes


def _thinned(embeddings: np.ndarray, timestamps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average neighbours, so that at most `MOST_MOMENTS` are left."""
    together = -(-len(embeddings) // MOST_MOMENTS)
    if together == 1:
        return embeddings, timestamps
    whole = len(embeddings) // together * together
    return (
        embeddings[:whole].reshape(-1, together, embeddings.shape[1]).mean(axis=1),
        timestamps[:whole].reshape(-1, together).mean(axis=1),
    )


def _directions(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)
