"""The published scores: the leaderboard of HEAR."""

import csv
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from .scores import Scores

SOURCE = "hearbenchmark/hear-leaderboard on GitHub, leaderboard.csv"

# the two models of the leaderboard that this package reimplements
OPENL3 = "OpenL3"
YAMNET = "Soundsensing YAMNet"

_FIRST_MODEL = 3  # after the columns task, folder and metric


@dataclass(frozen=True)
class Leaderboard:
    """The published scores.

    Attributes
    ----------
    scores : Scores
        19 tasks, 34 models.
    folders : tuple of str
        The name of each task's folder in heareval. "" for Beehive: heareval runs it as two tasks,
        and the leaderboard has one score.
    """

    scores: Scores
    folders: tuple[str, ...]

    def score(self, model: str, folder: str) -> float:
        """Return the score of a model in a task.

        Parameters
        ----------
        model : str
            For example `OPENL3` or `YAMNET`.
        folder : str
            The folder of the task, for example "esc50-v2.0.0-full".

        Returns
        -------
        float
            NaN if the model has no score, or if the task is not one of HEAR.
        """
        if not folder or folder not in self.folders:
            return float("nan")
        return float(self.scores.of(model)[self.folders.index(folder)])


def load_leaderboard() -> Leaderboard:
    """Read the published scores. Their file comes with the package.

    Returns
    -------
    Leaderboard
    """
    text = (files(__package__) / "leaderboard.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    header, *rows = csv.reader(lines)
    values = [[float(cell) if cell else np.nan for cell in row[_FIRST_MODEL:]] for row in rows]
    tasks, folders, metrics = zip(*(row[:_FIRST_MODEL] for row in rows), strict=True)
    return Leaderboard(
        Scores(tasks, metrics, tuple(header[_FIRST_MODEL:]), np.array(values)), folders
    )
