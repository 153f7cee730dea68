"""Ranks, wins and medians from a table of scores. Greater is better; NaN is a missing score.

A missing score has no rank, beats nothing and is beaten by nothing. So ranks in a task count the
models that have a score there, and what is taken over tasks is over the tasks that a model has.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

__all__ = [
    "Scores",
    "best_in_task",
    "mean_over_tasks",
    "median_over_tasks",
    "n_common_tasks",
    "order_by_mean_rank",
    "pairwise_wins",
    "ranks",
    "wins",
]


@dataclass(frozen=True)
class Scores:
    """A table of scores.

    Attributes
    ----------
    tasks : tuple of str
        Names of the rows.
    metrics : tuple of str
        What each task's score is, for example "top1_acc"; "" where that is not known.
    models : tuple of str
        Names of the columns.
    values : np.ndarray [shape=(n_tasks, n_models)]
        The scores, NaN where there is none.
    """

    tasks: tuple[str, ...]
    metrics: tuple[str, ...]
    models: tuple[str, ...]
    values: np.ndarray

    def of(self, model: str) -> np.ndarray:
        """Return one model's scores.

        Returns
        -------
        np.ndarray [shape=(n_tasks,)]
        """
        return self.values[:, self.models.index(model)]

    def sorted_by_mean_rank(self) -> "Scores":
        """Return the same scores with the models in order of mean rank, the best first."""
        order = order_by_mean_rank(self.values)
        models = tuple(self.models[index] for index in order)
        return Scores(self.tasks, self.metrics, models, self.values[:, order])


def ranks(scores: np.ndarray) -> np.ndarray:
    """Rank the models in each task, 1 for the best.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_tasks, n_models)]

    Returns
    -------
    np.ndarray [shape=(n_tasks, n_models)]
        One plus the number of better models. Equal scores share the mean of their places: 1, 2.5,
        2.5, 4. NaN for a missing score.
    """
    return rankdata(-scores, axis=1, nan_policy="omit")


def best_in_task(scores: np.ndarray) -> np.ndarray:
    """Tell which models have a task's best score; more than one where scores are equal.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_tasks, n_models)]

    Returns
    -------
    np.ndarray of bool [shape=(n_tasks, n_models)]
    """
    return scores == np.fmax.reduce(scores, axis=1, keepdims=True)


def wins(scores: np.ndarray) -> np.ndarray:
    """Count the tasks in which each model has the best score, shared or not.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_tasks, n_models)]

    Returns
    -------
    np.ndarray of int [shape=(n_models,)]
    """
    return best_in_task(scores).sum(axis=0)


def pairwise_wins(scores: np.ndarray) -> np.ndarray:
    """Count the tasks in which one model beats another; an equal score is half a win for each.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_tasks, n_models)]

    Returns
    -------
    np.ndarray [shape=(n_models, n_models)]
        Wins of the row's model over the column's. With its transpose it adds up to
        `n_common_tasks`.
    """
    row, column = scores[:, :, None], scores[:, None, :]
    return np.sum(row > column, axis=0) + np.sum(row == column, axis=0) / 2


def n_common_tasks(scores: np.ndarray) -> np.ndarray:
    """Count the tasks in which both of two models have a score.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_tasks, n_models)]

    Returns
    -------
    np.ndarray of int [shape=(n_models, n_models)]
    """
    present = (~np.isnan(scores)).astype(int)
    return present.T @ present


def mean_over_tasks(values: np.ndarray) -> np.ndarray:
    """Mean of scores or ranks over the tasks that a model has; NaN if it has none.

    Parameters
    ----------
    values : np.ndarray [shape=(n_tasks, n_models)]

    Returns
    -------
    np.ndarray [shape=(n_models,)]
    """
    return _over_tasks(np.mean, values)


def median_over_tasks(values: np.ndarray) -> np.ndarray:
    """Median of scores or ranks over the tasks that a model has; NaN if it has none.

    Parameters
    ----------
    values : np.ndarray [shape=(n_tasks, n_models)]

    Returns
    -------
    np.ndarray [shape=(n_models,)]
    """
    return _over_tasks(np.median, values)


def order_by_mean_rank(scores: np.ndarray) -> np.ndarray:
    """Order the models by mean rank, the best first; those without any score come last.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_tasks, n_models)]

    Returns
    -------
    np.ndarray of int [shape=(n_models,)]
        Indices of models. Models of the same mean rank stay in their order.
    """
    return np.argsort(mean_over_tasks(ranks(scores)), kind="stable")


def _over_tasks(statistic: Callable, values: np.ndarray) -> np.ndarray:
    # NumPy's own nanmean and nanmedian warn of a model without any score
    columns = [column[~np.isnan(column)] for column in values.T]
    return np.array([statistic(column) if column.size else np.nan for column in columns])
