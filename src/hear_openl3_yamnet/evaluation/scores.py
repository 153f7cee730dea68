"""Ranks, wins and medians of a table of scores. Higher is better; NaN is a missing score.

A missing score has no rank and takes part in no comparison. Ranks in a task count the models with a
score in that task. Means and medians of a model are over the tasks in which it has a score.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata


@dataclass(frozen=True)
class Scores:
    """A table of scores.

    Attributes
    ----------
    tasks : tuple of str
        Names of the rows.
    metrics : tuple of str
        The metric of each task, for example "top1_acc". "" if it is not known.
    models : tuple of str
        Names of the columns.
    values : np.ndarray [shape=(n_tasks, n_models)]
        The scores, NaN for missing ones.
    """

    tasks: tuple[str, ...]
    metrics: tuple[str, ...]
    models: tuple[str, ...]
    values: np.ndarray

    def of(self, model: str) -> np.ndarray:
        """Return the scores of one model.

        Returns
        -------
        np.ndarray [shape=(n_tasks,)]
        """
        return self.values[:, self.models.index(model)]

    def sorted_by_mean_rank(self) -> "Scores":
        """Return the same scores with the models ordered by mean rank, the best first."""
        order = order_by_mean_rank(self.values)
        models = tuple(self.models[index] for index in order)
        return Scores(self.tasks, self.metrics, models, self.values[:, order])


def ranks(scores: np.ndarray) -> np.ndarray:
    """Rank the models in each task. The best has rank 1.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_tasks, n_models)]

    Returns
    -------
    np.ndarray [shape=(n_tasks, n_models)]
        One plus the number of better models. Equal scores share the mean of their ranks: 1, 2.5,
        2.5, 4. NaN for a missing score.
    """
    return rankdata(-scores, axis=1, nan_policy="omit")


def best_in_task(scores: np.ndarray) -> np.ndarray:
    """Return which models have the best score of a task. Several do if their scores are equal.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_tasks, n_models)]

    Returns
    -------
    np.ndarray of bool [shape=(n_tasks, n_models)]
    """
    return scores == np.fmax.reduce(scores, axis=1, keepdims=True)


def wins(scores: np.ndarray) -> np.ndarray:
    """Count the tasks in which each model has the best score, alone or shared.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_tasks, n_models)]

    Returns
    -------
    np.ndarray of int [shape=(n_models,)]
    """
    return best_in_task(scores).sum(axis=0)


def pairwise_wins(scores: np.ndarray) -> np.ndarray:
    """Count the tasks in which one model beats another. An equal score is half a win for each.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_tasks, n_models)]

    Returns
    -------
    np.ndarray [shape=(n_models, n_models)]
        Wins of the model of the row over the model of the column. The sum with the transposed
        matrix is `n_common_tasks`.
    """
    row, column = scores[:, :, None], scores[:, None, :]
    return np.sum(row > column, axis=0) + np.sum(row == column, axis=0) / 2


def n_common_tasks(scores: np.ndarray) -> np.ndarray:
    """Count for each pair of models the tasks in which both have a score.

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
    """Return the mean of scores or ranks over the tasks of each model, NaN if it has none.

    Parameters
    ----------
    values : np.ndarray [shape=(n_tasks, n_models)]

    Returns
    -------
    np.ndarray [shape=(n_models,)]
    """
    return _over_tasks(np.mean, values)


def median_over_tasks(values: np.ndarray) -> np.ndarray:
    """Return the median of scores or ranks over the tasks of each model, NaN if it has none.

    Parameters
    ----------
    values : np.ndarray [shape=(n_tasks, n_models)]

    Returns
    -------
    np.ndarray [shape=(n_models,)]
    """
    return _over_tasks(np.median, values)


def order_by_mean_rank(scores: np.ndarray) -> np.ndarray:
    """Order the models by mean rank, the best first. Models without any score come last.

    Parameters
    ----------
    scores : np.ndarray [shape=(n_tasks, n_models)]

    Returns
    -------
    np.ndarray of int [shape=(n_models,)]
        Indices of models. Models of equal mean rank keep their order.
    """
    return np.argsort(mean_over_tasks(ranks(scores)), kind="stable")


def _over_tasks(statistic: Callable, values: np.ndarray) -> np.ndarray:
    # nanmean and nanmedian of NumPy warn if a model has no score
    columns = [column[~np.isnan(column)] for column in values.T]
    return np.array([statistic(column) if column.size else np.nan for column in columns])
