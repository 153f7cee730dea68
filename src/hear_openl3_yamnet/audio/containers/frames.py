"""Where the frames of a stream without a container end: AAC (ADTS), AC-3, E-AC-3, AMR.

A function ``…_end(file, size)`` returns a position in bytes. Above the file's size, the last frame
is incomplete. Below it, what follows is no frame. Such files do not state their length: a file that
is cut between two frames cannot be told from a whole one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO

from .tags import id3_size

_AMR = {
    b"#!AMR\n": (12, 13, 15, 17, 19, 20, 26, 31, 5),
    b"#!AMR-WB\n": (17, 23, 32, 36, 40, 46, 50, 58, 60, 5),
}
"""Bytes of a frame after its first byte, by its type (RFC 4867), for narrow and wide band."""

_AC3_KILOBITS = (
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
)  # fmt: skip
"""Bit rates of AC-3 by half their code (ATSC A/52, table 5.18)."""


def aac_end(file: BinaryIO, size: int) -> int | None:
    """Return where the frames of an ADTS file end (ISO 13818-7, 6.2)."""
    file.seek(0)
    return _frames_end(file, size, id3_size(file.read(10)), _adts_bytes)


def ac3_end(file: BinaryIO, size: int) -> int | None:
    """Return where the frames of an AC-3 or E-AC-3 file end (ATSC A/52, 5.3 and E.1.2)."""
    return _frames_end(file, size, 0, _ac3_bytes)


def amr_end(file: BinaryIO, size: int) -> int | None:
    """Return where the frames of an AMR file of one channel end (RFC 4867, 5)."""
    file.seek(0)
    magic = file.readline(16)
    sizes = _AMR.get(magic)
    if sizes is None:
        return None

    def n_bytes(head: bytes) -> int:
        kind = head[0] >> 3 & 15
        padding = head[0] & 0x83  # always 0
        return 0 if padding or 9 < kind < 14 else 1 + (sizes[kind] if kind < len(sizes) else 0)

    return _frames_end(file, size, len(magic), n_bytes)


def _frames_end(
    file: BinaryIO, size: int, position: int, n_bytes: Callable[[bytes], int]
) -> int | None:
    """Follow frames from a position on, up to a head that states no bytes."""
    while position < size:
        file.seek(position)
        head = file.read(6)
        n = n_bytes(head.ljust(6, b"\0"))
        if n == 0:
            break
        position += n
    return position


def _adts_bytes(head: bytes) -> int:
    if head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
        return 0
    return (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5


def _ac3_bytes(head: bytes) -> int:
    if head[:2] != b"\x0b\x77":
        return 0
    if head[5] >> 3 > 10:  # E-AC-3
        return 2 * (((head[2] & 7) << 8 | head[3]) + 1)
    rate, code = head[4] >> 6, head[4] & 63
    if rate == 3 or code >= 2 * len(_AC3_KILOBITS):
        return 0
    kilobits = _AC3_KILOBITS[code // 2]
    if rate == 1:  # 44.1 kHz: every second frame may have two bytes more
        return 2 * (kilobits * 96_000 // 44_100 + code % 2)
    return kilobits * (4 if rate == 0 else 6)  # 48 or 32 kHz
