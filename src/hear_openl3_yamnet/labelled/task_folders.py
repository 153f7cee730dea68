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
from .folds import Fold, Split, rotating_folds

__all__ = [
    "CLIPS",
    "FIXED_SPLITS",
    "METADATA",
    "VOCABULARY",
    "TaskFolder",
    "find_tasks",
    "is_task",
    "read_task",
]

METADATA = "task_metadata.json"
VOCABULARY = "labelvocabulary.csv"
CLIPS = "clips.csv"
"""Of tasks made of recordings: the group and the source of each clip. heareval does not read it."""


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
    groups : dict of (str, str) to str
        The group of a clip by split and file name. Where there is none, the clip is a group of
        its own.
    """

    path: Path
    metadata: dict[str, Any]
    labels: tuple[str, ...]
    answers: dict[str, dict[str, list[Any]]]
    groups: dict[tuple[str, str], str] = dataclasses.field(default_factory=dict)

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
                self.groups.get((split, name), f"{split}/{name}"),
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
        """Return one fold, or one for each split."""
        counts = [len(answers) for answers in self.answers.values()]
        split_of_clip = np.repeat(np.arange(len(counts)), counts)
        if self.metadata["split_mode"] != "trainvaltest":
            return rotating_folds(split_of_clip)
        splits = list(self.answers)
        train, valid, test = (
            np.flatnonzero(split_of_clip == splits.index(split)) for split in FIXED_SPLITS
        )
        return (Fold((Split(train, valid),), test),)


FIXED_SPLITS = ("train", "valid", "test")


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
        with (path / VOCABULARY).open(encoding="utf-8", newline="") as file:
            rows = sorted(csv.DictReader(file), key=lambda row: int(row["idx"]))
        answers = {
            split: json.loads((path / f"{split}.json").read_text("utf-8"))
            for split in metadata["splits"]
        }
        labels = tuple(row["label"] for row in rows)
        return TaskFolder(path, metadata, labels, answers, _read_groups(path / CLIPS))
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(f"{path} is not a task in HEAR's format: {error!r}") from error


def _read_groups(path: Path) -> dict[tuple[str, str], str]:
    if not path.exists():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {(row["split"], row["file"]): row["group"] for row in csv.DictReader(file)}
