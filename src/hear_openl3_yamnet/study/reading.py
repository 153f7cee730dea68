"""Reading labelled recordings: a folder, a manifest, or a task in HEAR's format."""

from __future__ import annotations

import csv
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ..audio.files import AUDIO_SUFFIXES
from ..errors import OptionError, require
from .dataset import ANY_RATE, FEWEST_GROUPS, Clip, Dataset, DatasetError, grouped
from .task_folders import find_tasks, is_task, read_task

__all__ = ["N_FOLDS", "read_dataset"]

N_FOLDS = 5

MANIFESTS = (".csv", ".jsonl", ".parquet")

Row = dict[str, Any]


def read_dataset(
    source: str | os.PathLike,
    *,
    label: str | None = None,
    group: str | None = None,
    label_from: str | None = None,
    group_from: str | None = None,
    n_folds: int = N_FOLDS,
) -> Dataset:
    r"""Read labelled recordings, and divide them into folds.

    Parameters
    ----------
    source
        One of

        - a folder with one subfolder for each class, searched with all its subfolders;
        - a manifest: a ``.csv``, ``.jsonl`` or ``.parquet`` file with the columns ``path`` and
          ``label``, and optionally ``start`` and ``duration`` [s]. Paths are relative to its
          folder;
        - a task in HEAR's format: a folder with ``task_metadata.json``. It has its own splits.
    label, group : str, optional
        Columns of the manifest. `label` is ``label`` by default. Without a group, each file is a
        group of its own.
    label_from, group_from : str, optional
        Regular expressions with one capture, which is the label or the group. They are searched
        for in the clip's path below the folder (with ``/``), or as the manifest has it.
    n_folds : int
        Number of folds, at most one for each group.

    Returns
    -------
    Dataset

    Raises
    ------
    OptionError
        If an option is not valid, or cannot be combined with the source or another option.
    DatasetError
        If the source is missing, empty or damaged, a label is missing, or there are too few
        labels, groups or clips of a label.
    MissingExtraError
        If the manifest is Parquet and pyarrow is not installed.
    """
    path = Path(source)
    _check_options(path, label, group, label_from, group_from, n_folds)
    if is_task(path):
        return read_task(path).dataset()
    label_in, group_in = _finder("label_from", label_from), _finder("group_from", group_from)
    if path.is_dir():
        clips = list(_of_folder(path, label_in, group_in))
    elif path.is_file() and path.suffix.lower() in MANIFESTS:
        clips = list(_of_manifest(path, label or "label", group, label_in, group_in))
    else:
        raise DatasetError(
            f"{path}: there is no such folder and no such manifest ({', '.join(MANIFESTS)})."
        )
    return grouped(path.name or str(path), clips, n_folds)


def _check_options(
    path: Path,
    label: str | None,
    group: str | None,
    label_from: str | None,
    group_from: str | None,
    n_folds: int,
) -> None:
    """Check that the options of `read_dataset` fit the source and each other."""
    for name, column, pattern in (("label", label, label_from), ("group", group, group_from)):
        if column is not None and pattern is not None:
            raise OptionError(f"Give {name} or {name}_from, not both.")
    if n_folds < FEWEST_GROUPS:
        raise OptionError(
            f"n_folds must be at least {FEWEST_GROUPS}: one fold to score on, one to choose on, "
            f"one to train on. Received: n_folds={n_folds!r}"
        )
    if is_task(path) and any((label, group, label_from, group_from)):
        raise OptionError(f"{path} is a task in HEAR's format. It has its own labels and splits.")
    if path.is_dir() and (label or group):
        raise OptionError(f"{path} is a folder, and has no columns. Give label_from or group_from.")


Finder = Callable[[str], str]


def _finder(option: str, pattern: str | None) -> Finder | None:
    """Return what finds a pattern's capture in a clip's name."""
    if pattern is None:
        return None
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise OptionError(
            f"{option} is not a regular expression: {error}. Received: {pattern!r}"
        ) from error
    if compiled.groups != 1:
        raise OptionError(
            f"{option} must have one capture, such as '_([a-z]+)_'. Received: {pattern!r}"
        )

    def find(name: str) -> str:
        match = compiled.search(name)
        if not match or not match[1]:
            raise DatasetError(f"{option}={pattern!r} does not match {name}.")
        return match[1]

    return find


