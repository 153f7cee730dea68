"""The folder of a task in HEAR's format: what it holds, and whether it is there already."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import HearError
from ..files import partials_of, remove, written_whole
from ..labelled.task_folders import METADATA, VOCABULARY
from .task import Answer, TaskError

__all__ = ["is_written", "task_folder", "write_answers", "write_sound"]

_LEFT_OVER_AFTER = 86_400  # s: no task takes a day to write


@contextmanager
def task_folder(path: Path, metadata: Mapping[str, Any]) -> Iterator[Path]:
    """Write a task's folder, which gets its name when it is complete.

    Parameters
    ----------
    path : Path
        Its final name. The folders above it are made.
    metadata : mapping
        As `is_written` takes them.

    Yields
    ------
    Path
        The temporary name.

    Raises
    ------
    TaskError
        If it cannot be written. It is no error if another process has written the same task
        meanwhile.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path)
        with written_whole(path) as partial:
            yield partial
    except HearError:
        raise
    except OSError as error:
        if not is_written(path, metadata):
            raise TaskError(f"cannot write {path}: {error.strerror or error}.") from error


def _remove_leftovers(path: Path) -> None:
    """Remove the partial folders of a task that killed runs have left."""
    for partial in partials_of(path):
        if time.time() - partial.stat().st_mtime > _LEFT_OVER_AFTER:
            remove(partial)


def is_written(path: Path, metadata: Mapping[str, Any]) -> bool:
    """Return whether a folder exists and holds the task with this metadata.

    Raises
    ------
    TaskError
        If something else has that name.
    """
    if not path.exists():
        return False
    try:
        found = json.loads((path / METADATA).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TaskError(
            f"{path} is in the way: it is not a task that this command has finished. "
            "Delete it, or name another folder."
        ) from error
    if differing := [key for key in metadata if found.get(key) != metadata[key]]:
        differences = "; ".join(
            f"{key} {json.dumps(found.get(key))}, not {json.dumps(metadata[key])}"
            for key in differing
        )
        raise TaskError(
            f"{path} holds another task ({differences}). Delete it, or name another folder."
        )
    return True


def write_sound(path: Path, samples: np.ndarray, sample_rate: int) -> None:
    """Write a clip as 16-bit WAV.

    Raises
    ------
    TaskError
        If it cannot be written.
    """
    import soundfile

    try:
        soundfile.write(path, samples, sample_rate, subtype="PCM_16")
    except soundfile.LibsndfileError as error:
        raise TaskError(f"cannot write {path}: {error.error_string}") from error


def write_answers(
    folder: Path,
    metadata: Mapping[str, Any],
    labels: Sequence[str] | Sequence[int],
    answers: Mapping[str, Mapping[str, Answer]],
) -> None:
    """Write the metadata, the label vocabulary, and the answers of each split by file name."""
    with (folder / VOCABULARY).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("idx", "label"))
        writer.writerows(enumerate(labels))
    for split, answers_of_split in answers.items():
        _write_json(folder / f"{split}.json", answers_of_split)
    _write_json(folder / METADATA, metadata)


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
