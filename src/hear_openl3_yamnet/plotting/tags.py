"""The picture of tags: the scores over time of the classes with the highest scores."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..tagging import Tags
from .axes import current_axes
from .pictures import new_picture
from .texts import plain_text


def plot_tags(tags: Tags, n: int = 10, axes: Axes | None = None) -> Axes:
    """Draw the scores of the `n` highest classes over time. Dark is high.

    Parameters
    ----------
    tags : Tags
        From `tagging.tag`.
    n : int
        Number of classes.
    axes : matplotlib.axes.Axes, optional
        The axes to draw on. Default: the current ones of pyplot.

    Returns
    -------
    matplotlib.axes.Axes
        One row per class, with the highest score of the clip on top. The score of the clip is
        written at the right.
    """
    axes = current_axes(axes)
    classes = tags.ranked(n)
    seconds = tags.timestamps / 1000
    half = (seconds[1] - seconds[0]) / 2 if len(seconds) > 1 else 0.24
    edges = np.append(seconds - half, seconds[-1] + half)
    rows = np.arange(len(classes) + 1) - 0.5
    mesh = axes.pcolormesh(
        edges, rows, tags.scores[:, classes].T, cmap="Blues", vmin=0, vmax=1, rasterized=True
    )
    axes.set_yticks(range(len(classes)), [tags.names[i] for i in classes])
    axes.set_ylim(len(classes) - 0.5, -0.5)
    axes.set_xlim(max(0.0, edges[0]), edges[-1])
    axes.set_xlabel("time [s]")
    for row, score in enumerate(tags.clip[classes]):
        axes.annotate(
            f"{score:.3f}", (1.01, row), xycoords=("axes fraction", "data"), va="center", fontsize=9
        )
    axes.annotate("clip", (1.01, 1.01), xycoords="axes fraction", va="bottom", fontsize=9)
    assert axes.figure is not None
    axes.figure.colorbar(mesh, ax=axes, label="score", pad=0.1)
    return axes


def tags_picture(tags: Tags, n: int, title: str) -> Figure:
    """Return a figure of `n` classes, drawn by `plot_tags`, in the height that they need."""
    figure = new_picture((9, 1.2 + 0.32 * n))
    plot_tags(tags, n, figure.add_subplot()).set_title(plain_text(title), loc="left")
    return figure
