"""Digests of files, and receipts: what is known of a file in the cache.

A receipt lies beside its file, as ``FILE.json``. OpenL3 is published with digests of the packed
files. The receipt of an unpacked file records which published digest its packed file had. Without
the receipt, a file whose own sha256 is not published could not be verified again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import WeightsNotFoundError
from .formats.gzip import content_blocks

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Receipt:
    """What was found when a file was put into the cache.

    Attributes
    ----------
    name : str
        The registry's name of the file.
    sha256 : str
        The sha256 of the unpacked file.
    source_digest : str or None
        The published digest that the downloaded bytes had. None if the file was recognised only
        by its name and its shapes.
    """

    name: str
    sha256: str
    source_digest: str | None


def receipt_path(path: Path) -> Path:
    """Return the path of a file's receipt."""
    return path.with_name(path.name + ".json")


def read_receipt(path: Path) -> Receipt | None:
    """Return the receipt of the file at `path`, or None if there is no readable one."""
    try:
        return Receipt(**json.loads(receipt_path(path).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def receipt_text(receipt: Receipt) -> str:
    """Return a receipt as it is stored."""
    return json.dumps(asdict(receipt), indent=2) + "\n"


def sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return _hex(hashlib.sha256(), _blocks(file))


def git_blob_id(path: Path) -> str:
    """Return git's blob id of a file: the sha1 of ``blob <size>``, a zero byte and the bytes."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        return _hex(hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False), _blocks(file))


def digest_like(expected: str, path: Path) -> str:
    """Return a file's digest of the same kind as `expected`.

    Parameters
    ----------
    expected : str
        ``"sha256:<hex>"`` or ``"git:<hex>"``.
    path : Path
        The file.

    Returns
    -------
    str
        ``"sha256:<hex>"`` or ``"git:<hex>"``.
    """
    kind = expected.partition(":")[0]
    digest = {"sha256": sha256, "git": git_blob_id}[kind]
    return f"{kind}:{digest(path)}"


def content_digest(path: Path) -> str:
    """Return the sha256, in hex, that identifies the weights in a file or a SavedModel folder.

    It is computed on the unpacked content of a gzip file, so that a file and its packed copy
    agree. For a folder, it is computed on the names and contents of all files, in the order of
    their names.

    Raises
    ------
    WeightsNotFoundError
        If there is no such file.
    WeightsFormatError
        If a gzip file is damaged.
    """
    state = hashlib.sha256()
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    try:
        for file in files:
            if path.is_dir():
                state.update(file.relative_to(path).as_posix().encode() + b"\0")
            _hex(state, content_blocks(file))
    except FileNotFoundError as error:
        raise WeightsNotFoundError(f"There is no weights file {path}. Check the path.") from error
    return state.hexdigest()


def _blocks(file: BinaryIO) -> Iterable[bytes]:
    return iter(lambda: file.read(_BLOCK_BYTES), b"")


def _hex(state: hashlib._Hash, blocks: Iterable[bytes]) -> str:
    for block in blocks:
        state.update(block)
    return state.hexdigest()
