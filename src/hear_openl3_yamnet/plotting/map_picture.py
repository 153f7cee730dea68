"""Pictures of a corpus: its scenes as points, coloured by their labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import OptionError
from .axes import COLOUR_MAP, current_axes
from .groups import GREY, as_numbers, group, is_scale
from .scene_map import SceneMap
from .texts import plain_text

PLANE = (7.0, 6.6)  # inches
LEGEND_WIDTH = 2.0  # inches

_MARKERS = {  # the letters of matplotlib
    "circle": "o",
    "square": "s",
    "triangle": "^",
    "diamond": "D",
    "down": "v",
    "plus": "P",
    "cross": "X",
    "star": "*",
}


def plot_map(scene_map: SceneMap, projection: str = "PCA", axes: Axes | None = None) -> Axes:
    """Draw scenes as points, coloured by their labels.

    Parameters
    ----------
    scene_map : SceneMap
        From `map_corpus`.
    projection : str
        One of its projections.
    axes : matplotlib.axes.Axes, optional
        The axes to draw on. Default: the current ones of pyplot.

    Returns
    -------
    matplotlib.axes.Axes
        Each label has a colour and a mark. Numbers of many values have a colour scale.

    Raises
    ------
    OptionError
        If the map has no such projection.
    """
    if projection not in scene_map.projections:
        known = ", ".join(scene_map.projections)
        raise OptionError(f"projection must be one of {known}. Received: {projection!r}")
    axes = current_axes(axes)
    plane = scene_map.projections[projection]
    size = float(np.clip(9000 / len(plane.points), 6, 60))  # area of a mark [pt²]
    if is_scale(scene_map.labels):
        _draw_scale(axes, plane.points, scene_map, size)
    else:
        _draw_groups(axes, plane.points, scene_map.labels, size)
    axes.set_xlabel(plane.axes[0])
    axes.set_ylabel(plane.axes[1])
    axes.set_aspect("equal", adjustable="datalim")
    axes.tick_params(length=0, labelbottom=False, labelleft=False)
    return axes


def figure_size(scene_map: SceneMap) -> tuple[float, float]:
    """Return the width and height of a figure for all projections and a legend, in inches."""
    return PLANE[0] * len(scene_map.projections) + LEGEND_WIDTH, PLANE[1]


def draw_planes(figure: Figure, scene_map: SceneMap) -> list[Axes]:
    """Draw all projections of a map side by side, with one legend."""
    n_planes = len(scene_map.projections)
    planes = list(np.ravel(figure.subplots(1, n_planes)))
    for axes, name in zip(planes, scene_map.projections, strict=True):
        plot_map(scene_map, name, axes)
        axes.set_title(name, loc="left", fontsize=11)
    if not is_scale(scene_map.labels):
        handles, names = planes[-1].get_legend_handles_labels()
        if len(names) > 1:
            figure.legend(
                handles,
                names,
                loc="outside right upper",
                title=plain_text(scene_map.label),
                frameon=False,
            )
    figure.suptitle(scene_map.source, x=0.01, ha="left", fontsize=12)
    return planes


def _draw_groups(axes: Axes, points: np.ndarray, labels: Sequence[Any], size: float) -> None:
    for found in group(labels):
        x, y = points[found.members].T
        marks = axes.scatter(x, y, s=size, c=found.colour, marker=_MARKERS[found.mark])
        marks.set(label=plain_text(found.name), linewidth=0.4, edgecolor="white", alpha=0.9)


def _draw_scale(axes: Axes, points: np.ndarray, scene_map: SceneMap, size: float) -> None:
    values = as_numbers(scene_map.labels)
    known = np.isfinite(values)
    x, y = points[~known].T
    axes.scatter(x, y, s=size, c=GREY, marker="X", linewidth=0.4)
    x, y = points[known].T
    marks = axes.scatter(x, y, s=size, c=values[known], cmap=COLOUR_MAP, linewidth=0.4)
    marks.set_edgecolor("white")
    axes.figure.colorbar(marks, ax=axes, label=plain_text(scene_map.label), aspect=30, pad=0.02)
