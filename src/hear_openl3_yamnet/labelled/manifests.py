"""Reading manifests: a table with a row for each clip, or for each event in a file."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import OptionError, require
from .dataset import ANY_RATE, Clip, DatasetError

__all__ = ["MANIFESTS", "Columns", "Finder", "read_manifest"]

MANIFESTS = (".csv", ".jsonl", ".parquet")

_END = "end"
"""A manifest with this column lists events."""

Finder = Callable[[str], str]
"""A clip's path → its label, or its group."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Columns:
    """Where a manifest has labels and groups.

    Attributes
    ----------
    label : str
        A column.
    group : str or None
        A column. None: each file is a group of its own.
    label_in, group_in : function or None
        `Finder`: finds them in the paths instead.
    """

    label: str = "label"
    group: str | None = None
    label_in: Finder | None = None
    group_in: Finder | None = None

    def needed(self) -> list[str]:
        """Return the columns that every row must fill in."""
        return ["path", *([] if self.label_in else [self.label]), *self._of_groups()]

    def needed_of_files(self) -> list[str]:
        """Return those of rows that may have no event."""
        return ["path", *self._of_groups()]

    def _of_groups(self) -> list[str]:
        return [self.group] if self.group else []

    def group_of(self, name: str, row: Row) -> str:
        """Return the group of a row."""
        if self.group_in:
            return self.group_in(name)
        return _text(row[self.group]) if self.group else name


def read_manifest(path: Path, columns: Columns) -> tuple[list[Clip], bool]:
    """Read the clips of a manifest, and say whether their answers are events.

    Parameters
    ----------
    path : Path
        A file of `MANIFESTS`. Paths in it are relative to its folder. With a column ``end``, a row
        is an event of a file, from ``start`` to ``end`` [s]; a row without label, start and end
        names a file that has no event. Without it, a row is a clip: a file, or the part of it
        from ``start`` on that lasts ``duration`` [s].
    columns : Columns

    Returns
    -------
    clips : list of Clip
    of_events : bool

    Raises
    ------
    OptionError
        If events are to have their labels from their paths.
    DatasetError
        If the manifest cannot be read, or a row is incomplete or wrong.
    MissingExtraError
        If it is Parquet and pyarrow is not installed.
    """
    rows = _read_rows(path)
    if not any(_END in row for row in rows):
        return list(_clips(path, rows, columns)), False
    if columns.label_in:
        raise OptionError(
            f"{path} lists events (it has a column {_END}). Several of them are in one file, so "
            "label_from does not go with it. Give label, a column."
        )
    return list(_files_with_events(path, rows, columns)), True


def _clips(path: Path, rows: Sequence[Row], columns: Columns) -> Iterator[Clip]:
    _check_columns(path, rows, columns.needed())
    for number, row in enumerate(rows, 1):
        name = _text(row["path"])
        start, duration = (_seconds(path, number, row, each) for each in ("start", "duration"))
        yield Clip(
            f"{name}@{start:g}" if start else name,
            {ANY_RATE: path.parent / name},
            (columns.label_in(name) if columns.label_in else _text(row[columns.label]),),
            columns.group_of(name, row),
            start or 0.0,
            duration,
        )


def _files_with_events(path: Path, rows: Sequence[Row], columns: Columns) -> Iterator[Clip]:
    """Yield a clip for each file, with the events of its rows in order of time."""
    _check_columns(path, rows, columns.needed_of_files())
    events: dict[str, list[dict[str, Any]]] = {}
    groups: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        name = _text(row["path"])
        group = columns.group_of(name, row)
        if groups.setdefault(name, group) != group:
            raise DatasetError(
                f"{path}: row {number} gives {name} the group {group!r}, and a row before it "
                f"{groups[name]!r}. A file is in one group."
            )
        events.setdefault(name, []).extend(_event(path, number, row, columns.label))
    for name, group in groups.items():
        in_order = sorted(events[name], key=lambda event: event["start"])
        yield Clip(name, {ANY_RATE: path.parent / name}, tuple(in_order), group)


def _event(path: Path, number: int, row: Row, label: str) -> Iterator[dict[str, Any]]:
    """Yield the event of a row, in milliseconds, if it has one."""
    given = [_text(row.get(column)) for column in (label, "start", _END)]
    if not any(given):
        return
    start, end = (_seconds(path, number, row, column) for column in ("start", _END))
    if not given[0] or start is None or end is None or end <= start:
        raise DatasetError(
            f"{path}: row {number} is no event. An event has a {label}, a start and a later end, "
            f"in seconds. Received: {', '.join(map(repr, given))}"
        )
    yield {"label": given[0], "start": round(1000 * start, 3), "end": round(1000 * end, 3)}


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
