"""The report of a study: a table, a conclusion, a figure, and the winner's options."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..files import written_whole
from ..labelled.dataset import Dataset
from .choosing import FEWEST_GROUPS, Choice, difference, score_interval
from .cross import Result
from .intervals import LEVEL, Difference
from .variants import FLOOR

__all__ = ["COLUMNS", "conclusion", "describe", "notes", "rows", "to_text", "write_report"]

COLUMNS = (
    "configuration",
    "size",
    "validation",
    "score",
    "low",
    "high",
    "over_default",
    "over_default_low",
    "over_default_high",
    "options",
)


def rows(results: Sequence[Result], choice: Choice) -> list[dict[str, Any]]:
    """Return a row of plain data for each configuration, the best by validation first.

    Parameters
    ----------
    results : sequence of Result
        Of one dataset and one probe.
    choice : Choice
        From them.

    Returns
    -------
    list of dict
        With the keys `COLUMNS`. ``low`` and ``high`` are the interval of the score,
        ``over_default`` is the score minus the plain default's. ``options`` are keywords of
        `load_model`, as JSON.
    """
    ordered = sorted(results, key=lambda r: (r.name == FLOOR, -r.validation, r.size))
    return [_row(result, choice) for result in ordered]


def _row(result: Result, choice: Choice) -> dict[str, Any]:
    over = difference(result.outcome, choice.default.outcome)
    values = (
        result.name,
        result.size,
        result.validation,
        result.score,
        *score_interval(result.outcome),
        over.value,
        over.low,
        over.high,
        json.dumps(result.variant.keywords) if result.variant.model else "",
    )
    return dict(zip(COLUMNS, values, strict=True))


def describe(dataset: Dataset) -> str:
    """Say in one line what a dataset is."""
    counts = [_count(len(dataset.labels), "label")]
    n_groups = len({clip.group for clip in dataset.clips})
    if _nested(dataset) or n_groups < len(dataset.clips):
        counts.append(_count(n_groups, "group"))
    counts.append(_count(len(dataset.folds), "fold"))
    return (
        f"{dataset.name}: {_count(len(dataset.clips), 'clip')} ({dataset.seconds() / 60:.1f} min), "
        f"{', '.join(counts)}, scored by {dataset.metric}"
    )


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def notes(dataset: Dataset) -> list[str]:
    """Return what a reader of the scores should know about a dataset."""
    said = []
    if dataset.exclusive:
        shares = dataset.targets().mean(axis=0)
        label = dataset.labels[int(shares.argmax())]
        said.append(f"Always answering {label!r} would score {shares.max():.3f}.")
    n_groups = len({clip.group for clip in dataset.clips})
    if _nested(dataset) and n_groups == len(dataset.clips):
        said.append(
            "Each clip is a group of its own. If several clips are of one speaker, site or "
            "recording, name these groups: without them, scores are too high."
        )
    return said


def _nested(dataset: Dataset) -> bool:
    return dataset.folds[0].train is not None


def conclusion(choice: Choice) -> list[str]:
    """Return the conclusion in plain sentences, the verdict first."""
    return [_verdict(choice), *_expectation(choice), *_beside_floor(choice)]


def _verdict(choice: Choice) -> str:
    """Say in one sentence which configuration is best, and whether its leads are real."""
    winner, default, second = choice.winner.name, choice.default.name, choice.runner_up
    if second is None:
        return f"There is one configuration, {winner}, and nothing to compare it with."
    leads = []
    if winner != default:
        leads.append(f"its lead over the plain default, {default}, {_real(choice.over_default)}")
    if winner == default or second.name != default:
        leads.append(f"its lead over the runner-up, {second.name}, {_real(choice.over_runner_up)}")
    best = f"The plain default, {winner}," if winner == default else winner
    return f"{best} is best; {', and '.join(leads)}."


def _real(over: Difference | None) -> str:
    """Say whether a difference is more than chance."""
    assert over is not None
    numbers = _bracketed([over.value, over.low, over.high])
    if over.verdict == "better":
        return f"is real ({numbers})"
    if over.verdict == "too few to tell":
        return f"may be chance ({numbers}; {over.n_groups} groups of the {FEWEST_GROUPS} needed)"
    return f"may be chance ({numbers})"


def _expectation(choice: Choice) -> list[str]:
    """Say what score to expect, and by how much the winner's own is optimistic."""
    low, high = score_interval(choice.nested)
    metric, score = choice.nested.metric, float(np.mean(choice.nested.scores()))
    expected = f"{metric} {score:.3f} [{low:.3f}, {high:.3f}]"
    if len(choice.by_fold) == 1:
        return [
            f"Expect {expected} on other recordings of this kind: the winner was chosen on the "
            "validation clips, and scored on the test clips once."
        ]
    counts = Counter(choice.by_fold).most_common()
    listed = ", ".join(f"{name} ({count})" for name, count in counts)
    return [
        f"Expect {expected} on other recordings of this kind. This is the score if each fold "
        "chooses a configuration without the clips that it is scored on. The lead over the plain "
        f"default is that of these choices, too. The folds chose: {listed}.",
        f"The winner's own score in the table, {choice.winner.score:.3f}, is optimistic, because "
        "the winner was chosen on the same clips.",
    ]


