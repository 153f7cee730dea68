"""Embeddings of a long file, which wait on the disk until the whole file is known to be good."""

from __future__ import annotations

import os
import tempfile
import weakref
from pathlib import Path

import numpy as np

from ..errors import CorpusError
from ..files import PARTIAL_PREFIX


class Spill:
    """A matrix in a nameless file on the disk, to which rows are appended.

    Parameters
    ----------
    folder : Path
        Folder with enough free space.
    size : int
        Values in a row.
    dtype : np.dtype
    """

    def __init__(self, folder: Path, size: int, dtype: np.dtype):
        self.shape = (0, size)
        self.dtype = dtype
        self._folder = folder
        # on systems without nameless files, it has a name for a moment
        self._file = tempfile.TemporaryFile(dir=folder, prefix=PARTIAL_PREFIX)  # noqa: SIM115
        weakref.finalize(self, self._file.close)

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
            If they cannot be written, for example because the disk is full. The audio file is not
            the cause, so this error must end the run.
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
