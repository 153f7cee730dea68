"""The one writer of whole files."""

import os
import secrets
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL_PREFIX = ".partial-"
"""Names of temporary files and folders of this package begin with it."""


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Write a file or a folder that is complete or absent, also after a crash.

    The caller writes to a temporary name in the same folder. When the block ends without an
    error, the content is synced to the disk and renamed to `path`, and the folder is synced.
    When it ends with an error, the temporary file or folder is removed.

    Parameters
    ----------
    path : Path
        The final name. An existing file is replaced. A folder must be absent or empty.

    Yields
    ------
    Path
        The temporary name. It has the suffix of `path`, because some writers infer the format
        from it, and it is never longer than the longest name that `path` could have.

    Raises
    ------
    OSError
        If the folder cannot be written to, or the disk is full.
    """
    partial = partial_path(path)
    try:
        yield partial
        sync(partial)
        partial.replace(path)
        _sync_entry(path.parent)
    finally:
        remove(partial)


def partial_path(path: Path) -> Path:
    """Return a temporary name beside `path` that no other call returns.

    It is short: a file system that takes `path` takes it too.
    """
    return path.with_name(f"{_prefix(path)}{os.getpid():x}-{secrets.token_hex(3)}{path.suffix}")


def partials_of(path: Path) -> list[Path]:
    """Return the temporary files and folders of `path`: leftovers, unless it is being written."""
    return list(path.parent.glob(f"{_prefix(path)}*"))


def _prefix(path: Path) -> str:
    return f"{PARTIAL_PREFIX}{zlib.crc32(os.fsencode(path.name)):08x}-"


def is_partial(path: Path) -> bool:
    """Return whether `partial_path` made a name."""
    return path.name.startswith(PARTIAL_PREFIX)


def sync(path: Path) -> None:
    """Return when a file, or a folder with all files in it, is on the disk.

    Raises
    ------
    OSError
        If the disk is full.
    """
    if path.is_dir():
        for child in path.iterdir():
            sync(child)
    _sync_entry(path)


def _sync_entry(path: Path) -> None:
    """Return when a file, or the list of names in a folder, is on the disk."""
    if path.is_dir() and os.name == "nt":  # Windows cannot open folders
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
