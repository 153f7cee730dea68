"""Reading tasks in HEAR's format: clips, their answers, and which splits train and test."""

from __future__ import annotations

import csv
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .dataset import Clip, Dataset, DatasetError
from .folds import Fold, Split

__all__ = ["TaskFolder", "find_tasks", "is_task", "read_task"]

METADATA = "task_metadata.json"


@dataclass(frozen=True)
class TaskFolder:
    """A task in HEAR's format.

    Attributes
    ----------
    path : Path
    metadata : dict
        ``task_metadata.json``.
    labels : tuple of str
        The label vocabulary, in order.
    answers : dict of str to dict
        For each split, the answer to each clip by its file name: labels, or events.
    """

    path: Path
    metadata: dict[str, Any]
    labels: tuple[str, ...]
    answers: dict[str, dict[str, list[Any]]]

    @property
    def name(self) -> str:
        """The task's name."""
        return str(self.metadata["task_name"])

    @property
    def metric(self) -> str:
        """The metric of `Dataset`."""
        if self.metadata["embedding_type"] == "event":
            return "onset F"
        return "accuracy" if self.metadata["prediction_type"] == "multiclass" else "mAP"

    def limited(self, share: float, seed: int = 0) -> TaskFolder:
        """Keep a share of each split's clips, drawn at random, at least one."""
        rng = np.random.default_rng(seed)
        kept = {}
        for split, answers in self.answers.items():
            names = list(answers)
            count = max(1, round(share * len(names)))
            chosen = np.sort(rng.permutation(len(names))[:count])
            kept[split] = {names[i]: answers[names[i]] for i in chosen}
        return dataclasses.replace(self, answers=kept)

    def dataset(self) -> Dataset:
        """Return the clips of all splits, in order, and the task's folds.

        Raises
        ------
        DatasetError
            If there is no audio, or an answer is not in the label vocabulary.
        """
        folders = {int(p.name): p for p in self.path.iterdir() if p.name.isdecimal()}
        if not folders:
            raise DatasetError(f"{self.path} contains no folder of audio, such as 48000.")
        clips = tuple(
            Clip(
                f"{split}/{name}",
                {rate: folder / split / name for rate, folder in folders.items()},
                tuple(answer),
                f"{split}/{name}",
            )
            for split, answers in self.answers.items()
            for name, answer in answers.items()
        )
        self._check_labels(clips)
        tolerance = 0.0
        if self.metric == "onset F":
            tolerance = float(self.metadata["evaluation"][0].split("_")[2].removesuffix("ms"))
        return Dataset(self.name, self.labels, clips, self._folds(), self.metric, tolerance)

    def _check_labels(self, clips: tuple[Clip, ...]) -> None:
        of_events = self.metric == "onset F"
        used = {str(a["label"] if of_events else a) for clip in clips for a in clip.answer}
        if unknown := used.difference(self.labels):
            raise DatasetError(
                f"{self.path}: the label vocabulary lacks {', '.join(sorted(unknown))}."
            )

    def _folds(self) -> tuple[Fold, ...]:
        """Return one fold, or one for each split: score on split i, choose on split i + 1."""
        ends = np.cumsum([len(answers) for answers in self.answers.values()])
        numbers = [
            np.arange(end - len(answers), end)
            for end, answers in zip(ends, self.answers.values(), strict=True)
        ]
        if self.metadata["split_mode"] == "trainvaltest":
            train, valid, test = (numbers[list(self.answers).index(s)] for s in _FIXED_SPLITS)
            return (Fold((Split(train, valid),), test),)
        n = len(numbers)
        return tuple(
            Fold(
                (
                    Split(
                        np.concatenate([numbers[k] for k in range(n) if k not in (i, (i + 1) % n)]),
                        numbers[(i + 1) % n],
                    ),
                ),
                numbers[i],
            )
            for i in range(n)
        )


_FIXED_SPLITS = ("train", "valid", "test")


def is_task(folder: Path) -> bool:
    """Return whether a folder is a task in HEAR's format."""
    return (folder / METADATA).is_file()


def find_tasks(folder: Path) -> list[Path]:
    """Return the folders of tasks in a folder, by name, without hidden ones."""
    return sorted(
        path.parent for path in folder.glob(f"*/{METADATA}") if not path.parent.name.startswith(".")
    )


def read_task(path: Path) -> TaskFolder:
    """Read a task in HEAR's format.

    Parameters
    ----------
    path : Path
        The folder with ``task_metadata.json``.

    Returns
    -------
    TaskFolder

    Raises
    ------
    DatasetError
        If something of the format is missing or cannot be read.
    """
    try:
        metadata = json.loads((path / METADATA).read_text(encoding="utf-8"))
        with (path / "labelvocabulary.csv").open(encoding="utf-8", newline="") as file:
            rows = sorted(csv.DictReader(file), key=lambda row: int(row["idx"]))
        answers = {
            split: json.loads((path / f"{split}.json").read_text("utf-8"))
            for split in metadata["splits"]
        }
        return TaskFolder(path, metadata, tuple(row["label"] for row in rows), answers)
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(f"{path} is not a task in HEAR's format: {error!r}") from error
