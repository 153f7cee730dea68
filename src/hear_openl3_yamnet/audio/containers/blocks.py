"""Where the last whole sample of a file ends whose header states no length."""

from __future__ import annotations

import struct
from typing import BinaryIO

_FIRST = {"IRCAM": 1024, "PAF": 2048, "SD2": 0}
"""Position of the audio. PVF has a header of text. SD2 has its header in another file."""


def blocks_end(file: BinaryIO, size: int, form: str, block: int) -> int | None:
    """Return where an IRCAM, PAF, PVF, SD2 or XI file ends: after a whole number of samples.

    Parameters
    ----------
    file : BinaryIO
    size : int
        Bytes of the file.
    form : str
        Format, as ``soundfile.SoundFile.format``.
    block : int
        Bytes of a sample of all channels. 0 if the samples are not of one size.

    Returns
    -------
    int or None
    """
    first = _FIRST.get(form)
    if form == "PVF":
        file.seek(0)
        first = len(file.readline(64)) + len(file.readline(64))
    if form == "XI":
        first, stated = _xi_sizes(file)
        if stated:  # libsndfile itself states 0
            return first + stated
    if first is None or block == 0:
        return None
    return first + -(-(size - first) // block) * block


def _xi_sizes(file: BinaryIO) -> tuple[int, int]:
    """Return where the audio of an XI file begins, and the stated bytes of all its samples."""
    file.seek(296)
    (n_sounds,) = struct.unpack("<H", file.read(2).ljust(2, b"\0"))
    heads = file.read(40 * n_sounds)
    sizes = [struct.unpack_from("<I", heads, 40 * i)[0] for i in range(len(heads) // 40)]
    return 298 + 40 * n_sounds, sum(sizes)
