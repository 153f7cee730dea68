"""What the study writes: scores.csv, tables.md and a figure."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from hear_openl3_yamnet.baselines import as_submitted
from hear_openl3_yamnet.evaluation.figures import BLUE, GREY, INK, PALE, VERMILION
from hear_openl3_yamnet.study import figures
from hear_openl3_yamnet.study.choosing import difference, draws, score_interval
from hear_openl3_yamnet.study.cross import Result
from hear_openl3_yamnet.study.intervals import interval
from hear_openl3_yamnet.study.variants import Variant

from .configurations import AS_SUBMITTED, PUBLISHED, kind_of

SHORTEST_S = (as_submitted.PATCH - 2 * as_submitted.PADDING) / 16_000
"""The submission refuses shorter clips."""

ByTask = list[list[Result]]
"""For each task, the result of each configuration, in one order."""


@dataclass(frozen=True)
class Found:
    """All results.

    Attributes
    ----------
    scenes, events, kept_back : list of list of Result
        By task, then by configuration.
    best : str
        The best single network; "" where none was chosen.
    """

    scenes: ByTask
    events: ByTask
    kept_back: ByTask
    best: str


@dataclass(frozen=True)
class Row:
    """A configuration over all tasks.

    Attributes
    ----------
    name, subject : str
    size : int
    validation : float
        The mean over the kinds of tasks, of the mean over the tasks of a kind.
    scores : list of float
        Of the test groups, by task.
    mean : float
        Of the scores, as of the validation scores.
    lead : float
        Of the mean over that of the published head.
    low, high : float
        Its interval.
    """

    name: str
    subject: str
    size: int
    validation: float
    scores: list[float]
    mean: float
    lead: float
    low: float
    high: float


def mean_over_kinds(names: Sequence[str], values: Sequence[Any]) -> Any:
    """Return the mean over the kinds of tasks, of the mean over the tasks of a kind."""
    of_kind: dict[str, list[Any]] = {}
    for name, value in zip(names, values, strict=True):
        of_kind.setdefault(kind_of(name), []).append(value)
    return np.mean([np.mean(own, axis=0) for own in of_kind.values()], axis=0)


def rows_of(by_task: ByTask) -> list[Row]:
    """Return a row for each configuration. The first one is the published head."""
    rows = []
    names = [results[0].dataset.name for results in by_task]
    for own in zip(*by_task, strict=True):
        drawn, n_groups = [], []
        for result, results in zip(own, by_task, strict=True):
            published = next(r for r in results if r.name == PUBLISHED)
            drawn.append(draws(result.outcome) - draws(published.outcome))
            n_groups.append(len(result.outcome.groups))
        # as wide as for the task with the fewest groups
        low, high = interval(mean_over_kinds(names, drawn), n_groups=min(n_groups))
        scores = [result.score for result in own]
        mean = float(mean_over_kinds(names, scores))
        rows.append(
            Row(
                own[0].name,
                own[0].variant.subject,
                own[0].size,
                float(mean_over_kinds(names, [result.validation for result in own])),
                scores,
                mean,
                mean - (rows[0].mean if rows else mean),
                low,
                high,
            )
        )
    return rows


PLATEAU = 0.015
"""Validation scores that are closer to the best one are not told apart from it."""


def best_single(by_task: ByTask, subjects: Sequence[str]) -> str:
    """Return the best single network: of those on the plateau of validation, the deepest.

    The tasks have no sounds of every day, for whose kinds the late layers were trained. So the
    deepest layer is taken, as far as that costs nothing here.
    """
    single = [row for row in rows_of(by_task) if row.subject in subjects]
    highest = max(row.validation for row in single)
    plateau = [row for row in single if row.validation > highest - PLATEAU]
    variants = {result.name: result.variant for result in by_task[0]}
    return max(plateau, key=lambda row: (deepest_layer(variants[row.name]), -row.size)).name


def deepest_layer(variant: Variant) -> int:
    """Return the place of the last layer in use."""
    return max(
        network.backbone.LAYERS.index(layer)
        for network in variant.networks
        for layer in network.layers
    )


def write_report(folder: Path, found: Found, tasks: Path) -> None:
    """Write all tables and the figure."""
    folder.mkdir(parents=True, exist_ok=True)
    everything = [r for own in (*found.scenes, *found.events, *found.kept_back) for r in own]
    write_csv(folder / "scores.csv", everything)
    blocks = ["# Tables", "Written by `python -m scripts.measure.yamnet_study`."]
    blocks += ["## The tasks", tasks_table(found)]
    if found.scenes:
        rows = rows_of(found.scenes)
        names = [own[0].dataset.name for own in found.scenes]
        blocks += ["## Whole clips", scenes_table(rows, names, found.best)]
        if found.best:
            blocks += [
                f"The best single network: **{found.best}**, the deepest one within {PLATEAU} of "
                "the highest validation score."
            ]
        figures.save(plot_leads(rows, names, found.best), folder / "leads.png")
    if found.kept_back:
        blocks += ["## Kept back, looked at once", kept_back_table(found)]
    if found.events:
        blocks += ["## Events", events_table(found.events)]
    (folder / "tables.md").write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def write_csv(path: Path, results: Sequence[Result]) -> None:
    columns = [
        "task",
        "metric",
        "configuration",
        "question",
        "size",
        "validation",
        "score",
        "low",
        "high",
        "groups",
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for r in results:
            scores = (r.validation, r.score, *score_interval(r.outcome))
            name, metric = r.dataset.name, r.outcome.metric
            groups = len(r.outcome.groups)
            numbers = (f"{value:.4f}" for value in scores)
            writer.writerow([name, metric, r.name, r.variant.subject, r.size, *numbers, groups])


def tasks_table(found: Found) -> str:
    heads = ["task", "clips", "minutes", "labels", "groups", "folds", "chance", "metric"]
    lines = [[*heads, "refused as submitted"]]
    for own in (*found.scenes, *found.kept_back, *found.events):
        dataset, outcome = own[0].dataset, own[0].outcome
        chance = "–" if dataset.of_events else f"{dataset.targets().mean(axis=0).max():.3f}"
        unit = " excerpts" if dataset.of_events else ""
        cells = [dataset.name, str(len(dataset.clips)), f"{dataset.seconds() / 60:.1f}"]
        cells += [str(len(dataset.labels)), f"{len(outcome.groups)}{unit}"]
        cells += [str(len(dataset.folds)), chance, dataset.metric]
        refused = np.mean([clip.seconds() < SHORTEST_S for clip in dataset.clips])
        lines.append([*cells, f"{refused:.0%}"])
    return table(lines, "lrrrrrrlr")


def scenes_table(rows: Sequence[Row], names: Sequence[str], best: str) -> str:
    heads = ["question", "configuration", "values", *names, "mean", "minus published", "validation"]
    lines = [heads]
    for row in rows:
        lead = "" if row.name == PUBLISHED else signed(row.lead, row.low, row.high)
        name = f"**{row.name}**" if row.name == best else row.name
        cells = [row.subject, name, str(row.size), *(f"{score:.3f}" for score in row.scores)]
        lines.append([*cells, f"{row.mean:.3f}", lead, f"{row.validation:.3f}"])
    return table(lines, "llr" + "r" * (len(names) + 3))


def kept_back_table(found: Found) -> str:
    lines = [["task", "configuration", "values", "score", "minus published"]]
    for own in found.kept_back:
        published = next(r for r in own if r.name == PUBLISHED)
        for result in own:
            low, high = score_interval(result.outcome)
            over = difference(result.outcome, published.outcome)
            lead = "" if result is published else signed(over.value, over.low, over.high)
            score = f"{result.score:.3f} [{low:.3f}, {high:.3f}]"
            lines.append([result.dataset.name, result.name, str(result.size), score, lead])
    return table(lines, "llrrr")


def events_table(by_task: ByTask) -> str:
    lines = [["task", "question", "configuration", "values", "onset F", "minus as submitted"]]
    for own in by_task:
        submitted = next(r for r in own if r.name == AS_SUBMITTED)
        for r in own:
            low, high = score_interval(r.outcome)
            over = difference(r.outcome, submitted.outcome)
            lead = "" if r is submitted else signed(over.value, over.low, over.high)
            score = f"{r.score:.3f} [{low:.3f}, {high:.3f}]"
            cells = [r.dataset.name, r.variant.subject, r.name, str(r.size), score, lead]
            lines.append(cells)
    return table(lines, "lllrrr")


def signed(value: float, low: float, high: float) -> str:
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]".replace("-", "−")


def table(lines: Sequence[Sequence[str]], alignment: str) -> str:
    rules = ["---:" if side == "r" else "---" for side in alignment]
    rows = [lines[0], rules, *lines[1:]]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def plot_leads(rows: Sequence[Row], names: Sequence[str], best: str) -> Figure:
    """Draw each configuration's lead over the published head: the mean, and each task."""
    published = rows[0]
    shown = [row for row in rows if row is not published]
    figure = Figure((9, 1.6 + 0.29 * len(shown)), layout="constrained", facecolor="white")
    axes = figure.subplots()
    for place, row in enumerate(shown):
        colour = VERMILION if row.name == best else BLUE if row.low > 0 or row.high < 0 else INK
        own = np.subtract(row.scores, published.scores)
        axes.plot(own, np.full(len(own), place), "|", color=GREY, markersize=9)
        axes.hlines(place, row.low, row.high, color=colour, linewidth=2)
        marker = "D" if row.name == best else "o"
        axes.plot(row.lead, place, marker, color=colour, markersize=6)
    labels = [f"{row.subject}:  {row.name}" for row in shown]
    axes.set_yticks(range(len(shown)), labels, fontsize=9)
    for place in range(1, len(shown)):
        if shown[place].subject != shown[place - 1].subject:
            axes.axhline(place - 0.5, color=PALE, linewidth=1)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.axvline(0, color=INK, linewidth=1)
    axes.set_xlabel(
        "score minus that of YAMNet as published, with 95 % intervals:\n"
        f"mean over the kinds of tasks; grey: each of the {len(names)} tasks"
        + (";\ndiamond: the best single network" if best else "")
    )
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, colors=INK)
    axes.set_axisbelow(True)
    axes.grid(axis="x", color=PALE)
    return figure