def _beside_floor(choice: Choice) -> list[str]:
    if choice.over_floor is None or choice.floor is None:
        return []
    return [
        f"{FLOOR.capitalize()}, which need no network, reach {choice.floor.score:.3f}; the lead "
        f"of the choice over them {_real(choice.over_floor)}."
    ]


def _bracketed(values: Sequence[float]) -> str:
    return "{} [{}, {}]".format(*map(_plus, values))


def _plus(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")


def _cells(table: Sequence[dict[str, Any]], choice: Choice) -> list[list[str]]:
    """Return the head and the lines of a table that people read."""
    metric, default = choice.nested.metric, choice.default.name
    percent = f"{LEVEL:.0%}"
    head = ["configuration", "size", "validation", f"{metric} [{percent}]"]
    lines = [[*head, f"minus default [{percent}]"]]
    for row in table:
        over = [row[key] for key in ("over_default", "over_default_low", "over_default_high")]
        lines.append(
            [
                row["configuration"],
                str(row["size"]),
                f"{row['validation']:.3f}",
                f"{row['score']:.3f} [{row['low']:.3f}, {row['high']:.3f}]",
                "default" if row["configuration"] == default else _bracketed(over),
            ]
        )
    return lines


def to_text(table: Sequence[dict[str, Any]], choice: Choice) -> str:
    """Write rows for a terminal."""
    lines = _cells(table, choice)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def to_markdown(table: Sequence[dict[str, Any]], choice: Choice) -> str:
    """Write rows as a table of Markdown."""
    head, *lines = _cells(table, choice)
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, rule, *lines])


def to_csv(table: Sequence[dict[str, Any]]) -> str:
    """Write rows as CSV, numbers to four digits."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in table:
        writer.writerow({k: f"{v:.4f}" if isinstance(v, float) else v for k, v in row.items()})
    return file.getvalue()


def write_report(folder: Path, results: Sequence[Result], choice: Choice) -> list[Path]:
    """Write a study's table, figure and winner.

    Parameters
    ----------
    folder : Path
        It exists.
    results : sequence of Result
        Of one dataset and one probe.
    choice : Choice
        From them.

    Returns
    -------
    list of Path
        ``study.csv``; ``study.md``, with the conclusion; ``study.png``; and ``winner.json``, with
        the keywords of `load_model`.

    Raises
    ------
    OSError
        If the folder cannot be written to.
    """
    from .figures import plot_scores, save

    dataset = choice.winner.dataset
    table = rows(results, choice)
    said = [describe(dataset), *notes(dataset), to_markdown(table, choice)]
    texts = {
        "study.csv": to_csv(table),
        "study.md": "\n\n".join(["# Study", *said, *conclusion(choice)]) + "\n",
        "winner.json": json.dumps(choice.winner.variant.keywords, indent=2) + "\n",
    }
    for name, text in texts.items():
        with written_whole(folder / name) as partial:
            partial.write_text(text, encoding="utf-8")
    figure = plot_scores(table, choice.winner.name, choice.default.name, dataset.metric)
    with written_whole(folder / "study.png") as partial:
        save(figure, partial)
    return [folder / name for name in ("study.csv", "study.md", "study.png", "winner.json")]
