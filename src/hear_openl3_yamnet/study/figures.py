"""The figure of a study: each configuration's score with its interval. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from ..evaluation.figures import BLUE, GREY, INK, PALE, VERMILION

__all__ = ["plot_scores", "save"]

ROW = 0.3  # inches


def plot_scores(
    table: Sequence[Mapping[str, Any]], winner: str, default: str, metric: str
) -> Figure:
    """Draw a row for each configuration: its score, and its interval.

    Parameters
    ----------
    table : sequence of mapping
        From `report.rows`.
    winner, default : str
        Their configurations, drawn in colour and with markers of their own.
    metric : str

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = Figure((8, 1.4 + ROW * len(table)), layout="constrained", facecolor="white")
    axes = figure.subplots()
    styles: dict[str, dict[str, Any]] = {
        default: {"color": BLUE, "marker": "s", "label": "plain default"},
        winner: {"color": VERMILION, "marker": "D", "label": "winner"},
    }
    for place, row in enumerate(table):
        style = styles.get(row["configuration"], {"color": GREY, "marker": "o"})
        axes.hlines(place, row["low"], row["high"], color=style["color"], linewidth=2)
        axes.plot(row["score"], place, linestyle="none", markersize=7, **style)
    axes.set_yticks(range(len(table)), [row["configuration"] for row in table])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.set_xlabel(f"{metric}, with 95 % intervals")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, colors=INK)
    axes.set_axisbelow(True)
    axes.grid(axis="x", color=PALE)
    figure.legend(loc="outside upper left", ncols=2, frameon=False)
    return figure


def save(figure: Figure, path: Path) -> None:
    """Write a figure; its name's ending says the format, and text in SVG stays text."""
    settings: Any = {"svg.hashsalt": path.stem, "svg.fonttype": "none"}
    metadata = {"Date": None} if path.suffix == ".svg" else None  # equal figures, equal files
    with matplotlib.rc_context(settings):
        figure.savefig(path, dpi=100, metadata=metadata)
