"""Where the second of several FLAC files begins that were joined into one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

_BEGINNINGS = (b"fLaC\x00\x00\x00\x22", b"fLaC\x80\x00\x00\x22")
"""The marker, and the head of the first block, STREAMINFO of 34 bytes (RFC 9639)."""


def flac_end(file: BinaryIO, size: int) -> int | None:
    """Return the position of a second FLAC file, or None. A decoder finds a truncated file."""
    beginnings = _find_all(file, _BEGINNINGS)
    next(beginnings, None)
    return next(beginnings, None)


def _find_all(file: BinaryIO, patterns: tuple[bytes, ...]) -> Iterator[int]:
    """Yield the positions of patterns of one length."""
    overlap = len(patterns[0]) - 1
    file.seek(0)
    position, rest = 0, b""
    while block := file.read(2**20):
        window = rest + block
        for pattern in patterns:
            found = window.find(pattern)
            while found >= 0:
                yield position + found
                found = window.find(pattern, found + 1)
        rest = window[-overlap:]
        position += len(window) - len(rest)
