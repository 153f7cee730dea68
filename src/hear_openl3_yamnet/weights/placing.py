"""Put a file into the cache, or into a folder for another machine: complete and verified, or not.

A file is written by `files.written_whole`. Its receipt is put there before it. A process that is
killed leaves at most partial files, which the next process removes.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from ..errors import HearError, WeightsCacheError
from ..files import partials_of, sync, written_whole
from .formats.gzip import content_blocks
from .receipts import Receipt, receipt_path, receipt_text, sha256
from .registry import WeightFile
from .verifying import check_content

LOCK_SECONDS = 1800.0
"""Longest wait for another process that writes the same file."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Prepare a folder for a file that no other process writes, and raise typed errors.

    The folder is created. Partial files of `path`, of this process and of earlier ones, are
    removed.

    Raises
    ------
    WeightsCacheError
        If the folder is read-only or full, or is not a folder. It replaces every `OSError` of the
        block that is not a `HearError`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_partials(path)
        try:
            yield
        finally:
            _remove_partials(path)
    except HearError:
        raise
    except OSError as error:
        _raise_cache_error(path, error)


@contextmanager
def writing_alone(path: Path) -> Iterator[None]:
    """Do what `writing` does while a lock keeps other processes from writing the same file.

    Raises
    ------
    WeightsCacheError
        As `writing`; also if another process holds the lock for `LOCK_SECONDS`.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path.with_name(f".{path.name}.lock"), timeout=LOCK_SECONDS)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise WeightsCacheError(
            f"another process has been writing {path} for {LOCK_SECONDS / 60:.0f} minutes. "
            "End it, or set HEAR_OPENL3_YAMNET_CACHE to another folder."
        ) from error
    except OSError as error:
        _raise_cache_error(path, error)
    try:
        with writing(path):
            yield
    finally:
        lock.release()


def place(entry: WeightFile, source: Path, path: Path, source_digest: str | None) -> None:
    """Put a file at `path`, unpacked, with its receipt. Call it inside `writing`.

    Parameters
    ----------
    entry : WeightFile
        The file's entry in the registry.
    source : Path
        The file as downloaded or carried here, packed or not.
    path : Path
        Where to put it.
    source_digest : str or None
        The published digest that `source` has. None if it was recognised by name and shapes, or
        if none is known.

    Raises
    ------
    WeightsIntegrityError
        If the unpacked file is not the one that the registry lists.
    WeightsFormatError
        If it cannot be unpacked.
    """
    with written_whole(path) as unpacked:
        with unpacked.open("wb") as file:
            file.writelines(content_blocks(source))
        digest = sha256(unpacked)
        if source_digest:
            problem = f"{entry.name}, unpacked, has another digest than the published file."
            check_content(entry, digest, problem)
        sync(unpacked)  # a full disk shows here, before the receipt appears
        text = receipt_text(Receipt(entry.name, digest, source_digest))
        with written_whole(receipt_path(path)) as receipt:
            receipt.write_text(text, encoding="utf-8")


def _remove_partials(path: Path) -> None:
    for partial in (*partials_of(path), *partials_of(receipt_path(path))):
        partial.unlink(missing_ok=True)


def _raise_cache_error(path: Path, error: OSError) -> NoReturn:
    problem = "cannot take the file"
    if error.errno in _FULL:
        problem = "is full"
    elif error.errno in _READ_ONLY:
        problem = "is read-only"
    elif error.errno in (errno.ENOTDIR, errno.EEXIST):
        problem = "is not a folder"
    raise WeightsCacheError(
        error.errno or errno.EIO,
        f"{path.parent} {problem} ({error.strerror or error}). Nothing was left there. Make room, "
        "repair the folder, or choose another one (the cache folder: HEAR_OPENL3_YAMNET_CACHE).",
    ) from error
