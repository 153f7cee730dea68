"""Shards: the Parquet files of a corpus, each of which is complete or absent."""

from __future__ import annotations

import json
import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import filelock
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import CorpusError, HearError, OptionError
from ..files import is_partial, remove, written_whole
from .rows import Row, needs_row_parts, row_parts
from .tables import METADATA_KEY, to_table

logger = logging.getLogger(__name__)

SHARD_BYTES = 128 * 2**20
"""Bytes of embeddings. The file that reaches this size is the last in its shard."""

SHARD_SECONDS = 60.0
"""Longest time between two shards. A killed run loses no more than this."""

_NAME = re.compile(r"part-(\d+)-(\d+)\.parquet")
_MARK = ".run"
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
    check : callable
        Is called before a shard gets its name, and raises an error if it must not.
    """

    def __init__(
        self,
        folder: Path,
        run: int,
        columns: pa.Schema,
        labels: Callable[[list[int]], pa.Table],
        most_rows: int,
        seconds: float = SHARD_SECONDS,
        check: Callable[[], object] = lambda: None,
    ):
        self._folder = folder
        self._run = run
        self._columns = columns
        self._labels = labels
        self._seconds = seconds
        self._check = check
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
        write_shard(path, self._columns, tables, self._check)


def shard_path(folder: Path, run: int, position: int) -> Path:
    """Name a shard by its run and by the position of its first row, so that names sort."""
    return folder / f"part-{run:05d}-{position:010d}.parquet"


def shard_paths(folder: Path) -> list[Path]:
    """Return the shards of a folder, in order."""
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def write_shard(
    path: Path,
    schema: pa.Schema,
    tables: Iterable[pa.Table],
    check: Callable[[], object] = lambda: None,
) -> None:
    """Write a shard that is complete or absent, also after a crash.

    Parameters
    ----------
    path : Path
    schema : pa.Schema
        Schema of all tables.
    tables : iterable of pa.Table
        Each becomes a row group before the next is taken.
    check : callable
        Is called before the shard gets its name, and raises an error if it must not.

    Raises
    ------
    OSError
        If the folder cannot be written to, or the disk is full.
    """
    with written_whole(path) as partial:
        with pq.ParquetWriter(
            partial,
            schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=["status", "error"],
        ) as writer:
            for table in tables:
                writer.write_table(table, row_group_size=max(1, table.num_rows))
        check()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make a folder, and keep other runs out of it inside the ``with``.

    The operating system ends the lock if the process is killed.

    Raises
    ------
    CorpusError
        If another run is writing there, or the folder cannot be written to: also if that happens
        inside the ``with``.
    """
    with naming_faults(folder):
        if folder.exists() and not folder.is_dir():
            raise CorpusError(f"{folder}: a file; expected a folder for shards. Choose another.")
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise CorpusError(
                f"{folder}: another run is writing there. Wait for it to end, or choose another "
                "folder."
            ) from error
        except NotImplementedError as error:
            raise CorpusError(
                f"{folder}: its file system has no locks, which keep two runs apart. Choose "
                "another folder."
            ) from error
        try:
            yield
        finally:
            lock.release()


@contextmanager
def naming_faults(folder: Path) -> Iterator[None]:
    """Raise an OSError inside the ``with`` as a CorpusError that names the folder of shards.

    All that is wrong with audio files is caught where they are read. What is left are errors with
    the folder: it is read-only, the disk is full.
    """
    try:
        yield
    except HearError:
        raise  # it may be an OSError, too
    except OSError as error:
        raise CorpusError(
            f"{folder}: cannot be written to ({error.strerror or error}). The shards there "
            "are whole. Make it writable, or make room on the disk; the same command continues."
        ) from error


def claim(folder: Path) -> str:
    """Mark a folder as this run's, and return the mark.

    The lock of a driver ends with its process. The actors of a driver that was killed may live a
    little longer, on other machines. They find that the mark is no longer theirs.
    """
    mark = secrets.token_hex(8)
    with written_whole(folder / _MARK) as partial:
        partial.write_text(mark)
    return mark


def check_claim(folder: Path, mark: str) -> None:
    """Raise a CorpusError if a later run has marked a folder as its own."""
    if (folder / _MARK).read_text() != mark:
        raise CorpusError(f"{folder}: a later run writes there, and this one must not any more.")


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


def drop(folder: Path, ids: Set[str]) -> None:
    """Remove the rows of files, so that the next run embeds them again.

    Raises
    ------
    CorpusError
        If a shard is damaged.
    """
    dropped = pa.array(sorted(ids), pa.string())
    for path in shard_paths(folder) if ids else ():
        with naming_damage(path), pq.ParquetFile(path) as file:
            is_dropped = pc.is_in(file.read(["id"])["id"], dropped)
            if not pc.any(is_dropped).as_py():
                continue
            schema = file.schema_arrow
            kept = [] if pc.all(is_dropped).as_py() else list(_without(file, dropped))
        if kept:
            write_shard(path, schema, kept)
        else:
            path.unlink()


def _without(file: pq.ParquetFile, ids: pa.Array) -> Iterator[pa.Table]:
    """Yield the row groups of a shard without the rows of some files."""
    for number in range(file.num_row_groups):
        table = file.read_row_group(number)
        yield table.filter(pc.invert(pc.is_in(table["id"], ids)))


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
