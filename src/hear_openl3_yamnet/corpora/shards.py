"""Shards: the Parquet files of a corpus, each of which is complete or absent."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import filelock
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import CorpusError, OptionError
from ..files import is_partial, remove, written_whole
from .rows import Row, needs_row_parts, row_parts
from .tables import METADATA_KEY, to_table

logger = logging.getLogger(__name__)

SHARD_BYTES = 128 * 2**20
"""Bytes of embeddings. The file that reaches this size is the last in its shard."""

SHARD_SECONDS = 60.0
"""Longest time between two shards. A killed run loses no more than this."""

_NAME = re.compile(r"part-(\d+)-(\d+)\.parquet")
_IMMATERIAL = ("version",)  # described, but no reason to refuse a run


class Done(NamedTuple):
    """What the shards of a folder hold.

    Attributes
    ----------
    ok, failed : set of str
        Ids.
    run : int
        Number of the last run that wrote a shard; 0 before the first.
    """

    ok: set[str]
    failed: set[str]
    run: int


class ShardWriter:
    """Gathers rows, and writes a shard whenever it has enough of them.

    Parameters
    ----------
    folder : Path
    run : int
        Number of this run. It must be above the numbers of all runs before it.
    columns : pa.Schema
        Return value of `tables.schema`.
    labels : callable
        Takes a list of positions in the input, and returns a table of their labels.
    most_rows : int
        Largest number of files in a shard.
    seconds : float
        Longest time between two shards.
    """

    def __init__(
        self,
        folder: Path,
        run: int,
        columns: pa.Schema,
        labels: Callable[[list[int]], pa.Table],
        most_rows: int,
        seconds: float = SHARD_SECONDS,
    ):
        self._folder = folder
        self._run = run
        self._columns = columns
        self._labels = labels
        self._seconds = seconds
        self._most_rows = most_rows
        self._rows: list[Row] = []
        self._bytes = 0
        self._since = time.monotonic()

    def add(self, row: Row) -> None:
        """Take a row. Write a shard if this row completes it, or needs a shard of its own."""
        if needs_row_parts(row):
            self.flush()
            self._write(([part] for part in row_parts(row)), row)
            return
        self._rows.append(row)
        self._bytes += row.n_bytes
        if (
            len(self._rows) >= self._most_rows
            or self._bytes >= SHARD_BYTES
            or time.monotonic() - self._since >= self._seconds
        ):
            self.flush()

    def flush(self) -> None:
        """Write the rows that are not written yet."""
        if self._rows:
            self._write([self._rows], self._rows[0])
        self._rows, self._bytes, self._since = [], 0, time.monotonic()

    def _write(self, groups: Iterable[list[Row]], first: Row) -> None:
        tables = (
            to_table(rows, self._columns, self._labels([row.item.position for row in rows]))
            for rows in groups
        )
        path = shard_path(self._folder, self._run, first.item.position)
        write_shard(path, self._columns, tables)


def shard_path(folder: Path, run: int, position: int) -> Path:
    """Name a shard by its run and by the position of its first row, so that names sort."""
    return folder / f"part-{run:05d}-{position:010d}.parquet"


def shard_paths(folder: Path) -> list[Path]:
    """Return the shards of a folder, in order."""
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def write_shard(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    """Write a shard that is complete or absent, also after a crash.

    Parameters
    ----------
    path : Path
    schema : pa.Schema
        Schema of all tables.
    tables : iterable of pa.Table
        Each becomes a row group before the next is taken.

    Raises
    ------
    OSError
        If the folder cannot be written to, or the disk is full.
    """
    with (
        written_whole(path) as partial,
        pq.ParquetWriter(
            partial,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=["status", "error"],
        ) as writer,
    ):
        for table in tables:
            writer.write_table(table, row_group_size=max(1, table.num_rows))


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make a folder, and keep other runs out of it inside the ``with``.

    The operating system ends the lock if the process is killed.

    Raises
    ------
    CorpusError
        If another run is writing there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise CorpusError(
            f"{folder}: another run is writing there. Wait for it to end, or choose another folder."
        ) from error
    try:
        yield
    finally:
        lock.release()


def remove_leftovers(folder: Path) -> None:
    """Remove the partial files that killed runs left behind."""
    for path in folder.iterdir():
        if is_partial(path):
            remove(path)


def read_done(folder: Path, description: dict[str, Any] | None = None) -> Done:
    """Read which ids a folder holds.

    Parameters
    ----------
    folder : Path
    description : dict, optional
        Return value of `tables.describe` for a run that wants to add shards.

    Raises
    ------
    OptionError
        If the shards have another description.
    CorpusError
        If a shard is damaged, or two shards hold the same id.
    """
    done = Done(set(), set(), 0)
    run = 0
    for path in shard_paths(folder):
        with naming_damage(path), pq.ParquetFile(path) as file:
            found = _description(path, file.schema_arrow)
            if description is not None:
                _check_same(path, found, description)
            table = file.read(["id", "status", "part"])
            table = table.filter(pc.equal(table["part"], 0))
            ids, statuses = table["id"].to_pylist(), table["status"].to_pylist()
        run = max(run, int(_NAME.fullmatch(path.name)[1]))  # type: ignore[index]
        for id_, status in zip(ids, statuses, strict=True):
            if id_ in done.ok or id_ in done.failed:
                raise CorpusError(
                    f"{path}: another shard holds the id {id_!r}, too. Delete one of the two: the "
                    "next run makes its rows again."
                )
            (done.ok if status == "ok" else done.failed).add(id_)
    return done._replace(run=run)


def read_description(path: Path) -> dict[str, Any]:
    """Return the description in the metadata of a shard.

    Raises
    ------
    CorpusError
        If the shard is damaged, or this package did not write it.
    """
    with naming_damage(path), pq.ParquetFile(path) as file:
        return _description(path, file.schema_arrow)


def drop_failed(folder: Path) -> None:
    """Remove the rows of failures, so that the next run embeds their files again.

    Raises
    ------
    CorpusError
        If a shard is damaged.
    """
    for path in shard_paths(folder):
        with naming_damage(path), pq.ParquetFile(path) as file:
            if pc.all(pc.equal(file.read(["status"])["status"], "ok")).as_py():
                continue
            table = file.read()
        kept = table.filter(pc.equal(table["status"], "ok"))
        if kept.num_rows:
            write_shard(path, kept.schema, [kept])
        else:
            path.unlink()


@contextmanager
def naming_damage(path: Path) -> Iterator[None]:
    """Raise the errors of reading a damaged shard inside the ``with`` as a CorpusError."""
    try:
        yield
    except CorpusError:
        raise  # it is an OSError, too
    except (pa.ArrowException, OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CorpusError(
            f"{path}: damaged, or not a Parquet file ({error}). Delete it: the next run makes its "
            "rows again."
        ) from error


def _description(path: Path, schema: pa.Schema) -> dict[str, Any]:
    metadata = schema.metadata or {}
    if METADATA_KEY not in metadata:
        raise CorpusError(f"{path}: this package did not write this shard. Choose another folder.")
    return json.loads(metadata[METADATA_KEY])


def _check_same(path: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    differences = _differences(found, wanted)
    if not set(differences) - set(_IMMATERIAL):
        if found.get("version") != wanted.get("version"):
            logger.info("%s was written by version %s", path, found.get("version"))
        return
    raise OptionError(
        f"{path.parent} holds a corpus of another configuration. Choose another folder, or run "
        f"with the same one.\nIt differs in: {', '.join(differences)}\n"
        f"there:    {json.dumps(found)}\nthis run: {json.dumps(wanted)}"
    )


def _differences(one: dict[str, Any], other: dict[str, Any], prefix: str = "") -> list[str]:
    """Return the dotted names of the entries in which two descriptions differ."""
    names: list[str] = []
    for key in sorted(one.keys() | other.keys()):
        a, b = one.get(key), other.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            names += _differences(a, b, f"{prefix}{key}.")
        elif a != b:
            names.append(f"{prefix}{key}")
    return names
