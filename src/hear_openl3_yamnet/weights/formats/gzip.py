"""Unpack gzip files up to a size, so that no file can fill the memory or the disk."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ...errors import WeightsFormatError

GZIP_MAGIC = b"\x1f\x8b"

MAX_WEIGHTS_BYTES = 256 << 20
"""Largest accepted file. The published ones have 4 to 19 MB."""

_BLOCK_BYTES = 1 << 20


def content_blocks(path: Path) -> Iterator[bytes]:
    """Yield a file's content in blocks, unpacked if it is gzip.

    Raises
    ------
    WeightsFormatError
        If the packed data are damaged, or the content is larger than `MAX_WEIGHTS_BYTES`.
    """
    with path.open("rb") as raw:
        packed = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        raw.seek(0)
        if packed:
            yield from _bounded(path, gzip.GzipFile(fileobj=raw))  # type: ignore[arg-type]
        else:
            yield from _bounded(path, raw)


def _bounded(path: Path, file: BinaryIO) -> Iterator[bytes]:
    total = 0
    while True:
        try:
            block = file.read(_BLOCK_BYTES)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise WeightsFormatError(
                f"{path} is a damaged or truncated gzip file: {error}. Download it again."
            ) from error
        if not block:
            return
        total += len(block)
        if total > MAX_WEIGHTS_BYTES:
            raise WeightsFormatError(
                f"{path} holds more than {MAX_WEIGHTS_BYTES >> 20} MB: "
                "no weights of OpenL3 or YAMNet are that large."
            )
        yield block
