"""Figures of a table of scores: two models in colour, all others in grey."""
# ruff: noqa: E402 (the extra comes before the modules that import it)

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import require

require("matplotlib", extra="plot")

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from .scores import Scores, mean_over_tasks, n_common_tasks, pairwise_wins, ranks
from .slide import (
    BLUE,
    GREY,
    INK,
    PALE,
    VERMILION,
    colour_labels,
    colour_of,
    new_slide,
    save_figure,
    write_column,
)

POINTS: dict[str, Any] = {
    "marker": "o",
    "markersize": 7,
    "color": GREY,
    "alpha": 0.5,
    "markeredgewidth": 0,
}
# the second marker is smaller and lies over the first, so that equal scores show both
MARKERS: tuple[dict[str, Any], ...] = (
    {"marker": "o", "markersize": 13, "color": BLUE, "markeredgecolor": "white"},
    {"marker": "D", "markersize": 8, "color": VERMILION, "markeredgecolor": "white"},
)


def plot_scores(scores: Scores, highlighted: tuple[str, str], source: str) -> Figure:
    """Draw a row for each task with one point per model, two of them in colour.

    Parameters
    ----------
    scores : Scores
        Between 0 and 1.
    highlighted : (str, str)
        The two models in colour. Their ranks among the models with a score in the task, or
        "no score", are written beside each row.
    source : str
        Where the scores come from. It is written below the figure.

    Returns
    -------
    matplotlib.figure.Figure
        The tasks are ordered by the lead of the first model over the second, with the largest lead
        on top. Tasks without a score of both come last.
    """
    figure, axes = new_slide()
    first, second = (scores.of(model) for model in highlighted)
    order = np.argsort(second - first, kind="stable")
    places = np.arange(len(order))
    others = np.flatnonzero([model not in highlighted for model in scores.models])
    _draw_points(axes, scores.values[order][:, others], f"{len(others)} others", POINTS)
    for model, style in zip(highlighted, MARKERS, strict=True):
        _draw_points(axes, scores.of(model)[order, None], model, style)
    _write_ranks(axes, scores, highlighted, order)
    axes.set_yticks(places, [scores.tasks[task] for task in order])
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xlabel(f"score, by each task's own metric  ({source})")
    axes.grid(axis="y", color=PALE)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, frameon=False, fontsize=14)
    return figure


def plot_ranks(scores: Scores, highlighted: tuple[str, str], source: str) -> Figure:
    """Draw the ranks of each model as a box, two of the models in colour.

    Parameters
    ----------
    scores, highlighted, source
        As for `plot_scores`.

    Returns
    -------
    matplotlib.figure.Figure
        The models are ordered by mean rank, with the best on top. A box holds the middle half of
        the ranks, its line is the median, and its whiskers reach the best and the worst rank. The
        points are the ranks. The mean rank and the number of tasks are written beside the box.
    """
    figure, axes = new_slide()
    ordered = scores.sorted_by_mean_rank()
    in_task = ranks(ordered.values)
    for place, (model, column) in enumerate(zip(ordered.models, in_task.T, strict=True)):
        _draw_box(axes, place, column[~np.isnan(column)], colour_of(model, highlighted, GREY))
    places = range(len(ordered.models))
    means = [f"{mean:.1f}" for mean in mean_over_tasks(in_task)]
    n_tasks = [str(n) for n in np.sum(~np.isnan(in_task), axis=0)]
    colours = [colour_of(model, highlighted, INK) for model in ordered.models]
    for right, heading, texts in [(1.06, "mean", means), (1.11, "tasks", n_tasks)]:
        write_column(axes, right, [heading, *texts], [INK, *colours], size=10)
    axes.set_yticks(places, ordered.models)
    colour_labels(axes.get_yticklabels(), ordered.models, highlighted)
    axes.set_ylim(len(places) - 0.4, -0.6)
    axes.set_xlim(0.4, len(places) + 0.6)
    axes.set_xticks([1, *range(5, len(places) + 1, 5)])
    axes.set_xlabel(
        f"rank in a task, 1 is best, among the models that have a score there  ({source})"
    )
    axes.grid(axis="x", color=PALE)
    return figure


