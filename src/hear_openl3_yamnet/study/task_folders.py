"""Reading tasks in HEAR's format: clips, their answers, and which splits train and test."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.files import load_audio
from ..errors import HearError

__all__ = ["Clip", "Fold", "TaskFolder", "TaskFolderError", "find_tasks", "read_task"]

METADATA = "task_metadata.json"


class TaskFolderError(HearError, ValueError):
    """A folder is no task in HEAR's format."""


@dataclass(frozen=True)
class Clip:
    """A clip's file name, and its answer: labels, or events ``{"label", "start", "end"}`` [ms]."""

    file: str
    answer: list[Any]


@dataclass(frozen=True)
class Fold:
    """The splits to train on, the one to choose on, and the one to score on."""

    train: tuple[str, ...]
    valid: str
    test: str


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
    clips : dict of str to tuple of Clip
        The clips of each split.
    """

    path: Path
    metadata: dict[str, Any]
    labels: tuple[str, ...]
    clips: dict[str, tuple[Clip, ...]]

    @property
    def name(self) -> str:
        """The task's name."""
        return str(self.metadata["task_name"])

    @property
    def of_events(self) -> bool:
        """Whether events are to be found in time, not whole clips to be labelled."""
        return self.metadata["embedding_type"] == "event"

    @property
    def exclusive(self) -> bool:
        """Whether a clip has exactly one label."""
        return self.metadata["prediction_type"] == "multiclass"

    @property
    def folds(self) -> list[Fold]:
        """One fold, or as many as there are splits: test on fold i, choose on fold i + 1."""
        splits = list(self.clips)
        if self.metadata["split_mode"] == "trainvaltest":
            return [Fold(("train",), "valid", "test")]
        n = len(splits)
        return [
            Fold(
                tuple(splits[k] for k in range(n) if k not in (i, (i + 1) % n)),
                splits[(i + 1) % n],
                splits[i],
            )
            for i in range(n)
        ]

    def limited(self, part: float, seed: int = 0) -> TaskFolder:
        """Keep a part of each split's clips, drawn at random, at least one."""
        rng = np.random.default_rng(seed)
        kept = {}
        for split, clips in self.clips.items():
            count = max(1, round(part * len(clips)))
            chosen = np.sort(rng.permutation(len(clips))[:count])
            kept[split] = tuple(clips[i] for i in chosen)
        return dataclasses.replace(self, clips=kept)

    def audio(self, split: str, clip: Clip, sample_rate: int) -> np.ndarray:
        """Read a clip [shape=(n_samples,), dtype=float32] at the rate asked for [Hz].

        From the folder of that rate where there is one, else from that of the highest rate.
        """
        return load_audio(self._file(split, clip, sample_rate), sample_rate)

    def seconds(self) -> float:
        """Return how long all clips are together."""
        import soundfile

        return sum(
            soundfile.info(self._file(split, clip)).duration
            for split, clips in self.clips.items()
            for clip in clips
        )

    def digest(self) -> str:
        """Return the SHA-256 of the labels, the answers and the sounds, as hex."""
        digest = hashlib.sha256(json.dumps([self.metadata, self.labels]).encode())
        for split, clips in self.clips.items():
            for clip in clips:
                digest.update(json.dumps([split, clip.file, clip.answer]).encode())
                digest.update(self._file(split, clip).read_bytes())
        return digest.hexdigest()

    def targets(self, split: str) -> np.ndarray:
        """Return which labels each clip has [shape=(n_clips, n_labels), dtype=float32]."""
        place = {label: i for i, label in enumerate(self.labels)}
        targets = np.zeros((len(self.clips[split]), len(self.labels)), np.float32)
        for row, clip in zip(targets, self.clips[split], strict=True):
            for label in clip.answer:
                row[place[str(label)]] = 1
        return targets

    def _file(self, split: str, clip: Clip, sample_rate: int = 0) -> Path:
        rates = sorted(int(path.name) for path in self.path.iterdir() if path.name.isdecimal())
        rate = sample_rate if sample_rate in rates else rates[-1]
        return self.path / str(rate) / split / clip.file


def find_tasks(folder: Path) -> list[Path]:
    """Return the tasks' folders in a folder, by name; hidden ones do not count."""
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
    TaskFolderError
        If something of the format is missing or cannot be read.
    """
    try:
        metadata = json.loads((path / METADATA).read_text(encoding="utf-8"))
        with (path / "labelvocabulary.csv").open(encoding="utf-8", newline="") as file:
            rows = sorted(csv.DictReader(file), key=lambda row: int(row["idx"]))
        clips = {
            split: tuple(
                Clip(name, answer)
                for name, answer in json.loads((path / f"{split}.json").read_text("utf-8")).items()
            )
            for split in metadata["splits"]
        }
        labels = tuple(row["label"] for row in rows)
        return TaskFolder(path, metadata, labels, clips)
    except (OSError, ValueError, KeyError) as error:
        raise TaskFolderError(f"{path} is no task in HEAR's format: {error!r}") from error
