"""Labelled recordings → a task in HEAR's format."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..audio.files import resample
from ..errors import OptionError
from ..labelled.dataset import Clip, Dataset, DatasetError
from ..labelled.task_folders import CLIPS, FIXED_SPLITS, read_task
from ..version import __version__
from .folders import is_written, task_folder, write_answers, write_sound
from .task import TaskError

__all__ = ["DIVISIONS", "HEAR_RATES", "Written", "labels_not_trained_on", "make_task_from"]

HEAR_RATES = (16_000, 22_050, 32_000, 44_100, 48_000)
"""The rates that models of HEAR 2021 may ask for [Hz]."""

DIVISIONS = ("folds", "trainvaltest")

_NAME = re.compile(r"[a-z0-9_]+")

_READ_AS_MISSING = frozenset(
    ["#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"]
) | frozenset(["<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"])
"""heareval reads the label vocabulary with pandas, which takes these texts for missing values."""


@dataclass(frozen=True)
class Written:
    """What became of a task.

    Attributes
    ----------
    path : Path
        The task's folder.
    n_clips : int
        Clips in it.
    was_there : bool
        Whether the folder existed, with the same task in it.
    left_out : dict of str to str
        The clips that could not be read, by name, and why.
    clipped : tuple of str
        The clips with samples outside [-1, 1], which are limited to it.
    """

    path: Path
    n_clips: int
    was_there: bool = False
    left_out: Mapping[str, str] = field(default_factory=dict)
    clipped: tuple[str, ...] = ()


def make_task_from(
    dataset: Dataset,
    folder: Path,
    name: str,
    sample_rates: Sequence[int] = HEAR_RATES,
    division: str = "folds",
    progress: Callable[[], object] = lambda: None,
) -> Written:
    """Write labelled recordings as a task in HEAR's format.

    The task has one label for each clip (scored by accuracy), or events in time (scored by F of
    onsets within 200 ms). Groups are never in two splits. The task's folder gets its name when it
    is complete. An existing folder with the same task is kept.

    Parameters
    ----------
    dataset : Dataset
        From `labelled.reading.read_dataset`, but no task.
    folder : Path
        Folder of the task's folder. It is made if it is missing.
    name : str
        Of lower-case letters, digits and ``_``.
    sample_rates : sequence of int
        Each clip is written at each of them [Hz], as 16-bit mono WAV.
    division : str
        ``folds``: the dataset's folds, for cross-validation. ``trainvaltest``: the first fold is
        the test split, the second one the validation split, and the rest is trained on.
    progress : callable
        Called after each clip.

    Returns
    -------
    Written

    Raises
    ------
    OptionError
        If the name, a rate or the division is wrong.
    DatasetError
        If heareval would misread a label.
    TaskError
        If the folder cannot be written to, holds something else, or a split would be empty.
    """
    _check_options(name, sample_rates, division)
    _check_labels(dataset)
    splits = _splits(dataset, division)
    metadata = _metadata(dataset, name, sample_rates, division, list(splits))
    path = folder / f"{name}-v1-full"
    if is_written(path, metadata):
        found = read_task(path)
        n_clips = sum(map(len, found.answers.values()))
        return Written(path, n_clips, was_there=True, left_out=found.metadata["left_out"])
    with task_folder(path, metadata) as partial:
        for rate in sample_rates:
            for split in splits:
                (partial / str(rate) / split).mkdir(parents=True)
        files = {
            (split, _file_name(number, dataset.clips[number])): dataset.clips[number]
            for split, numbers in splits.items()
            for number in numbers
        }
        sounds = _write_sounds(partial, files, sample_rates, progress)
        kept = {key: clip for key, clip in files.items() if not sounds[key].failure}
        answers = {
            split: {file: list(clip.answer) for (own, file), clip in kept.items() if own == split}
            for split in splits
        }
        left_out = {
            files[key].name: sound.failure for key, sound in sounds.items() if sound.failure
        }
        if empty := [split for split, own in answers.items() if not own]:
            name_of_first, failure = next(iter(left_out.items()))
            raise TaskError(
                f"no clip of {', '.join(empty)} could be read, so there is no task. "
                f"The first one, {name_of_first}: {failure}"
            )
        duration = _common_duration([sounds[key] for key in kept], sample_rates)
        whole = {**metadata, "sample_duration": duration, "left_out": left_out}
        write_answers(partial, whole, dataset.labels, answers)
        _write_clips_table(partial / CLIPS, kept)
    clipped = tuple(files[key].name for key, sound in sounds.items() if sound.clipped)
    return Written(path, len(kept), left_out=left_out, clipped=clipped)


def _check_options(name: str, sample_rates: Sequence[int], division: str) -> None:
    if not _NAME.fullmatch(name):
        raise OptionError(
            "The name of a task has lower-case letters, digits and _ alone, such as bird_calls. "
            f"Received: {name!r}"
        )
    if not sample_rates or min(sample_rates) < 1000 or max(sample_rates) > 192_000:
        raise OptionError(
            "Sample rates are 1000 to 192000 Hz. Received: "
            + (", ".join(map(str, sample_rates)) or "none")
        )
    if division not in DIVISIONS:
        raise OptionError(f"The division is one of {DIVISIONS}. Received: {division!r}")


def _check_labels(dataset: Dataset) -> None:
    """Refuse labels that heareval's reader would turn into something else."""
    lost = [label for label in dataset.labels if label in _READ_AS_MISSING]
    if all(map(_is_number, dataset.labels)):
        # a column of numbers: 01 would become 1
        lost += [label for label in dataset.labels if not re.fullmatch(r"0|-?[1-9]\d*", label)]
    if all(label.lower() in ("true", "false") for label in dataset.labels):
        lost += [label for label in dataset.labels if label not in ("True", "False")]
    if lost:
        raise DatasetError(
            f"{dataset.name}: heareval would misread the label {lost[0]!r}, because it takes the "
            "labels for numbers, truth values or missing values. Rename it, such as "
            f"'label_{lost[0]}'."
        )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _splits(dataset: Dataset, division: str) -> dict[str, list[int]]:
    """Return the numbers of the clips of each split."""
    folds = [fold.test.tolist() for fold in dataset.folds]
    if division == "folds":
        return {f"fold{i:02d}": numbers for i, numbers in enumerate(folds)}
    test, valid, *rest = folds
    train = sorted(number for numbers in rest for number in numbers)
    return dict(zip(FIXED_SPLITS, (train, valid, test), strict=True))


