"""Where the second of several joined FLAC files begins, and how many samples a file holds.

A decoder finds a truncated file. It does not find what follows the number of samples in the header.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

_BEGINNINGS = (b"fLaC\x00\x00\x00\x22", b"fLaC\x80\x00\x00\x22")
"""The marker, and the head of the first block, STREAMINFO of 34 bytes (RFC 9639)."""

_BLOCK_SIZES = {1: 192, **{i: 576 << i - 2 for i in range(2, 6)}}
_BLOCK_SIZES |= {i: 256 << i - 8 for i in range(8, 16)}
"""Samples of a frame by the code in its head (RFC 9639, 9.1.1). 6 and 7: a number in the head."""

_LAST_BYTES = 2**18
"""Bytes at the end of a file that does not tell the size of its frames. They hold two frames:
one of 4096 samples of 8 channels of 24 bits, which cannot be compressed, has 98 000."""

_MOST_TRAILING = 4096
"""Bytes of tags after the last frame."""


class _Head(NamedTuple):
    first: int
    """Number of the frame's first sample."""
    n_samples: int


def flac_end(file: BinaryIO, size: int) -> int | None:
    """Return the position of a second FLAC file, or None."""
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


def count_samples(file: BinaryIO, size: int) -> int:
    """Return how many samples the frames hold, from the head of the last one. 0 if it is unclear.

    A head counts if it follows another one without a gap, so that no other bytes look like it.
    """
    file.seek(8 + 2)
    info = file.read(8).ljust(8, b"\0")  # largest block; smallest and largest frame in bytes
    largest, frame_bytes = int.from_bytes(info[:2], "big"), int.from_bytes(info[5:], "big")
    n_last = 2 * frame_bytes + _MOST_TRAILING if frame_bytes else _LAST_BYTES
    file.seek(max(42, size - n_last))
    content = file.read()
    heads = [head for at in _syncs(content) if (head := _head(content[at : at + 16], largest))]
    ends = {0, *(head.first + head.n_samples for head in heads)}
    return max((sum(head) for head in heads if head.first in ends), default=0)


def _syncs(content: bytes) -> Iterator[int]:
    at = content.find(b"\xff")
    while 0 <= at < len(content) - 16:
        if content[at + 1] in (0xF8, 0xF9):
            yield at
        at = content.find(b"\xff", at + 1)


def _head(content: bytes, largest: int) -> _Head | None:
    """Read the head of a frame. `largest` is the block size of a file in which all are equal."""
    n_coded = max(1, 8 - (content[4] ^ 0xFF).bit_length())  # bytes of the number, as in UTF-8
    number = content[4] & (0x7F if n_coded == 1 else 0x7F >> n_coded)
    for byte in content[5 : 4 + n_coded]:
        number = number << 6 | byte & 0x3F
    end, code = 4 + n_coded, content[2] >> 4
    n_samples = _BLOCK_SIZES.get(code, 0)
    if code in (6, 7):
        n_samples = 1 + int.from_bytes(content[end : end + code - 5], "big")
        end += code - 5
    end += {12: 1, 13: 2, 14: 2}.get(content[2] & 15, 0)  # bytes of the sample rate
    if n_coded > 7 or n_samples == 0 or _crc8(content[:end]) != content[end]:
        return None
    variable = content[1] & 1
    return _Head(number if variable else number * largest, n_samples)


def _crc8(content: bytes) -> int:
    crc = 0
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc << 1 & 0xFF ^ (7 if crc & 0x80 else 0)
    return crc
