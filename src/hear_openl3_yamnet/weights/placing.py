"""Putting a file into the cache, or into a folder to be carried: whole and verified, or not at all.

A file is written under a temporary name, synced to the disk and renamed; its receipt is put there
before it. A process that is killed leaves at most temporary files, which the next one removes.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from ..errors import HearError, WeightsCacheError, WeightsIntegrityError
from .digests import sha256
from .formats.gzip import content_chunks
from .receipts import Receipt, receipt_path, receipt_text
from .registry import WeightFile

LOCK_SECONDS = 1800.0
"""How long to wait for another process that fetches the same file."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Write a file of a folder that has no other writers: its folder exists, errors are typed.

    What is left behind unfinished, now or by earlier processes, is removed.

    Raises
    ------
    WeightsCacheError
        If the folder is read-only or full, or is no folder. All `OSError` of the block that are
        not typed already become one.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_unfinished(path)
        try:
            yield
        finally:
            _remove_unfinished(path)
    except HearError:
        raise
    except OSError as error:
        _raise_cache_error(path, error)


@contextmanager
def writing_alone(path: Path) -> Iterator[None]:
    """Write a file as `writing` does, while no other process does.

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
            f"End it, or set HEAR_OPENL3_YAMNET_CACHE to another folder"
        ) from error
    except OSError as error:
        _raise_cache_error(path, error)
    try:
        with writing(path):
            yield
    finally:
        lock.release()


def part_path(path: Path, part: str) -> Path:
    """Return a temporary name beside `path`, which `writing` cleans up."""
    return path.with_name(f".{path.name}.{part}.part")


def place(entry: WeightFile, source: Path, path: Path, source_digest: str | None) -> None:
    """Put a file at `path`, unpacked, with its receipt. To be called while `writing` it.

    Parameters
    ----------
    entry : WeightFile
        Which file it is.
    source : Path
        The file as downloaded or as carried here, packed or not.
    path : Path
        Where to put it.
    source_digest : str or None
        The published digest that was found; None if it was recognised by name and shapes.

    Raises
    ------
    WeightsIntegrityError
        If what was unpacked is not what the registry says.
    WeightsFormatError
        If it cannot be unpacked.
    """
    unpacked = part_path(path, "unpacked")
    write_synced(unpacked, content_chunks(source))
    digest = sha256(unpacked)
    if entry.known_sha256 not in (None, digest):
        raise WeightsIntegrityError(
            f"{entry.name}, unpacked, has another digest than the published file.\n"
            f"  expected: sha256:{entry.known_sha256}\n  found:    sha256:{digest}"
        )
    receipt = part_path(path, "receipt")
    text = receipt_text(Receipt(entry.name, digest, source_digest))
    write_synced(receipt, [text.encode("utf-8")])
    os.replace(receipt, receipt_path(path))
    os.replace(unpacked, path)
    _sync_folder(path.parent)


def write_synced(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file, and return when it is on the disk."""
    with path.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_unfinished(path: Path) -> None:
    for part in path.parent.glob(f".{path.name}.*.part*"):
        part.unlink(missing_ok=True)


def _raise_cache_error(path: Path, error: OSError) -> NoReturn:
    what = "cannot take the file"
    if error.errno in _FULL:
        what = "is full"
    elif error.errno in _READ_ONLY:
        what = "is read-only"
    elif error.errno in (errno.ENOTDIR, errno.EEXIST):
        what = "is no folder"
    raise WeightsCacheError(
        error.errno or errno.EIO,
        f"{path.parent} {what} ({error.strerror or error}); nothing was left there. Make room or "
        f"mend it, or choose another folder (the cache folder: HEAR_OPENL3_YAMNET_CACHE)",
    ) from error
