"""Figures of a study: scores with intervals, and differences to the published heads.

Probes differ by colour and by marker, so that they are told apart in grey as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from study_results import Comparison, Results
from study_variants import LOG_MEL

from hear_openl3_yamnet.evaluation.figures import BLUE, INK, PALE, VERMILION
from hear_openl3_yamnet.evaluation.task_folders import TaskFolder

STYLES = {
    "linear": {"color": BLUE, "marker": "o", "markersize": 7},
    "two-layer": {"color": VERMILION, "marker": "D", "markersize": 6, "markerfacecolor": "white"},
}
ROW = 0.27  # inches
APART = 0.17  # rows


def plot_scores(results: Results, task: TaskFolder) -> Figure:
    """Draw all ways to embed a task: score and interval under each probe."""
    names = [way.name for way in results.ways(task)]
    figure, axes = _rows(names)
    for probe, shift in _shifts(results.probes):
        found = [results.of(task, name, probe) for name in names]
        centres = [results.mean(result) for result in found]
        _draw(axes, centres, [results.interval(r) for r in found], probe, shift)
    if LOG_MEL in names:
        result = results.of(task, LOG_MEL, results.probes[0])
        axes.axvline(results.mean(result), color=INK, linestyle=":", linewidth=1)
    axes.set_xlabel(
        f"{task.name}: {results.metric(task)}, with 95 % intervals; dotted: {LOG_MEL}, "
        f"{results.probes[0]} probe"
    )
    _legend(axes)
    return figure


def plot_differences(compared: Sequence[Comparison]) -> Figure:
    """Draw each head's difference to its network's published head."""
    names = list(dict.fromkeys(c.way for c in compared))
    figure, axes = _rows(names)
    for probe, shift in _shifts(list(dict.fromkeys(c.probe for c in compared))):
        own = {c.way: c for c in compared if c.probe == probe}
        rows = [own[name] for name in names]
        _draw(axes, [c.difference for c in rows], [(c.low, c.high) for c in rows], probe, shift)
    axes.axvline(0, color=INK, linewidth=1)
    axes.set_xlabel(
        "mean over the scene tasks of score minus the published head's, with 95 % intervals"
    )
    _legend(axes)
    return figure


def _rows(names: list[str]) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(9, 1.6 + ROW * len(names)), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, colors=INK)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_axisbelow(True)
    axes.grid(axis="x", color=PALE)
    networks = [name.split(":")[0] for name in names]
    for place, (above, below) in enumerate(pairwise(networks)):
        if above != below and ":" in names[place] + names[place + 1]:
            axes.axhline(place + 0.5, color=PALE, linewidth=1.5)
    return figure, axes


def _shifts(probes: list[str]) -> list[tuple[str, float]]:
    places = np.linspace(-APART, APART, len(probes)) if len(probes) > 1 else [0.0]
    return [(probe, float(place)) for probe, place in zip(probes, places, strict=True)]


def _draw(
    axes: Axes,
    centres: list[float],
    intervals: list[tuple[float, float]],
    probe: str,
    shift: float,
) -> None:
    heights = np.arange(len(centres)) + shift
    style = STYLES[probe]
    lows, highs = zip(*intervals, strict=True)
    axes.hlines(heights, lows, highs, color=str(style["color"]), linewidth=1.5)
    axes.plot(centres, heights, linestyle="none", label=f"{probe} probe", **style)  # type: ignore[arg-type]


def _legend(axes: Axes) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
