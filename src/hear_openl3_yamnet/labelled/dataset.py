"""The data of a study: labelled clips, and how they are divided."""

from __future__ import annotations

import functools
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.audio_file import AudioFile
from ..audio.files import resample
from ..audio.listing import Skipped
from ..errors import HearError
from .folds import Fold, fold_of_groups, nested_folds, rotating_folds

__all__ = ["ANY_RATE", "Clip", "Dataset", "DatasetError", "grouped"]

ANY_RATE = 0
"""Stands for the sample rate of a clip that has one file, of any rate."""

FEWEST_GROUPS = 3
"""One to train on, one to choose on, one to score on."""


class DatasetError(HearError, ValueError):
    """The labelled recordings are missing, incomplete or too few."""


@dataclass(frozen=True)
class Clip:
    """A labelled recording, or an excerpt of one.

    Attributes
    ----------
    name : str
        Its path, as its source has it.
    files : mapping of int to Path
        The file by sample rate [Hz]; `ANY_RATE` where there is one file.
    answer : tuple
        Its labels; or its events, ``{"label", "start", "end"}`` [ms].
    group : str
        If clips of a group are trained on, none of the group is scored on.
    start : float
        Seconds into the file.
    duration : float or None
        Seconds; None: up to the end of the file.
    """

    name: str
    files: Mapping[int, Path]
    answer: tuple[Any, ...]
    group: str
    start: float = 0.0
    duration: float | None = None

    def file(self, sample_rate: int = ANY_RATE) -> Path:
        """Return the file of a sample rate [Hz], or else that of the highest one."""
        return self.files.get(sample_rate) or self.files[max(self.files)]

    def audio(self, sample_rate: int) -> np.ndarray:
        """Read the clip [shape=(n_samples,), dtype=float32] at a sample rate [Hz].

        Raises
        ------
        AudioFileError
            As `read`.
        """
        waveform, own_rate = self.read(sample_rate)
        return resample(waveform, own_rate, sample_rate)

    def read(self, sample_rate: int = ANY_RATE) -> tuple[np.ndarray, int]:
        """Read the file of a sample rate: mono [shape=(n_samples,), dtype=float32], and its rate.

        Raises
        ------
        AudioFileError
            If the file cannot be read, or ends before the excerpt begins.
        """
        with AudioFile(self.file(sample_rate)) as file:
            file.skip(round(self.start * file.sample_rate))
            wanted = None if self.duration is None else round(self.duration * file.sample_rate)
            return file.read_mono(wanted), file.sample_rate

    def seconds(self) -> float:
        """Return its length.

        Raises
        ------
        AudioFileError
            If the file cannot be opened.
        """
        with AudioFile(self.file()) as file:
            n_samples = file.n_samples
            if n_samples is None:
                n_samples = len(file.read_mono())
        left = n_samples / file.sample_rate - self.start
        return left if self.duration is None else min(left, self.duration)

    def check(self) -> None:
        """Decode it, and keep nothing.

        Raises
        ------
        AudioFileError
            If the file cannot be read, or ends before the excerpt begins.
        """
        with AudioFile(self.file()) as file:
            file.skip(round(self.start * file.sample_rate))
            wanted = None if self.duration is None else round(self.duration * file.sample_rate)
            for _ in file.blocks(wanted):
                pass

    def digest(self, sample_rate: int = ANY_RATE) -> str:
        """Return the SHA-256 of the file's content and the excerpt's place, as hex.

        A file that cannot be read has no content here. What decodes it says so.
        """
        path = self.file(sample_rate)
        excerpt = f"{self.start} {self.duration} ".encode()
        try:
            content = _content_digest(path, path.stat().st_mtime_ns)
        except OSError:
            content = b""
        return hashlib.sha256(excerpt + content).hexdigest()


