"""Figures of a study: scores with intervals, and differences to the published heads.

Probes differ by colour and by marker, so that they are told apart in grey as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hear_openl3_yamnet.evaluation.figures import BLUE, INK, PALE, VERMILION
from hear_openl3_yamnet.labelled.dataset import Dataset
from hear_openl3_yamnet.study import figures
from hear_openl3_yamnet.study.variants import FLOOR

from .results import Comparison, Results

STYLES = {
    "linear": {"color": BLUE, "marker": "o", "markersize": 7},
    "two-layer": {"color": VERMILION, "marker": "D", "markersize": 6, "markerfacecolor": "white"},
}
ROW = 0.27  # inches
APART = 0.17  # rows


def plot_scores(results: Results, datasets: Sequence[Dataset]) -> Figure:
    """Draw a panel for each task: the score and the interval of each variant under each probe."""
    names = [variant.name for variant in results.variants(datasets[0])]
    figure, panels = _rows(names, len(datasets))
    for axes, dataset in zip(panels, datasets, strict=True):
        for probe, shift in _shifts(results.probes):
            found = [results.of(dataset, name, probe) for name in names]
            centres = [result.score for result in found]
            _draw(axes, centres, [results.interval(r) for r in found], probe, shift)
        if FLOOR in names:
            result = results.of(dataset, FLOOR, results.probes[0])
            axes.axvline(result.score, color=INK, linestyle=":", linewidth=1)
        axes.set_xlabel(f"{dataset.name}: {dataset.metric}")
    _legend(panels[0])
    figure.supxlabel(
        f"with 95 % intervals; dotted: {FLOOR}, {results.probes[0]} probe", fontsize=10
    )
    return figure


def plot_differences(compared: Sequence[Comparison]) -> Figure:
    """Draw each head's difference to its network's published head."""
    names = list(dict.fromkeys(c.name for c in compared))
    figure, (axes,) = _rows(names, 1)
    for probe, shift in _shifts(list(dict.fromkeys(c.probe for c in compared))):
        own = {c.name: c.difference for c in compared if c.probe == probe}
        rows = [own[name] for name in names]
        _draw(axes, [d.value for d in rows], [(d.low, d.high) for d in rows], probe, shift)
    axes.axvline(0, color=INK, linewidth=1)
    axes.set_xlabel(
        "mean over the scene tasks of score minus the published head's, with 95 % intervals"
    )
    _legend(axes)
    return figure


def save(figure: Figure, stem: Path) -> None:
    """Write a figure as PNG and as SVG, small enough to be kept with the text."""
    for ending in ("png", "svg"):
        figures.save(figure, stem.with_name(f"{stem.name}.{ending}"))


def _rows(names: list[str], n_panels: int) -> tuple[Figure, list[Axes]]:
    size = (6 + 3 * n_panels, 1.7 + ROW * len(names))
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    panels = list(figure.subplots(1, n_panels, sharey=True, squeeze=False)[0])
    for axes in panels:
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
    return figure, panels


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
    axes.plot(centres, heights, linestyle="none", label=f"{probe} probe", **style)


def _legend(axes: Axes) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
