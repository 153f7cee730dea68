"""Where the content of a file that consists of chunks ends: WAV, RF64, W64, AIFF, 8SVX, CAF.

A function ``…_end(file, size)`` returns a position in bytes. If it is above the file's size, the
file is truncated. If it is below, the bytes after it belong to no chunk. None means that the file
does not state where it ends.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

MAGIC = (
    *(b"RIFF", b"RIFX", b"RF64", b"BW64", b"riff", b"FORM", b"caff", b"fLaC", b"OggS"),
    *(b"#!AM", b"\x1a\x45\xdf\xa3", b"\x30\x26\xb2\x75"),
)
"""First bytes of files. No chunk begins with them."""


class _Layout(NamedTuple):
    """How the chunks of a format are written.

    Attributes
    ----------
    first : int
        Position of the first chunk.
    tag : int
        Bytes of a chunk's name, of which the first four are text.
    size : str
        Format of a chunk's size, for `struct`.
    counts_itself : bool
        Whether the size includes the chunk's own head.
    alignment : int
        A chunk begins at a multiple of this number of bytes.
    audio : tuple of bytes
        First four bytes of the names of audio chunks.
    """

    first: int
    tag: int
    size: str
    counts_itself: bool
    alignment: int
    audio: tuple[bytes, ...]


class _Chunk(NamedTuple):
    name: bytes
    content: int
    size: int


def riff_end(file: BinaryIO, size: int) -> int | None:
    """Return where a WAV or RF64 file ends, RIFX files included."""
    file.seek(0)
    order = ">" if file.read(4) == b"RIFX" else "<"
    layout = _Layout(12, 4, f"{order}I", False, 2, (b"data",))
    long_size = None
    for chunk in _chunks(file, size, layout):
        if chunk.name == b"ds64":  # RF64: sizes of the file and of its data, of 64 bits each
            file.seek(chunk.content + 8)
            long_size = _unpack("<Q", file.read(8))
        if chunk.name == b"data":
            if chunk.size == 0xFFFF_FFFF and long_size is not None:
                chunk = chunk._replace(size=long_size)
            elif _is_unknown(chunk.size):
                return None
            return _end(file, size, layout, chunk)
    return None


def aiff_end(file: BinaryIO, size: int) -> int | None:
    """Return where an AIFF, AIFF-C or 8SVX file ends."""
    return _audio_end(file, size, _Layout(12, 4, ">I", False, 2, (b"SSND", b"BODY")))


def caf_end(file: BinaryIO, size: int) -> int | None:
    """Return where a CAF file ends."""
    return _audio_end(file, size, _Layout(8, 4, ">Q", False, 1, (b"data",)))


def wave64_end(file: BinaryIO, size: int) -> int | None:
    """Return where a W64 file ends."""
    return _audio_end(file, size, _Layout(40, 16, "<Q", True, 8, (b"data",)))


def _audio_end(file: BinaryIO, size: int, layout: _Layout) -> int | None:
    for chunk in _chunks(file, size, layout):
        if chunk.name[:4] in layout.audio:
            return None if _is_unknown(chunk.size) else _end(file, size, layout, chunk)
    return None


def _is_unknown(n_bytes: int) -> bool:
    """Return whether a size means 'unknown', as in files that were written to a pipe.

    Programs then write about 2 or 4 GiB, or in 64 bits a size that no file can have.
    """
    return (
        0x7FFF_0000 <= n_bytes <= 0x8000_0000
        or n_bytes in range(0xFFFF_0000, 2**32)
        or (n_bytes >= 2**62)
    )


def _end(file: BinaryIO, size: int, layout: _Layout, audio: _Chunk) -> int:
    """Return where the last chunk ends. The search begins at the audio chunk."""
    end = audio.content + audio.size
    for chunk in _chunks(file, size, layout, end):
        end = chunk.content + chunk.size
    return end


def _chunks(
    file: BinaryIO, size: int, layout: _Layout, position: int | None = None
) -> Iterator[_Chunk]:
    """Yield chunks up to the first position without one. The audio chunk may be incomplete."""
    position = layout.first if position is None else position
    while position < size:
        aligned = -(-position // layout.alignment) * layout.alignment
        chunk = _read_chunk(file, size, layout, aligned)
        if chunk is None and aligned != position:  # some writers forget the padding
            chunk = _read_chunk(file, size, layout, position)
        if chunk is None:
            return
        yield chunk
        position = chunk.content + chunk.size


def _read_chunk(file: BinaryIO, size: int, layout: _Layout, position: int) -> _Chunk | None:
    file.seek(position)
    n_head = layout.tag + struct.calcsize(layout.size)
    head = file.read(n_head)
    if len(head) < n_head:
        return None
    name = head[:4]
    n_bytes = _unpack(layout.size, head[layout.tag :]) - layout.counts_itself * n_head
    if name in MAGIC or not name.isascii() or not name.decode("ascii").isprintable():
        return None
    content = position + n_head
    if n_bytes < 0 or (content + n_bytes > size and name not in layout.audio):
        return None
    return _Chunk(name, content, n_bytes)


def _unpack(form: str, content: bytes) -> int:
    return struct.unpack(form, content)[0] if len(content) == struct.calcsize(form) else 0
