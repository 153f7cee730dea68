"""Parquet shards that appear whole: what a corpus holds, and what is added to it."""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, NamedTuple

import filelock
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from ..errors import CorpusError, OptionError
from .rows import METADATA_KEY

logger = logging.getLogger(__name__)

_SHARD = re.compile(r"part-(\d+)-(\d+)\.parquet")
_IMMATERIAL = ("version",)  # told where values come from, and not a reason to refuse a run


class Done(NamedTuple):
    """What the shards of a folder hold.

    Attributes
    ----------
    ok, failed : set of str
        Ids.
    run : int
        Number of the last run that wrote there; 0 before the first.
    """

    ok: set[str]
    failed: set[str]
    run: int


def shard_path(folder: Path, run: int, position: int) -> Path:
    """Name a shard by its run and by the place of its first row in the input: names sort so."""
    return folder / f"part-{run:05d}-{position:010d}.parquet"


def shard_paths(folder: Path) -> list[Path]:
    """Return the shards of a folder, in order."""
    return sorted(path for path in folder.iterdir() if _SHARD.fullmatch(path.name))


def write_shard(tables: Iterable[pa.Table], path: Path) -> None:
    """Write a shard that is whole or not there, whatever happens meanwhile.

    Parameters
    ----------
    tables : iterable of pa.Table
        Of one schema; each becomes a row group, before the next is asked for.
    path : Path

    Raises
    ------
    OSError
        The folder cannot be written to, or the disk is full.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            _write_row_groups(tables, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        _sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def _write_row_groups(tables: Iterable[pa.Table], file: IO[bytes]) -> None:
    writer = None
    for table in tables:
        writer = writer or pq.ParquetWriter(
            file,
            table.schema,
            compression="zstd",
            compression_level=1,
            use_dictionary=["status", "error"],
        )
        writer.write_table(table, row_group_size=max(1, table.num_rows))
    assert writer is not None
    writer.close()


def write_json(path: Path, data: Any) -> None:
    """Write JSON that is whole or not there."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    partial.replace(path)


def _sync_folder(folder: Path) -> None:
    """Make a new name last, where folders can be synced."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def locked(folder: Path) -> filelock.BaseFileLock:
    """Lock a folder for one run; the lock ends with the process, however it ends.

    Raises
    ------
    CorpusError
        Another run is writing there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = filelock.FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise CorpusError(
            f"{folder}: another run is writing there. Wait for it to end, or choose another folder."
        ) from error
    return lock


def remove_leftovers(folder: Path) -> None:
    """Remove what killed runs left unfinished."""
    for partial in folder.glob(".*.partial"):
        partial.unlink(missing_ok=True)


def read_done(folder: Path, description: dict[str, Any] | None = None) -> Done:
    """Read which ids a folder holds, and refuse what does not go together.

    Parameters
    ----------
    folder : Path
    description : dict, optional
        `rows.describe` of a run that wants to add to it.

    Raises
    ------
    OptionError
        If the shards were made with another configuration.
    CorpusError
        If a shard is damaged, or holds an id that another holds.
    """
    done = Done(set(), set(), 0)
    run = 0
    for path in shard_paths(folder):
        with _opened(path) as file:
            found = _description(path, file.schema_arrow)
            if description is not None:
                _check_same(path, found, description)
            table = file.read(["id", "status", "part"])
            table = table.filter(pc.equal(table["part"], 0))
        run = max(run, int(_SHARD.fullmatch(path.name)[1]))  # type: ignore[index]
        for id_, status in zip(table["id"].to_pylist(), table["status"].to_pylist(), strict=True):
            if id_ in done.ok or id_ in done.failed:
                raise CorpusError(f"{path}: the id {id_!r} is in another shard, too.")
            (done.ok if status == "ok" else done.failed).add(id_)
    return done._replace(run=run)


def read_description(path: Path) -> dict[str, Any]:
    """Return the description in a shard's metadata."""
    with _opened(path) as file:
        return _description(path, file.schema_arrow)


def drop_failed(folder: Path) -> None:
    """Remove the rows of failures, so that their files are to be done again."""
    for path in shard_paths(folder):
        with _opened(path) as file:
            if pc.all(pc.equal(file.read(["status"])["status"], "ok")).as_py():
                continue
            table = file.read()
        kept = table.filter(pc.equal(table["status"], "ok"))
        if kept.num_rows:
            write_shard([kept], path)
        else:
            path.unlink()


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise CorpusError(
            f"{path}: damaged, or no Parquet file ({error}). Delete it: the next run makes its "
            "rows again."
        ) from error


def _description(path: Path, schema: pa.Schema) -> dict[str, Any]:
    metadata = schema.metadata or {}
    if METADATA_KEY not in metadata:
        raise CorpusError(f"{path}: no shard of this package. Choose another folder.")
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
    names: list[str] = []
    for key in sorted(one.keys() | other.keys()):
        a, b = one.get(key), other.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            names += _differences(a, b, f"{prefix}{key}.")
        elif a != b:
            names.append(f"{prefix}{key}")
    return names
