"""Embeddings of a long file, which wait on the disk until the whole file is known to be good."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
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

    Raises
    ------
    CorpusError
        If the file cannot be made, written or read, for example because the disk is full. Every
        method raises it. The audio file is not the cause, so this error must end the run.
    """

    def __init__(self, folder: Path, size: int, dtype: np.dtype):
        self.shape = (0, size)
        self.dtype = dtype
        self._folder = folder
        with self._naming_faults():
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
        """Add rows."""
        with self._naming_faults():
            self._file.seek(self.nbytes)
            self._file.write(np.ascontiguousarray(rows, self.dtype).data)
            self._file.flush()
        self.shape = (self.shape[0] + len(rows), self.shape[1])

    def __getitem__(self, rows: slice) -> np.ndarray:
        first, end, _ = rows.indices(len(self))
        values = np.empty((max(0, end - first), self.shape[1]), self.dtype)
        with self._naming_faults():
            self._file.seek(first * self.shape[1] * self.dtype.itemsize, os.SEEK_SET)
            self._file.readinto(values.data)
        return values

    @contextmanager
    def _naming_faults(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise CorpusError(
                f"{self._folder}: the embeddings of a long file cannot be kept there "
                f"({error.strerror or error}). Make room on the disk; the same command continues."
            ) from error
