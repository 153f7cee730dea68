"""A picture of tags: the classes of a clip with the highest scores, over time."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..tagging import Tags
from .panels import current_axes
from .pictures import new_picture


def plot_tags(tags: Tags, n: int = 10, axes: Axes | None = None) -> Axes:
    """Draw the scores of the `n` highest classes over time: dark is high.

    Parameters
    ----------
    tags : Tags
        From `HearModel.tag`.
    n : int
        How many classes.
    axes : matplotlib.axes.Axes, optional
        To draw on; pyplot's current ones by default.

    Returns
    -------
    matplotlib.axes.Axes
        Rows are classes, the highest of the clip on top, with the clip's score at the right.
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
    """Draw tags as `plot_tags` does, on a figure that is as high as the classes need."""
    figure = new_picture((9, 1.2 + 0.32 * n))
    plot_tags(tags, n, figure.add_subplot()).set_title(title, loc="left")
    return figure
