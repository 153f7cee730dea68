"""The row of a file: its embeddings, or the reason why it has none.

The embeddings of a long file become several rows, the row parts. Parquet's writer keeps a row
together in a page of at most 2 GB, and holds about six times that page while it writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from .manifest import Item

if TYPE_CHECKING:
    from .spill import Spill

MOST_VALUES = 2**24
"""Values of embeddings in one row: 11 minutes of YAMNet's 1024 at 40 ms, 64 MB as float32."""


@dataclass
class Row:
    """What is known of a file, and what was computed from it.

    Attributes
    ----------
    item : Item
    error : str or None
        Why the file failed.
    size, modified : int, float or None
        Bytes, and seconds since 1970. None if there is no file.
    duration : float or None
        Seconds that were embedded.
    sample_rate, channels : int or None
        Of the file.
    peak : float or None
        Largest absolute sample of the mono mix. The networks were not trained on samples above 1.
    scene : np.ndarray [shape=(size,)] or None
    timestamps : np.ndarray [shape=(n_timestamps,), dtype=float64] or None
        Milliseconds.
    embeddings : np.ndarray or Spill [shape=(n_timestamps, size)] or None
    part : int
        Number of the row part: 0, or more for the further rows of a long file.
    """

    item: Item
    error: str | None = None
    size: int | None = None
    modified: float | None = None
    duration: float | None = None
    sample_rate: int | None = None
    channels: int | None = None
    peak: float | None = None
    scene: np.ndarray | None = field(default=None, repr=False)
    timestamps: np.ndarray | None = field(default=None, repr=False)
    embeddings: np.ndarray | Spill | None = field(default=None, repr=False)
    part: int = 0

    @property
    def n_bytes(self) -> int:
        """Bytes of embeddings."""
        arrays = (self.scene, self.timestamps, self.embeddings)
        return sum(array.nbytes for array in arrays if array is not None)

    def fail(self, error: str) -> Row:
        """Turn this row into the row of a failure, and return it."""
        self.error, self.scene, self.timestamps, self.embeddings = error, None, None, None
        return self


def needs_row_parts(row: Row) -> bool:
    """Return whether a file has more embeddings than one row may hold."""
    return row.embeddings is not None and len(row.embeddings) > _most_embeddings(row)


def row_parts(row: Row) -> Iterator[Row]:
    """Divide the row of a long file.

    Parameters
    ----------
    row : Row
        With embeddings.

    Yields
    ------
    Row
        The first has all that is known of the file. The others have its item, their own
        timestamps and their own embeddings, which are read when they are asked for.
    """
    assert row.embeddings is not None
    assert row.timestamps is not None
    most = _most_embeddings(row)
    yield replace(row, timestamps=row.timestamps[:most], embeddings=row.embeddings[:most])
    for number, first in enumerate(range(most, len(row.embeddings), most), start=1):
        taken = slice(first, first + most)
        times, values = row.timestamps[taken], row.embeddings[taken]
        yield Row(row.item, part=number, timestamps=times, embeddings=values)


def _most_embeddings(row: Row) -> int:
    assert row.embeddings is not None
    return max(1, MOST_VALUES // row.embeddings.shape[1])
