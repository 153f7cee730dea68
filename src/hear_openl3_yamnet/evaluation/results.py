"""Reading the results of heareval: ``embeddings/MODEL/TASK/test.predicted-scores.json``."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import HearError
from .scores import Scores

FILE_NAME = "test.predicted-scores.json"


class ResultsError(HearError, ValueError):
    """Results of heareval are missing, damaged, or exist twice."""


@dataclass(frozen=True)
class Result:
    """One model's score in one task.

    Attributes
    ----------
    model, task : str
        The names of the two folders that hold the file.
    metric : str
        Name of the metric, for example "top1_acc". "" if the file does not say it.
    score : float
        The score of the test split, or its mean over the folds. NaN if heareval wrote NaN or
        Infinity, which are not values of HEAR's metrics.
    path : Path
        The file.
    """

    model: str
    task: str
    metric: str
    score: float
    path: Path


def find_results(folders: Iterable[Path]) -> list[Path]:
    """Find the files with scores that heareval wrote.

    Parameters
    ----------
    folders : iterable of Path
        Folders with such files at any depth: ``embeddings`` of heareval, or the folder of a model
        or of a task in it.

    Returns
    -------
    list of Path
        In the order of `folders` and of names. Each file is listed once.

    Raises
    ------
    ResultsError
        If a folder does not exist, or has no such file.
    """
    found: dict[Path, None] = {}
    for folder in folders:
        if not folder.is_dir():
            raise ResultsError(f"{folder}: no such folder. Expected an output folder of heareval.")
        paths = sorted(folder.resolve().rglob(FILE_NAME))
        if not paths:
            raise ResultsError(
                f"{folder}: no {FILE_NAME} in it or in its subfolders. "
                "heareval.predictions.runner writes one for each task. Has it run?"
            )
        found.update(dict.fromkeys(paths))
    return list(found)


def read_result(path: Path) -> Result:
    """Read one file of scores.

    Parameters
    ----------
    path : Path
        ``…/MODEL/TASK/test.predicted-scores.json``. Scores are under ``test``. Those of k-fold
        tasks are under ``aggregated_scores``, with names that end in ``_mean``.

    Returns
    -------
    Result

    Raises
    ------
    ResultsError
        If the file cannot be read, is not valid JSON, or has no score where heareval writes it.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise ResultsError(f"{path}: not valid JSON ({error}).") from error
    scores, ending = _test_scores(content)
    score = scores.get(f"test_score{ending}")
    if not isinstance(score, int | float) or isinstance(score, bool):
        raise ResultsError(
            f"{path}: expected a number test_score under test, or test_score_mean under "
            f"aggregated_scores. Received: {', '.join(scores) or type(content).__name__}"
        )
    score = float(score) if math.isfinite(score) else math.nan
    task = path.resolve().parent
    return Result(task.parent.name, task.name, _metric(scores, ending), score, path)


def tabulate(results: Iterable[Result]) -> Scores:
    """Return the results as a table, with NaN for missing ones.

    Parameters
    ----------
    results : iterable of Result
        At least one.

    Returns
    -------
    Scores
        Tasks are ordered by name, models by mean rank.

    Raises
    ------
    ResultsError
        If one model has two results in one task.
    """
    by_place: dict[tuple[str, str], Result] = {}
    for result in results:
        first = by_place.setdefault((result.task, result.model), result)
        if first is not result:
            raise ResultsError(
                f"{result.model} has two results in {result.task}: {first.path} and {result.path}. "
                "Rename one of the two models' folders."
            )
    tasks = tuple(sorted({task for task, _ in by_place}))
    models = tuple(dict.fromkeys(model for _, model in by_place))
    values = np.full((len(tasks), len(models)), np.nan)
    metrics = dict.fromkeys(tasks, "")
    for (task, model), result in by_place.items():
        values[tasks.index(task), models.index(model)] = result.score
        metrics[task] = metrics[task] or result.metric
    return Scores(tasks, tuple(metrics.values()), models, values).sorted_by_mean_rank()


def _test_scores(content: object) -> tuple[dict, str]:
    """Return the scores of the test split or of all folds, and the ending of their names."""
    if isinstance(content, dict):
        for key, ending in [("test", ""), ("aggregated_scores", "_mean")]:
            if isinstance(content.get(key), dict):
                return content[key], ending
    return {}, ""


def _metric(scores: dict, ending: str) -> str:
    """Return the name of the metric. heareval writes the score a second time under that name."""
    score = scores[f"test_score{ending}"]
    for name, value in scores.items():
        if name.startswith("test_") and name.endswith(ending) and value == score:
            metric = name.removeprefix("test_").removesuffix(ending)
            if metric not in ("score", "loss"):
                return metric
    return ""