def labels_not_trained_on(dataset: Dataset, division: str) -> list[str]:
    """Return the labels that some training split of a task lacks, because they have few groups."""
    splits = list(_splits(dataset, division).values())
    targets = np.stack([_counts(dataset, numbers) for numbers in splits])
    if division == "trainvaltest":
        trained = targets[:1]
    else:  # heareval scores on one fold and chooses on the next
        trained = targets.sum(axis=0) - targets - np.roll(targets, -1, axis=0)
    return [dataset.labels[i] for i in np.flatnonzero((trained == 0).any(axis=0))]


def _counts(dataset: Dataset, numbers: Sequence[int]) -> np.ndarray:
    """Return how many of the clips have each label."""
    answers = [dataset.clips[number].answer for number in numbers]
    given = [str(a["label"] if dataset.of_events else a) for answer in answers for a in answer]
    return np.array([given.count(label) for label in dataset.labels])


def _metadata(
    dataset: Dataset, name: str, sample_rates: Sequence[int], division: str, splits: list[str]
) -> dict[str, Any]:
    """Return what task_metadata.json says before the clips are read."""
    k_fold = {"split_mode": "new_split_kfold", "nfolds": len(splits)}
    return {
        "task_name": name,
        "version": "v1",
        "mode": "full",
        "embedding_type": "event" if dataset.of_events else "scene",
        "prediction_type": "multilabel" if dataset.of_events else "multiclass",
        **(k_fold if division == "folds" else {"split_mode": "trainvaltest"}),
        "splits": splits,
        "evaluation": ["event_onset_200ms_fms", "segment_1s_er"]
        if dataset.of_events
        else ["top1_acc"],
        "made_from": {
            "version": __version__,
            "recordings": dataset.digest(),
            "sample_rates": list(sample_rates),
        },
    }


def _file_name(number: int, clip: Clip) -> str:
    """Return a name that no other clip has, and that tells a reader which clip it is."""
    stem = re.sub(r"[^A-Za-z0-9]+", "-", Path(clip.name).stem).strip("-")[:40]
    return f"{number:05d}-{stem}.wav" if stem else f"{number:05d}.wav"


@dataclass(frozen=True)
class _Sound:
    """What became of a clip: the samples of its file and their rate, or why there are none."""

    n_samples: int = 0
    sample_rate: int = 0
    clipped: bool = False
    failure: str = ""


Files = Mapping[tuple[str, str], Clip]
"""Clips by split and file name."""


def _write_sounds(
    folder: Path, files: Files, sample_rates: Sequence[int], progress: Callable[[], object]
) -> dict[tuple[str, str], _Sound]:
    """Write each clip at each rate. A clip that cannot be read is left out."""

    def write(key: tuple[str, str], clip: Clip) -> _Sound:
        split, file = key
        try:
            waveform, own_rate = clip.read()
            _check_events(clip, len(waveform) / own_rate)
            sounds = {rate: resample(waveform, own_rate, rate) for rate in sample_rates}
        except Exception as error:  # whatever a file is, it costs itself alone
            return _Sound(failure=str(error) or type(error).__name__)
        for rate, samples in sounds.items():
            write_sound(folder / str(rate) / split / file, np.clip(samples, -1, 1), rate)
        return _Sound(len(waveform), own_rate, bool(np.abs(waveform).max() > 1))

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        futures = {pool.submit(write, key, clip): key for key, clip in files.items()}
        try:
            for future in as_completed(futures):
                future.result()
                progress()
        finally:
            pool.shutdown(cancel_futures=True)
    return {key: future.result() for future, key in futures.items()}


def _check_events(clip: Clip, seconds: float) -> None:
    late = [event for event in clip.answer if isinstance(event, dict)]
    late = [event for event in late if event["start"] >= 1000 * seconds]
    if late:
        raise DatasetError(
            f"{clip.name} lasts {seconds:.3f} s, and the event {late[0]['label']!r} is said to "
            f"begin at {late[0]['start'] / 1000:.3f} s."
        )


def _common_duration(sounds: Sequence[_Sound], sample_rates: Sequence[int]) -> float | None:
    """Return the length of all clips [s]; None if they have different lengths at some rate."""
    lengths = {
        tuple(-(-sound.n_samples * rate // sound.sample_rate) for rate in sample_rates)
        for sound in sounds
    }
    if len(lengths) > 1:
        return None
    return round(sounds[0].n_samples / sounds[0].sample_rate, 6)


def _write_clips_table(path: Path, files: Files) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("split", "file", "group", "source"))
        writer.writerows(
            (split, name, clip.group, clip.name) for (split, name), clip in files.items()
        )
