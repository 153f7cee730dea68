"""Figures of a table of scores: two models in colour, all others grey. Needs matplotlib.

The size is a slide's. The colours are two of the palette of Okabe and Ito (2008), which readers who
are colour-blind can tell apart; each model's own marker, or its bold name, does the same where
there is no colour.
"""
# ruff: noqa: E402 (the extra comes before the modules that import it)

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import require
from ..files import written_whole

matplotlib = require("matplotlib", extra="plot")

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from .scores import Scores, mean_over_tasks, n_common_tasks, pairwise_wins, ranks

SLIDE = (13.33, 7.5)  # inches
BLUE, VERMILION = "#0072B2", "#D55E00"
GREY, PALE, INK = "#A8A8A8", "#E8E8E8", "#222222"
POINTS: dict[str, Any] = {
    "marker": "o",
    "markersize": 7,
    "color": GREY,
    "alpha": 0.5,
    "markeredgewidth": 0,
}
# the second is smaller and drawn over the first, so that equal scores show both
MARKERS: tuple[dict[str, Any], ...] = (
    {"marker": "o", "markersize": 13, "color": BLUE, "markeredgecolor": "white"},
    {"marker": "D", "markersize": 8, "color": VERMILION, "markeredgecolor": "white"},
)


def plot_scores(scores: Scores, highlighted: tuple[str, str], source: str) -> Figure:
    """Draw a strip for each task: a point for each model, two of them in colour.

    Parameters
    ----------
    scores
        The scores, between 0 and 1.
    highlighted
        The two models to show in colour. Beside each strip stand their ranks among the models that
        have a score in the task, or "no score".
    source
        Where the scores are from, to be written below.

    Returns
    -------
    matplotlib.figure.Figure
        Tasks are in order of the first model's lead over the second, the greatest on top; those
        that one of the two lacks come last.
    """
    figure, axes = _slide()
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
    """Draw a box for each model: its ranks in the tasks, two of the models in colour.

    Parameters
    ----------
    scores
        The scores.
    highlighted
        The two models to show in colour.
    source
        Where the scores are from, to be written below.

    Returns
    -------
    matplotlib.figure.Figure
        Models are in order of mean rank, the best on top. A box holds the middle half of a model's
        ranks, its line is the median, whiskers reach to the best and the worst; points are the
        ranks themselves. The mean rank, and the number of tasks that the model has, stand beside.
    """
    figure, axes = _slide()
    ordered = scores.sorted_by_mean_rank()
    in_task = ranks(ordered.values)
    for place, (model, column) in enumerate(zip(ordered.models, in_task.T, strict=True)):
        _draw_box(axes, place, column[~np.isnan(column)], _colour(model, highlighted, GREY))
    places = range(len(ordered.models))
    means = [f"{mean:.1f}" for mean in mean_over_tasks(in_task)]
    n_tasks = [str(n) for n in np.sum(~np.isnan(in_task), axis=0)]
    colours = [_colour(model, highlighted, INK) for model in ordered.models]
    for right, heading, texts in [(1.06, "mean", means), (1.11, "tasks", n_tasks)]:
        _write_column(axes, right, [heading, *texts], [INK, *colours], size=10)
    axes.set_yticks(places, ordered.models)
    _colour_labels(axes.get_yticklabels(), ordered.models, highlighted)
    axes.set_ylim(len(places) - 0.4, -0.6)
    axes.set_xlim(0.4, len(places) + 0.6)
    axes.set_xticks([1, *range(5, len(places) + 1, 5)])
    axes.set_xlabel(
        f"rank in a task, 1 is best, among the models that have a score there  ({source})"
    )
    axes.grid(axis="x", color=PALE)
    return figure


def plot_pairwise_wins(scores: Scores, highlighted: tuple[str, str], source: str) -> Figure:
    """Draw a matrix: how often each model beats each other.

    Parameters
    ----------
    scores
        The scores.
    highlighted
        The two models whose names, rows and columns are in colour.
    source
        Where the scores are from, to be written below.

    Returns
    -------
    matplotlib.figure.Figure
        A cell is the percentage of the tasks that both models have in which the row's model has
        the higher score; an equal score counts half. Models are in order of mean rank.
    """
    figure, axes = _slide()
    ordered = scores.sorted_by_mean_rank()
    n_common = n_common_tasks(ordered.values)
    percent = np.full(n_common.shape, np.nan)
    np.divide(100 * pairwise_wins(ordered.values), n_common, out=percent, where=n_common > 0)
    np.fill_diagonal(percent, np.nan)
    # cividis goes from dark to bright, so it reads the same without colour
    axes.pcolormesh(percent, cmap="cividis", vmin=0, vmax=100, edgecolors="white", linewidth=0.5)
    _write_cells(axes, percent)
    for model in highlighted:
        _outline(axes, ordered.models.index(model), len(percent), _colour(model, highlighted, INK))
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("bottom")
    axes.invert_yaxis()
    numbers = [str(number) for number in range(1, len(percent) + 1)]
    names = [f"{name}  {number}" for name, number in zip(ordered.models, numbers, strict=True)]
    for axis, texts in [(axes.yaxis, names), (axes.xaxis, numbers)]:
        axis.set_ticks(np.arange(len(percent)) + 0.5, texts)
        _colour_labels(axis.get_majorticklabels(), ordered.models, highlighted)
    axes.set_xlabel(
        f"tasks in which the row's model beats the column's [% of those that both have]  ({source})"
    )
    return figure