def _of_folder(folder: Path, label_in: Finder | None, group_in: Finder | None) -> Iterator[Clip]:
    names = sorted(_audio_below(folder))
    if not names:
        hint = ""
        if tasks := find_tasks(folder):
            hint = f" It contains tasks in HEAR's format; name one of them, such as {tasks[0]}."
        suffixes = " ".join(sorted(AUDIO_SUFFIXES))
        raise DatasetError(f"{folder} contains no audio files (by their names: {suffixes}).{hint}")
    for name in names:
        if label_in is None and "/" not in name:
            raise DatasetError(
                f"{name} is in no subfolder of {folder}, so its class is not known. Move it into "
                "the subfolder of its class, or give label_from."
            )
        label = label_in(name) if label_in else name.partition("/")[0]
        yield Clip(name, {ANY_RATE: folder / name}, (label,), group_in(name) if group_in else name)


def _audio_below(folder: Path) -> Iterator[str]:
    """Yield the audio files below a folder as paths from there, with slashes."""
    for place, subfolders, files in os.walk(folder, followlinks=True):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        for name in files:
            if Path(name).suffix.lower() in AUDIO_SUFFIXES and not name.startswith("."):
                yield Path(place, name).relative_to(folder).as_posix()


def _of_manifest(
    path: Path, label: str, group: str | None, label_in: Finder | None, group_in: Finder | None
) -> Iterator[Clip]:
    rows = _read_rows(path)
    _check_columns(
        path, rows, ["path", *([] if label_in else [label]), *([group] if group else [])]
    )
    for number, row in enumerate(rows, 1):
        name = _text(row["path"])
        file = path.parent / name
        if not file.is_file():
            raise DatasetError(f"{path}: row {number} names {file}, which is not a file.")
        start, duration = (_seconds(path, number, row, column) for column in _EXCERPT)
        yield Clip(
            f"{name}@{start:g}" if start else name,
            {ANY_RATE: file},
            (label_in(name) if label_in else _text(row[label]),),
            group_in(name) if group_in else _text(row[group]) if group else name,
            start or 0.0,
            duration,
        )


_EXCERPT = ("start", "duration")


def _check_columns(path: Path, rows: Sequence[Row], needed: Sequence[str]) -> None:
    """Check that a manifest has rows, and a value in each of the needed columns."""
    if not rows:
        raise DatasetError(f"{path} has no rows.")
    columns = list(dict.fromkeys(column for row in rows for column in row))
    if missing := [column for column in needed if column not in columns]:
        raise DatasetError(
            f"{path} has no column {', '.join(missing)}. Its columns: {', '.join(columns)}"
        )
    for column in needed:
        numbers = [i for i, row in enumerate(rows, 1) if not _text(row.get(column))]
        if numbers:
            first = ", ".join(map(str, numbers[:5])) + (" …" if numbers[5:] else "")
            raise DatasetError(
                f"{path}: the column {column} is empty in {len(numbers)} of {len(rows)} rows "
                f"({first}). Fill it in, or leave the rows out."
            )


def _read_rows(path: Path) -> list[Row]:
    kind = path.suffix.lower()
    if kind == ".parquet":
        parquet = require("pyarrow.parquet", extra="corpora")
    try:
        if kind == ".parquet":
            return parquet.read_table(path).to_pylist()
        if kind == ".jsonl":
            return list(_json_lines(path))
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file, restkey="", strict=True))
    except (OSError, ValueError, csv.Error) as error:  # pyarrow's errors are of these kinds
        raise DatasetError(f"{path} cannot be read as a manifest: {error}") from error


def _json_lines(path: Path) -> Iterator[Row]:
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), 1):
        if line.strip():
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError(f"line {number} is not an object")
            yield row


def _text(value: Any) -> str:
    """Return a table's value as text, and an absent one as no text."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, list | dict):
        raise DatasetError(f"A path, a label and a group are texts or numbers. Received: {value!r}")
    return str(value).strip()


def _seconds(path: Path, number: int, row: Row, column: str) -> float | None:
    text = _text(row.get(column))
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (value >= 0 and (value > 0 or column == "start")) or math.isinf(value):
        raise DatasetError(f"{path}: row {number} has no seconds as its {column}: {text!r}")
    return value
