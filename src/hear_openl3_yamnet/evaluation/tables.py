"""A table of scores: tasks × models, best in task, wins, ranks, medians, published scores."""

from dataclasses import dataclass

import numpy as np

from .leaderboard import OPENL3, SOURCE, YAMNET, Leaderboard
from .scores import Scores, best_in_task, mean_over_tasks, median_over_tasks, ranks, wins

PUBLISHED = {OPENL3: "published OpenL3", YAMNET: "published YAMNet"}

ON_RANKS = (
    "The best in task is marked. A missing score has no rank. Ranks in a task count the models "
    "that have a score in it, and equal scores share the mean of their ranks. Mean ranks and "
    "medians are over the tasks in which a model has a score."
)
ON_DISTANCES = (
    f"Published: the scores of the two submissions to HEAR 2021 ({SOURCE}). They do not count in "
    "wins and ranks. A distance is the score minus the published score."
)


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes
    ----------
    task : str
        The task, or "all tasks".
    quantity : str
        Meaning of the numbers: a metric, a distance, or a statistic.
    kind : str
        "score", "distance" or "statistic".
    form : str
        Number format, for example ".3f".
    values : np.ndarray [shape=(n_columns,)]
        NaN for missing numbers.
    best : np.ndarray of bool [shape=(n_columns,)]
        Which of the values are the best in task.
    """

    task: str
    quantity: str
    kind: str
    form: str
    values: np.ndarray
    best: np.ndarray

    def cells(self) -> list[tuple[str, bool]]:
        """Return each number as text, and whether it is the best in task."""
        texts = [format_number(value, self.form) for value in self.values]
        return list(zip(texts, map(bool, self.best), strict=True))


@dataclass(frozen=True)
class Table:
    """A table with a title, columns, rows, and sentences that explain it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


def format_number(value: float, form: str) -> str:
    """Return a number as text, "–" for NaN. A number that rounds to zero has no minus."""
    if np.isnan(value):
        return "–"
    text = format(value, form)
    return format(0.0, form) if float(text) == 0 else text.replace("-", "−")


def build_table(
    title: str,
    scores: Scores,
    published: Leaderboard | None = None,
    notes: tuple[str, ...] = (),
) -> Table:
    """Build the table of scores, with wins, mean rank and medians of each model.

    Parameters
    ----------
    title : str
    scores : Scores
        The scores of models in tasks.
    published : Leaderboard, optional
        For the tasks of HEAR the published scores of OpenL3 and YAMNet are added as columns, and
        the distances of the models to them as rows.
    notes : tuple of str
        Sentences below the table, after the explanations.

    Returns
    -------
    Table
    """
    references = _references(scores, published)
    blank = np.full(len(references), np.nan)
    best = best_in_task(scores.values)
    rows: list[Row] = []
    for index, (task, metric) in enumerate(zip(scores.tasks, scores.metrics, strict=True)):
        values = scores.values[index]
        there = {name: column[index] for name, column in references.items()}
        row = np.concatenate([values, list(there.values())])
        marks = np.concatenate([best[index], np.zeros(len(there), bool)])
        rows.append(Row(task, metric or "score", "score", ".3f", row, marks))
        for name, score in there.items():
            if not np.isnan(score):
                row = np.concatenate([values - score, blank])
                rows.append(_unmarked(task, f"minus {PUBLISHED[name]}", "distance", "+.3f", row))
    for quantity, form, values in statistics(scores.values):
        row = np.concatenate([values, blank])
        rows.append(_unmarked("all tasks", quantity, "statistic", form, row))
    columns = scores.models + tuple(PUBLISHED[name] for name in references)
    explained = (ON_RANKS, ON_DISTANCES) if references else (ON_RANKS,)
    return Table(title, columns, tuple(rows), explained + notes)


def _references(scores: Scores, published: Leaderboard | None) -> dict[str, np.ndarray]:
    """Return the published scores of the tasks, or nothing if no task has any."""
    if published is None:
        return {}
    found = {
        name: np.array([published.score(name, task) for task in scores.tasks]) for name in PUBLISHED
    }
    return found if not all(np.isnan(column).all() for column in found.values()) else {}


def _unmarked(task: str, quantity: str, kind: str, form: str, values: np.ndarray) -> Row:
    return Row(task, quantity, kind, form, values, np.zeros(len(values), bool))


def statistics(scores: np.ndarray) -> list[tuple[str, str, np.ndarray]]:
    """Return the statistics of each model over its tasks.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_tasks, n_models)]

    Returns
    -------
    list of (str, str, np.ndarray [shape=(n_models,)])
        Name, number format and values of each statistic.
    """
    in_task = ranks(scores)
    return [
        ("tasks", ".0f", np.sum(~np.isnan(scores), axis=0)),
        ("wins", ".0f", wins(scores)),
        ("mean rank", ".2f", mean_over_tasks(in_task)),
        ("median rank", ".1f", median_over_tasks(in_task)),
        ("median score", ".3f", median_over_tasks(scores)),
    ]
