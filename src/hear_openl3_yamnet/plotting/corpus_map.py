"""The scenes of a corpus as points on a plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..errors import OptionError
from .clip import describe
from .components import principal_components
from .groups import GREY, as_numbers, group, is_scale
from .panels import COLOUR_MAP, current_axes, plain_text

if TYPE_CHECKING:
    from ..corpora import Corpus

PLANE = (7.0, 6.6)  # inches
LEGEND_WIDTH = 2.0  # inches

_MARKERS = {  # matplotlib's letters
    "circle": "o",
    "square": "s",
    "triangle": "^",
    "diamond": "D",
    "down": "v",
    "plus": "P",
    "cross": "X",
    "star": "*",
}
_FEWEST_FOR_UMAP = 5  # fewer points have no neighbourhoods to keep
_SEED = 1


@dataclass(frozen=True)
class Projection:
    """Points on a plane.

    Attributes
    ----------
    points : np.ndarray [shape=(n, 2), dtype=float64]
    axes : (str, str)
        What the axes mean.
    """

    points: np.ndarray
    axes: tuple[str, str]


@dataclass(frozen=True)
class SceneMap:
    """A corpus on planes, and what is known of its files. All sequences have one item a point.

    Attributes
    ----------
    projections : dict of Projection
        ``PCA``, and ``UMAP`` where umap-learn is installed.
    ids : list of str
    label : str
        The column that colours the points, or "folder", or "" where there is nothing to tell.
    labels : list
        Its values.
    paths : list of str
    starts, durations : list of float or None
        Seconds: which part of a file it is.
    source : str
        Model, weights and number of files.
    """

    projections: dict[str, Projection]
    ids: list[str]
    label: str
    labels: list[Any]
    paths: list[str]
    starts: list[float | None]
    durations: list[float | None]
    source: str


def map_corpus(corpus: Corpus, label: str | None = None) -> SceneMap:
    """Lay out the scenes of a corpus.

    Parameters
    ----------
    corpus : Corpus
        From `load_corpus`, with scenes. They are read into memory.
    label : str, optional
        The column that colours the points. By default the manifest's first label; without
        labels, the folder that a file is in.

    Returns
    -------
    SceneMap
        Without the files that failed.

    Raises
    ------
    OptionError
        If the corpus holds no scenes, no file that was embedded, or no such column.
    """
    given = [*corpus.configuration["labels"]]
    columns = [*given, "sample_rate", "channels", "peak", "size"]
    if label is not None and label not in columns:
        raise OptionError(f"label must be one of {', '.join(columns)}. Received: {label!r}")
    label = label or (given[0] if given else None)
    scenes = corpus.scene
    if not len(scenes):
        raise OptionError(f"{corpus.folder} holds no file that was embedded.")
    wanted = ["path", "start", "duration", *([label] if label else [])]
    batches = [batch.to_pydict() for batch in corpus.batches(wanted)]
    column = {name: [value for batch in batches for value in batch[name]] for name in wanted}
    name, labels = (label, column[label]) if label else _folders(corpus.ids)
    model = describe(corpus.configuration["model"], corpus.configuration["weights_id"])
    return SceneMap(
        projections=project(scenes),
        ids=corpus.ids,
        label=name,
        labels=labels,
        paths=column["path"],
        starts=column["start"],
        durations=column["duration"],
        source=f"{len(scenes)} scenes, {model}",
    )


def project(scenes: np.ndarray) -> dict[str, Projection]:
    """Lay out vectors on planes.

    Parameters
    ----------
    scenes : np.ndarray [shape=(n, size)]

    Returns
    -------
    dict of Projection
        ``PCA``: the first two principal components. ``UMAP``, where umap-learn is installed and
        there are five points or more: neighbours by the cosine stay neighbours; other distances
        mean little. The same scenes give the same planes.
    """
    scenes = np.asarray(scenes, np.float32)
    points, shares = principal_components(scenes, 2)
    names = [f"component {i + 1} ({100 * share:.0f} %)" for i, share in enumerate(shares)]
    projections = {"PCA": Projection(points, (names[0], names[1]))}
    if len(scenes) >= _FEWEST_FOR_UMAP and find_spec("umap"):
        projections["UMAP"] = Projection(_umap(scenes), ("UMAP 1", "UMAP 2"))
    return projections


def plot_map(scene_map: SceneMap, projection: str = "PCA", axes: Axes | None = None) -> Axes:
    """Draw scenes as points, coloured by their labels.

    Parameters
    ----------
    scene_map : SceneMap
        From `map_corpus`.
    projection : str
        One of its projections.
    axes : matplotlib.axes.Axes, optional
        To draw on; pyplot's current ones by default.

    Returns
    -------
    matplotlib.axes.Axes
        Each label has a colour and a mark; numbers of many values have a scale of colours.

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
    size = float(np.clip(9000 / len(plane.points), 6, 60))  # of a mark [pt²]
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
    """Return width and height of a figure for every projection and a legend, in inches."""
    return PLANE[0] * len(scene_map.projections) + LEGEND_WIDTH, PLANE[1]


def draw_planes(figure: Figure, scene_map: SceneMap) -> list[Axes]:
    """Draw every projection of a map beside each other, with one legend."""
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


def _folders(ids: list[str]) -> tuple[str, list[Any]]:
    """Label files by the folder they are in, where there is more than one."""
    folders = [id_.rpartition("/")[0] for id_ in ids]
    if len(set(folders)) > 1:
        return "folder", [folder or "." for folder in folders]
    return "", [None] * len(ids)


def _umap(scenes: np.ndarray) -> np.ndarray:
    import umap

    neighbours = min(15, len(scenes) - 1)
    reducer = umap.UMAP(
        n_neighbors=neighbours, metric="cosine", init="pca", random_state=_SEED, n_jobs=1
    )
    return np.asarray(reducer.fit_transform(scenes), np.float64)
