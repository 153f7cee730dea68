"""`load_corpus`: finished shards, read back as one small object.

This module reads embeddings. The module `decoding` reads audio files.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from ..errors import CorpusError, OptionError
from .shards import naming_damage, read_description, shard_paths
from .tables import OUTPUTS

MOST_IN_MEMORY = 256 * 2**20
"""Largest size of scene embeddings that `Corpus.scene` holds in memory, in bytes."""

_EMBEDDED = pc.field("status") == "ok"
_FIRST_PART = pc.field("part") == 0


class Corpus:
    """The output of `embed_corpus`, in the order of its input.

    Parameters
    ----------
    folder : Path

    Attributes
    ----------
    folder : Path
    configuration : dict
        The model's options and weights id, the outputs, the float type, the labels, the version.

    Raises
    ------
    CorpusError
        If there are no shards, or the first is damaged. Every method and property raises it if a
        shard that it reads is damaged.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        paths = shard_paths(folder) if folder.is_dir() else []
        if not paths:
            raise CorpusError(f"{folder} holds no corpus: it has no file part-….parquet.")
        self.configuration: dict[str, Any] = read_description(paths[0])
        self._dataset = ds.dataset(paths, format="parquet")

    @cached_property
    def ids(self) -> list[str]:
        """Ids of the files that were embedded, in the order of `scene`'s rows."""
        return [id_ for batch in self.batches(["id"]) for id_ in batch.column("id").to_pylist()]

    @cached_property
    def scene(self) -> np.ndarray:
        """Scene embeddings of the files that were embedded.

        np.ndarray [shape=(n_files, size), dtype=float32 or float16]. Above 256 MB it is read-only
        and memory-mapped from a nameless file in the folder for temporary files (``TMPDIR``).
        """
        if not self.has("scene"):
            raise OptionError(f"{self.folder} holds timestamp embeddings and no scenes.")
        shape = (self._count(_EMBEDDED & _FIRST_PART), self.configuration["scene_size"])
        dtype = np.dtype(self.configuration["float_type"])
        if math.prod(shape) * dtype.itemsize > MOST_IN_MEMORY:
            return self._mapped_scenes(shape, dtype)
        scenes = np.empty(shape, dtype)
        filled = 0
        for batch in self.batches(["scene"]):
            scenes[filled : filled + len(batch)] = vectors(batch.column("scene"))
            filled += len(batch)
        return scenes

    def _mapped_scenes(self, shape: tuple[int, int], dtype: np.dtype) -> np.memmap:
        with tempfile.TemporaryFile(prefix="scenes-") as file:
            for batch in self.batches(["scene"]):
                file.write(np.ascontiguousarray(vectors(batch.column("scene"))).data)
            file.flush()
            return np.memmap(file, dtype, "r", shape=shape)  # keeps the closed file alive

    @property
    def failures(self) -> pa.Table:
        """Id, path and error of the files that failed."""
        columns = ["id", "path", "error"]
        schema = pa.schema([self._dataset.schema.field(name) for name in columns])
        return pa.Table.from_batches(self._scan(columns, ~_EMBEDDED), schema)

    @property
    def table(self) -> pa.Table:
        """All rows and columns, in memory. A long file with timestamps may have several rows."""
        return pa.Table.from_batches(self._scan(None, None), self._dataset.schema)

    def batches(
        self, columns: list[str] | None = None, batch_size: int = 1024
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the files that were embedded, some of them at a time.

        The further rows of long files, with a number above 0 in the column ``part``, are yielded
        if `columns` has ``timestamps`` or ``embeddings``. Otherwise a file is one row.

        Parameters
        ----------
        columns : list of str, optional
            All by default.
        batch_size : int
            Largest number of rows in a batch.
        """
        all_parts = columns is None or {"timestamps", "embeddings"}.intersection(columns)
        rows = _EMBEDDED if all_parts else _EMBEDDED & _FIRST_PART
        return self._scan(columns, rows, batch_size)

    def _scan(
        self, columns: list[str] | None, rows: pc.Expression | None, batch_size: int = 1024
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows that an expression selects, shard after shard."""
        for shard in self._dataset.get_fragments():
            scanner = shard.scanner(
                self._dataset.schema,
                columns=columns,
                filter=rows,
                batch_size=batch_size,
                batch_readahead=1,  # a row with timestamps may take a gigabyte
            )
            with naming_damage(Path(shard.path)):
                yield from scanner.to_batches()

    def _count(self, rows: pc.Expression) -> int:
        return sum(len(batch) for batch in self._scan(["part"], rows, 2**16))

    def has(self, output: str) -> bool:
        """Return whether the corpus holds ``scene`` or ``timestamps``."""
        return output in OUTPUTS[self.configuration["outputs"]]

    def __len__(self) -> int:
        return self._count(_FIRST_PART)

    def __repr__(self) -> str:
        made_of = f"{self.configuration['model']!r}, weights={self.configuration['weights_id']!r}"
        return f"Corpus({str(self.folder)!r}, {len(self)} files, {made_of})"


def load_corpus(folder: str | os.PathLike) -> Corpus:
    """Open the output of `embed_corpus`.

    Parameters
    ----------
    folder
        The `out` of `embed_corpus`.

    Returns
    -------
    Corpus

    Raises
    ------
    CorpusError
        If there are no shards, or the first is damaged.

    Examples
    --------
    >>> corpus = load_corpus("embeddings")  # doctest: +SKIP
    >>> corpus.ids[0], corpus.scene[0]  # doctest: +SKIP
    """
    return Corpus(Path(folder))


def vectors(column: pa.FixedSizeListArray) -> np.ndarray:
    """Return a column of vectors without missing values as an array [shape=(n, size)]."""
    return (
        column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), column.type.list_size)
    )