def save_leaderboard(
    scores: Scores, highlighted: tuple[str, str], source: str, folder: Path
) -> list[Path]:
    """Draw all three figures and write them.

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


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """Write a figure as PNG and as SVG.

    Parameters
    ----------
    figure
        The figure.
    stem
        Where to, without the ending.

    Returns
    -------
    list of Path
        ``stem.png``, 2000 pixels wide, and ``stem.svg``. The same figure gives the same bytes.
    """
    png, svg = (stem.with_name(f"{stem.name}.{ending}") for ending in ("png", "svg"))
    # unless told otherwise, an SVG holds random names and the time when it was made
    with matplotlib.rc_context({"svg.hashsalt": stem.name}):
        with written_whole(png) as partial:
            figure.savefig(partial, dpi=150)
        with written_whole(svg) as partial:
            figure.savefig(partial, metadata={"Date": None})
    return [png, svg]


def _slide() -> tuple[Figure, Axes]:
    figure = Figure(figsize=SLIDE, layout="constrained", facecolor="white")
    figure.get_layout_engine().set(w_pad=0.15, h_pad=0.12)  # type: ignore[union-attr, call-arg]
    axes = figure.add_subplot()
    axes.spines[:].set_visible(False)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=INK)
    return figure, axes


def _colour(model: str, highlighted: tuple[str, str], otherwise: str) -> str:
    return dict(zip(highlighted, (BLUE, VERMILION), strict=True)).get(model, otherwise)


def _colour_labels(labels: list, models: tuple[str, ...], highlighted: tuple[str, str]) -> None:
    for label, model in zip(labels, models, strict=True):
        if model in highlighted:
            label.set(color=_colour(model, highlighted, INK), fontweight="bold")


def _draw_points(axes: Axes, values: np.ndarray, label: str, style: dict[str, Any]) -> None:
    """Draw the points of tasks × models, each task at its own height."""
    heights = np.broadcast_to(np.arange(len(values))[:, None], values.shape)
    (points,) = axes.plot(values.ravel(), heights.ravel(), label=label, **style)
    points.set(linestyle="none", clip_on=False)


def _write_ranks(
    axes: Axes, scores: Scores, highlighted: tuple[str, str], order: np.ndarray
) -> None:
    """Write the ranks of the two models in two columns to the right of the strips."""
    in_task = ranks(scores.values)
    n_models = np.sum(~np.isnan(scores.values), axis=1)
    for model, glyph, right in zip(highlighted, "●◆", (1.10, 1.21), strict=True):
        column = in_task[order, scores.models.index(model)]
        texts = [
            "no score" if np.isnan(rank) else f"{rank:g} of {n}"
            for rank, n in zip(column, n_models[order], strict=True)
        ]
        colours = [_colour(model, highlighted, INK)] * (1 + len(texts))
        _write_column(axes, right, [f"{glyph} rank", *texts], colours, size=12)


def _write_column(
    axes: Axes, right: float, texts: list[str], colours: list[str], *, size: float
) -> None:
    """Write a column of texts beside the axes: a heading above the top row, one for each row."""
    for place, (text, colour) in enumerate(zip(texts, colours, strict=True), start=-1):
        label = axes.text(right, place, text, transform=axes.get_yaxis_transform())
        label.set(ha="right", va="center_baseline", fontsize=size, color=colour)


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
    """Draw a frame around a row and a column of the matrix."""
    for corner, width, height in [((0, place), size, 1), ((place, 0), 1, size)]:
        frame = Rectangle(corner, width, height, fill=False, clip_on=False)
        frame.set(edgecolor=colour, linewidth=2.5)
        frame.set_path_effects([withStroke(linewidth=5, foreground="white")])
        axes.add_patch(frame)
