"""Where the content of a file ends: AU, AVR, MAT4, MAT5, MPC2K, NIST, SDS, VOC.

As in `chunks`, a function ``…_end(file, size)`` returns a position in bytes, or None if the file
does not state it. The layouts are those of the files that libsndfile 1.2 writes.
"""

from __future__ import annotations

import re
import struct
from typing import BinaryIO

_MAT4_BYTES = (8, 4, 4, 2, 2, 1)
"""Bytes of a number, by its kind."""


def au_end(file: BinaryIO, size: int) -> int | None:
    """Return where an AU file ends. Byte 4 has the position of the audio, byte 8 its size."""
    file.seek(0)
    head = file.read(12)
    if len(head) < 12:
        return None
    order = "<" if head[:4] == b"dns." else ">"
    first, n_bytes = struct.unpack(f"{order}II", head[4:])
    return None if n_bytes == 0xFFFF_FFFF else first + n_bytes


def avr_end(file: BinaryIO, size: int) -> int | None:
    """Return where an AVR file ends: 128 bytes, then 1 or 2 channels of 8 or 16 bits."""
    file.seek(0)
    head = file.read(128)
    if len(head) < 128:
        return None
    stereo, bits = struct.unpack(">HH", head[12:16])
    (n_samples,) = struct.unpack(">I", head[26:30])
    return 128 + n_samples * (2 if stereo else 1) * (bits // 8)


def mpc2k_end(file: BinaryIO, size: int) -> int | None:
    """Return where an MPC2K file ends: 42 bytes, then 1 or 2 channels of 16 bits."""
    file.seek(0)
    head = file.read(42)
    if len(head) < 42:
        return None
    (n_samples,) = struct.unpack("<I", head[30:34])
    return 42 + n_samples * (2 if head[21] else 1) * 2


def mat4_end(file: BinaryIO, size: int) -> int | None:
    """Return where the last matrix of a MATLAB 4 file ends.

    A matrix has a head of five numbers: type, rows, columns, whether it is complex, bytes of its
    name. The type has decimal digits: the order of the bytes, 0, the kind of the numbers, 0.
    """
    position = 0
    while position < size:
        file.seek(position)
        head = file.read(20)
        if len(head) < 20:
            break
        order = "<" if struct.unpack("<I", head[:4])[0] < 5000 else ">"
        kind, rows, columns, is_complex, n_name = struct.unpack(f"{order}5I", head)
        if kind not in (byte + 10 * i for i in range(len(_MAT4_BYTES)) for byte in (0, 1000)):
            break
        n_bytes = _MAT4_BYTES[kind % 100 // 10] * (2 if is_complex else 1)
        position += 20 + n_name + rows * columns * n_bytes
    return position


def mat5_end(file: BinaryIO, size: int) -> int | None:
    """Return where the last element of a MATLAB 5 file ends. The first begins at byte 128.

    libsndfile states 8 bytes too many for the last element. So 8 missing bytes are not noticed.
    """
    file.seek(126)
    order = "<" if file.read(2) == b"IM" else ">"
    end = 128
    while end < size:
        file.seek(end)
        head = file.read(8)
        if len(head) < 8 or head.startswith(b"MATLAB"):  # another file
            break
        end += 8 + struct.unpack(f"{order}I", head[4:])[0]
    return end - 8


def nist_end(file: BinaryIO, size: int) -> int | None:
    """Return where a NIST SPHERE file ends. Line 2 of its text is the size of the header."""
    file.seek(0)
    text = file.read(1024).decode("latin-1")
    header = re.match(r"NIST_1A\s+(\d+)\s", text)
    sizes = [
        re.search(rf"^{name} -(?:i|s\d+) (\d+)", text, re.MULTILINE)
        for name in ("sample_count", "channel_count", "sample_n_bytes")
    ]
    if header is None or None in sizes:
        return None
    n_samples, n_channels, n_bytes = (int(found[1]) for found in sizes if found)
    return int(header[1]) + n_samples * n_channels * n_bytes


def sds_end(file: BinaryIO, size: int) -> int | None:
    """Return where a MIDI sample dump ends: 21 bytes, then blocks of 127 with 120 of samples."""
    file.seek(0)
    head = file.read(21)
    if len(head) < 21 or head[6] == 0:
        return None
    n_samples = head[10] | head[11] << 7 | head[12] << 14
    samples_in_block = 120 // -(-head[6] // 7)  # a byte holds 7 bits
    return 21 + 127 * -(-n_samples // samples_in_block)


def voc_end(file: BinaryIO, size: int) -> int | None:
    """Return where the blocks of a VOC file end.

    A block begins with one byte for its type and three for its size. A block of type 0 is a single
    byte, and it is the last block. Some files lack it.
    """
    file.seek(20)
    end = int.from_bytes(file.read(2), "little")
    while end < size:
        file.seek(end)
        head = file.read(4)
        if head[0] == 0:
            return end + 1
        end += 4 + int.from_bytes(head[1:], "little")
    return end
