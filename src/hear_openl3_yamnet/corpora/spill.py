"""Embeddings of long files: too many for memory, and for one row of Parquet.

Parquet's writer keeps a row together in a page of at most 2 GB, and holds about six times that
page while it writes. So the embeddings of a long file wait on the disk, and become several rows.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import CorpusError
from .rows import Row

PART_VALUES = 2**24
"""Values of embeddings in a row: 11 minutes of YAMNet's 1024 at 40 ms, 64 MB as float32."""


class Spill:
    """A matrix on the disk, in a file without a name, that rows are appended to.

    Parameters
    ----------
    folder : Path
        Where there is room.
    size : int
        Of a row.
    dtype : np.dtype
    """

    def __init__(self, folder: Path, size: int, dtype: np.dtype):
        self.shape = (0, size)
        self.dtype = dtype
        self._folder = folder
        self._file = tempfile.TemporaryFile(  # noqa: SIM115 - closed with the last use of this
            dir=folder, prefix=".", suffix=".partial"
        )

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """Bytes on the disk."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    def append(self, rows: np.ndarray) -> None:
        """Add rows.

        Raises
        ------
        CorpusError
            The disk is full, say: that is not the sound file's fault.
        """
        try:
            self._file.seek(self.nbytes)
            self._file.write(np.ascontiguousarray(rows, self.dtype).data)
            self._file.flush()
        except OSError as error:
            raise CorpusError(f"{self._folder}: embeddings cannot be kept ({error}).") from error
        self.shape = (self.shape[0] + len(rows), self.shape[1])

    def __getitem__(self, rows: slice) -> np.ndarray:
        first, end, _ = rows.indices(len(self))
        values = np.empty((max(0, end - first), self.shape[1]), self.dtype)
        self._file.seek(first * self.shape[1] * self.dtype.itemsize, os.SEEK_SET)
        self._file.readinto(values.data)
        return values


def split(row: Row) -> Iterator[Row]:
    """Yield a row, or the rows of its parts, whose embeddings are read as they are asked for.

    Parameters
    ----------
    row : Row
        With embeddings.

    Yields
    ------
    Row
        The first has all that is known of the file; later ones its id, labels and embeddings.
    """
    assert row.embeddings is not None
    assert row.timestamps is not None
    most = most_windows(row)
    yield replace(row, timestamps=row.timestamps[:most], embeddings=row.embeddings[:most])
    for number, first in enumerate(range(most, len(row.embeddings), most), start=1):
        window = slice(first, first + most)
        times, values = row.timestamps[window], row.embeddings[window]
        yield Row(row.item, part=number, timestamps=times, embeddings=values)


def needs_parts(row: Row) -> bool:
    """Whether a file's embeddings are too many for one row."""
    return row.embeddings is not None and len(row.embeddings) > most_windows(row)


def most_windows(row: Row) -> int:
    """Return how many embeddings a row takes."""
    assert row.embeddings is not None
    return max(1, PART_VALUES // row.embeddings.shape[1])