@functools.cache
def _content_digest(path: Path, changed: int) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled clips, and how they are divided.

    Attributes
    ----------
    name : str
    labels : tuple of str
        In the order of the targets' columns.
    clips : tuple of Clip
    folds : tuple of Fold
    metric : str
        ``accuracy``: a clip has one label. ``mAP``: any number of them. ``onset F``: events are
        found in time.
    tolerance_ms : float
        Largest difference between a found and a true onset. Only for events.
    unreadable : tuple of str
        For each clip that is left out because it cannot be read, its file and the cause.
    skipped : Skipped
        What else is in the folder.
    """

    name: str
    labels: tuple[str, ...]
    clips: tuple[Clip, ...]
    folds: tuple[Fold, ...]
    metric: str = "accuracy"
    tolerance_ms: float = 200.0
    unreadable: tuple[str, ...] = ()
    skipped: Skipped = field(default_factory=Skipped)

    @property
    def exclusive(self) -> bool:
        """Whether a clip has exactly one label."""
        return self.metric == "accuracy"

    @property
    def of_events(self) -> bool:
        """Whether events are found in time, instead of labels of whole clips."""
        return self.metric == "onset F"

    def targets(self) -> np.ndarray:
        """Return which labels each clip has [shape=(n_clips, n_labels), dtype=float32]."""
        return _targets([clip.answer for clip in self.clips], self.labels)

    def seconds(self) -> float:
        """Return the length of all clips together."""
        return sum(clip.seconds() for clip in self.clips)

    def digest(self) -> str:
        """Return the SHA-256 of the labels, the clips, their answers and the folds, as hex."""
        about: list[Any] = [self.metric, self.tolerance_ms, self.labels]
        about += [(clip.digest(), clip.answer, clip.group) for clip in self.clips]
        for fold in self.folds:
            splits = [(split.train.tolist(), split.valid.tolist()) for split in fold.inner]
            about.append((fold.test.tolist(), fold.train is None, splits))
        return hashlib.sha256(json.dumps(about).encode()).hexdigest()


def _targets(answers: Sequence[Sequence[Any]], labels: Sequence[str]) -> np.ndarray:
    place = {label: i for i, label in enumerate(labels)}
    targets = np.zeros((len(answers), len(labels)), np.float32)
    for row, answer in zip(targets, answers, strict=True):
        for label in answer:
            row[place[str(label)]] = 1
    return targets


def grouped(name: str, clips: Sequence[Clip], n_folds: int, *, of_events: bool = False) -> Dataset:
    """Divide clips of one label each, or with events, into folds of groups.

    Parameters
    ----------
    name : str
    clips : sequence of Clip
    n_folds : int
        At most one for each group.
    of_events : bool
        Whether the clips' answers are events. A fold then has one inner split, as in heareval.

    Raises
    ------
    DatasetError
        If there are fewer than two labels (or none, of events) or three groups, a label has clips
        of one group alone, or a clip is given twice.
    """
    _check_unique(clips)
    answers = [_labels_of(clip, of_events) for clip in clips]
    groups_of: dict[str, set[str]] = {}
    for clip, answer in zip(clips, answers, strict=True):
        for label in answer:
            groups_of.setdefault(label, set()).add(clip.group)
    labels = tuple(sorted(groups_of))
    if of_events and not labels:
        raise DatasetError(f"{name}: no file has an event.")
    if not of_events and len(labels) < 2:
        raise DatasetError(
            f"{name}: all clips have the label {labels[0]!r}. At least two labels are needed."
        )
    groups = {clip.group for clip in clips}
    if len(groups) < FEWEST_GROUPS:
        raise DatasetError(
            f"{name}: clips of at least {FEWEST_GROUPS} groups are needed, to train on, to "
            f"choose on and to score on. Received: {', '.join(sorted(groups))}"
        )
    _check_labels(name, Counter(label for answer in answers for label in answer), groups_of)
    fold_of_clip = fold_of_groups(
        [clip.group for clip in clips], _targets(answers, labels), min(n_folds, len(groups))
    )
    if of_events:
        folds = rotating_folds(fold_of_clip)
        return Dataset(name, labels, tuple(clips), folds, "onset F")
    return Dataset(name, labels, tuple(clips), nested_folds(fold_of_clip))


def _labels_of(clip: Clip, of_events: bool) -> list[str]:
    """Return a clip's labels, or those of its events, each once."""
    given = [answer["label"] if of_events else answer for answer in clip.answer]
    return list(dict.fromkeys(map(str, given)))


def _check_unique(clips: Sequence[Clip]) -> None:
    seen = Counter((clip.file(), clip.start, clip.duration) for clip in clips)
    (path, _, _), count = seen.most_common(1)[0]
    if count > 1:
        raise DatasetError(
            f"{path} is given {count} times. A clip that is trained on and scored on makes every "
            "score too high. Give each clip once."
        )


def _check_labels(name: str, counts: Mapping[str, int], groups_of: Mapping[str, set[str]]) -> None:
    few = [label for label, groups in groups_of.items() if len(groups) < 2]
    if few:
        listed = ", ".join(
            f"{label!r} ({counts[label]} clip{'s' * (counts[label] > 1)})" for label in sorted(few)
        )
        raise DatasetError(
            f"{name}: each label needs clips of at least two groups, one to train on and one to "
            "score on. Without groups, each file is a group. Add clips, or leave the label out. "
            f"Labels of one group: {listed}"
        )