def plot_pairwise_wins(scores: Scores, highlighted: tuple[str, str], source: str) -> Figure:
    """Draw a matrix of how often each model beats each other model.

    Parameters
    ----------
    scores, highlighted, source
        As for `plot_scores`. Names, rows and columns of the two models are in colour.

    Returns
    -------
    matplotlib.figure.Figure
        A cell shows in how many of their common tasks the model of the row beats the model of the
        column, as a percentage. An equal score counts half. Models are ordered by mean rank.
    """
    figure, axes = new_slide()
    ordered = scores.sorted_by_mean_rank()
    n_common = n_common_tasks(ordered.values)
    percent = np.full(n_common.shape, np.nan)
    np.divide(100 * pairwise_wins(ordered.values), n_common, out=percent, where=n_common > 0)
    np.fill_diagonal(percent, np.nan)
    # cividis goes from dark to bright, also without colour
    axes.pcolormesh(percent, cmap="cividis", vmin=0, vmax=100, edgecolors="white", linewidth=0.5)
    _write_cells(axes, percent)
    for model in highlighted:
        _outline(
            axes, ordered.models.index(model), len(percent), colour_of(model, highlighted, INK)
        )
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("bottom")
    axes.invert_yaxis()
    numbers = [str(number) for number in range(1, len(percent) + 1)]
    names = [f"{name}  {number}" for name, number in zip(ordered.models, numbers, strict=True)]
    for axis, texts in [(axes.yaxis, names), (axes.xaxis, numbers)]:
        axis.set_ticks(np.arange(len(percent)) + 0.5, texts)
        colour_labels(axis.get_majorticklabels(), ordered.models, highlighted)
    axes.set_xlabel(
        f"tasks in which the row's model beats the column's [% of those that both have]  ({source})"
    )
    return figure


def save_leaderboard(
    scores: Scores, highlighted: tuple[str, str], source: str, folder: Path
) -> list[Path]:
    """Draw and write the three figures.

    Parameters
    ----------
    scores, highlighted, source
        As for `plot_scores`.
    folder : Path

    Returns
    -------
    list of Path
        ``leaderboard-tasks``, ``leaderboard-ranks`` and ``leaderboard-wins``, each as PNG and SVG.
    """
    plots = {"tasks": plot_scores, "ranks": plot_ranks, "wins": plot_pairwise_wins}
    paths = []
    for name, plot in plots.items():
        figure = plot(scores, highlighted, f"source: {source}")
        paths += save_figure(figure, folder / f"leaderboard-{name}")
    return paths


def _draw_points(axes: Axes, values: np.ndarray, label: str, style: dict[str, Any]) -> None:
    """Draw the points of a table of tasks × models, each task at its own height."""
    heights = np.broadcast_to(np.arange(len(values))[:, None], values.shape)
    (points,) = axes.plot(values.ravel(), heights.ravel(), label=label, **style)
    points.set(linestyle="none", clip_on=False)


def _write_ranks(
    axes: Axes, scores: Scores, highlighted: tuple[str, str], order: np.ndarray
) -> None:
    """Write the ranks of the two models in two columns at the right."""
    in_task = ranks(scores.values)
    n_models = np.sum(~np.isnan(scores.values), axis=1)
    for model, glyph, right in zip(highlighted, "●◆", (1.10, 1.21), strict=True):
        column = in_task[order, scores.models.index(model)]
        texts = [
            "no score" if np.isnan(rank) else f"{rank:g} of {n}"
            for rank, n in zip(column, n_models[order], strict=True)
        ]
        colours = [colour_of(model, highlighted, INK)] * (1 + len(texts))
        write_column(axes, right, [f"{glyph} rank", *texts], colours, size=12)


def _draw_box(axes: Axes, place: int, values: np.ndarray, colour: str) -> None:
    strength = 0.45 if colour == GREY else 0.7
    axes.boxplot(
        values,
        positions=[place],
        orientation="horizontal",
        widths=0.7,
        whis=(0, 100),
        showcaps=False,
        showfliers=False,
        patch_artist=True,
        boxprops={
            "facecolor": colour,
            "alpha": strength,
            "edgecolor": "none",
        },
        whiskerprops={"color": colour},
        medianprops={"color": INK, "linewidth": 2},
        manage_ticks=False,
    )
    axes.plot(values, np.full(len(values), place), "o", markersize=3, color=colour)


def _write_cells(axes: Axes, percent: np.ndarray) -> None:
    for (row, column), value in np.ndenumerate(percent):
        if not np.isnan(value):
            cell = axes.text(column + 0.5, row + 0.5, f"{value:.0f}", fontsize=8)
            cell.set(ha="center", va="center_baseline", color="white" if value < 50 else "black")
            cell.set_in_layout(False)  # laying out a thousand texts takes seconds


def _outline(axes: Axes, place: int, size: int, colour: str) -> None:
    """Draw a frame around the row and the column of a model in the matrix."""
    for corner, width, height in [((0, place), size, 1), ((place, 0), 1, size)]:
        frame = Rectangle(corner, width, height, fill=False, clip_on=False)
        frame.set(edgecolor=colour, linewidth=2.5)
        frame.set_path_effects([withStroke(linewidth=5, foreground="white")])
        axes.add_patch(frame)
