"""Where the pages of an Ogg file end (RFC 3533)."""

from __future__ import annotations

from typing import BinaryIO

_HEAD = 27
_BEGINNING, _END = 2, 4
"""Flags of the first and the last page of a stream."""


def ogg_end(file: BinaryIO, size: int) -> int | None:
    """Return where the first recording in an Ogg file ends, in bytes.

    The position is above the file's size if the last page is incomplete or is not marked as the
    last. It is below the size if another recording follows, or content that is not a page.
    """
    position, flags, begun = 0, 0, False
    while position < size:
        file.seek(position)
        head = file.read(_HEAD)
        if not head.startswith(b"OggS"[: len(head)]):
            break
        if len(head) < _HEAD:
            return position + _HEAD
        flags, n_segments = head[5], head[26]
        if flags & _BEGINNING and begun:
            return position
        begun = begun or not flags & _BEGINNING
        lengths = file.read(n_segments)
        position += _HEAD + n_segments + sum(lengths)
    if position == 0:
        return None
    return position if flags & _END else max(position, size) + _HEAD
