"""A manifest file → a table whose columns ``id``, ``path``, ``start``, ``duration`` have one type.

CSV comes from spreadsheets and scripts, with any separator. Parquet comes from other programs, with
any type. What can only be meant in one way is read. All else is a `ManifestError`, which says what
to change.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from ..errors import HearError, ManifestError

__all__ = ["EXCERPT", "MANIFESTS", "read_table"]

MANIFESTS = (".csv", ".tsv", ".parquet")
EXCERPT = ("start", "duration")

_NEEDED = ("id", "path")
_KINDS = {"id": pa.string(), "path": pa.binary(), **dict.fromkeys(EXCERPT, pa.float64())}
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def read_table(path: Path) -> pa.Table:
    """Read a manifest.

    Parameters
    ----------
    path : Path
        Its name ends in one of `MANIFESTS`. The separator of text is the one of comma, semicolon,
        tab and ``|`` with which the first line has the columns ``id`` and ``path``.

    Returns
    -------
    pa.Table
        ``id`` (string, without repetitions), ``path`` (binary, may be missing), ``start`` and
        ``duration`` (double), where the manifest has them, and the labels. Labels that are encoded
        as a dictionary are decoded. Those that are all missing are strings.

    Raises
    ------
    ManifestError
        If the file is damaged, is not UTF-8, or has rows of unequal length; if a column is missing
        or there twice, or has a value that cannot be what it has to be; if an id is missing or
        there twice; if there are no rows.
    """
    with _naming(path):
        table = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_text(path)
    _check_columns(path, table.column_names)
    columns = [
        _as(path, name, _decoded(table[name]), _KINDS[name])
        if name in _KINDS
        else _label(_decoded(table[name]))
        for name in table.column_names
    ]
    table = pa.table(columns, names=table.column_names)
    _check_ids(path, table["id"].to_pylist())
    return table


def _read_parquet(path: Path) -> pa.Table:
    with pq.ParquetFile(path) as file:  # read_table would take columns from the folders' names
        return file.read()


def _read_text(path: Path) -> pa.Table:
    with path.open("rb") as file:
        header = file.readline().decode("utf-8-sig")
    separator = _separator(path, header)
    # paths can have any bytes; start and duration are parsed later, to name the row
    types = {"id": pa.string(), "path": pa.binary(), **dict.fromkeys(EXCERPT, pa.string())}
    table = pyarrow.csv.read_csv(
        path,
        pyarrow.csv.ReadOptions(use_threads=False),  # so that an error has the number of its row
        pyarrow.csv.ParseOptions(delimiter=separator, newlines_in_values=True),
        pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=False),
    )
    for column in table.schema:
        if column.name not in _KINDS and pa.types.is_binary(column.type):
            raise ManifestError(
                f"{path}: the column {column.name} is not UTF-8. Save the file as UTF-8."
            )
    return table


def _separator(path: Path, header: str) -> str:
    for separator in _SEPARATORS:
        if set(_NEEDED) <= set(_cells(header, separator)):
            return separator
    raise ManifestError(
        f"{path}: the first line of a manifest must name the columns id and path, and may name "
        f"start and duration, with one separator: {', '.join(_SEPARATORS.values())}. "
        f"Received: {header.strip()[:200]!r}"
    )


def _cells(header: str, separator: str) -> list[str]:
    return next(csv.reader([header], delimiter=separator), [])


def _check_columns(path: Path, names: Sequence[str]) -> None:
    if missing := [name for name in _NEEDED if name not in names]:
        raise ManifestError(
            f"{path}: the manifest has no column {' and no column '.join(missing)}. It must have "
            f"the columns id and path. Received: {', '.join(names)}"
        )
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise ManifestError(
            f"{path}: several columns have the name {twice[0]!r}. Rename all but one, or leave "
            "them out."
        )


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type
    return column.cast(kind.value_type) if pa.types.is_dictionary(kind) else column


def _label(column: pa.ChunkedArray) -> pa.ChunkedArray:
    # a column that is filled in later must have the type that it had at first
    return column.cast(pa.string()) if pa.types.is_null(column.type) else column


def _as(path: Path, name: str, column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Cast a column to the type that it has to have, or name its first value that cannot be."""
    with _naming(path, f"the column {name} has the type {column.type}"):
        if name == "path" and not _is_bytes(column.type):
            column = column.cast(pa.string())  # a number is a name, too
        elif name in EXCERPT:
            column = _trimmed(column)
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            row = next(i for i, value in enumerate(column) if not _fits(value, kind))
    raise ManifestError(
        f"{path}: row {row + 1} has the {name} {column[row].as_py()!r}; expected "
        f"{'seconds, such as 1.5' if name in EXCERPT else 'text in UTF-8'}. Correct it."
    )


def _is_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _trimmed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return texts without spaces around them, and empty ones as missing."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    column = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(column, ""), None, column)


def _fits(value: pa.Scalar, kind: pa.DataType) -> bool:
    try:
        value.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def _check_ids(path: Path, ids: Sequence[str | None]) -> None:
    if not ids:
        raise ManifestError(f"{path}: the manifest has no rows.")
    first: dict[str, int] = {}
    for number, id_ in enumerate(ids, 1):
        if not id_:
            raise ManifestError(f"{path}: row {number} has no id. Give each row an id of its own.")
        if (other := first.setdefault(id_, number)) != number:
            raise ManifestError(
                f"{path}: the id {id_!r} is given twice, in the rows {other} and {number}. A "
                "corpus resumes by ids: make them unique."
            )


@contextmanager
def _naming(path: Path, what: str = "the manifest cannot be read") -> Iterator[None]:
    """Raise whatever a table's library raises as a ManifestError."""
    try:
        yield
    except HearError:
        raise
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: the manifest is not UTF-8. Save it as UTF-8.") from error
    except Exception as error:
        raise ManifestError(
            f"{path}: {what} ({error}). Each row needs one value for each column: an id, a path, "
            "and numbers as start and duration. Write it again, as CSV or Parquet."
        ) from error
