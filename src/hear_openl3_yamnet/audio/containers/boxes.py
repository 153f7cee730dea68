"""Where the content of a file that also holds pictures ends: MPEG-4, Matroska, Windows Media.

As in `chunks`, a function ``…_end(file, size)`` returns a position in bytes, or None if the file
does not tell.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

_ENTERED = (0x1853_8067, 0x1F43_B675)
"""Matroska's Segment and Cluster. Their content is followed: their sizes may be unknown."""

_EBML = 0x1A45_DFA3
"""The first element of a Matroska file."""

_ASF = b"\x30\x26\xb2\x75"
"""First bytes of the first object of a Windows Media file."""

_ASF_DATA, _ASF_DATA_HEAD = b"\x36\x26\xb2\x75", 50
"""First bytes of the object that has the audio, and the bytes of its head."""


def mpeg4_end(file: BinaryIO, size: int) -> int | None:
    """Return where the boxes of an MPEG-4 or QuickTime file end (ISO 14496-12, 4.2)."""
    position = 0
    while position < size:
        file.seek(position)
        head = file.read(16).ljust(16, b"\0")
        n_bytes, name = struct.unpack(">I4s", head[:8])
        if (position and name == b"ftyp") or not name.strip(b"\0"):
            break  # another file; zeros
        if n_bytes == 0:  # up to the end of the file
            return size
        if n_bytes == 1:
            (n_bytes,) = struct.unpack(">Q", head[8:])
        if n_bytes < 8:
            break
        position += n_bytes
    return position


def matroska_end(file: BinaryIO, size: int) -> int | None:
    """Return where the elements of a Matroska or WebM file end (RFC 8794, 4 to 6)."""
    position = 0
    while position < size:
        file.seek(position)
        head = file.read(12)
        n_name = _n_bytes(head[:1], 4)
        name = int.from_bytes(head[:n_name], "big")
        n_size = _n_bytes(head[n_name : n_name + 1], 8)
        if not n_name or not n_size or (position and name == _EBML):
            break
        content = position + n_name + n_size
        mask = 2 ** (7 * n_size) - 1
        n_bytes = int.from_bytes(head[n_name : n_name + n_size], "big") & mask
        if name in _ENTERED and n_bytes != mask and content + n_bytes > size:
            return content + n_bytes
        position = content if name in _ENTERED else content + n_bytes
    return position


def _n_bytes(first: bytes, most: int) -> int:
    """Return the bytes of a number of EBML, from its first byte. 0 if there is none."""
    n = 9 - first[0].bit_length() if first else 9
    return n if n <= most else 0


def asf_end(file: BinaryIO, size: int) -> int | None:
    """Return where the objects of a Windows Media file end."""
    position = 0
    while position < size:
        file.seek(position)
        head = file.read(24)
        another = position and head.startswith(_ASF)
        if another or len(head) < 24 or not head[:16].strip(b"\0"):
            break
        (n_bytes,) = struct.unpack("<Q", head[16:])
        if n_bytes < 24 or (n_bytes <= _ASF_DATA_HEAD and head.startswith(_ASF_DATA)):
            return None  # a broadcast, whose length is unknown
        position += n_bytes
    return position
