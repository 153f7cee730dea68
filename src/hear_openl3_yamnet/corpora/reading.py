"""`load_corpus`: the shards of a folder as one small object."""

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
from .rows import OUTPUTS
from .shards import read_description, shard_paths

MOST_IN_MEMORY = 256 * 2**20
"""Bytes of scenes."""


class Corpus:
    """What `embed_corpus` wrote, in the order of its input.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    CorpusError
        If there are no shards, or the first is damaged.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        paths = shard_paths(folder) if folder.is_dir() else []
        if not paths:
            raise CorpusError(f"{folder} holds no corpus: there is no part-….parquet.")
        self.configuration: dict[str, Any] = read_description(paths[0])
        self._dataset = ds.dataset(paths, format="parquet")

    @cached_property
    def ids(self) -> list[str]:
        """Ids of the files that were embedded, in the order of `scene`'s rows."""
        return self._dataset.to_table(["id"], filter=_file()).column("id").to_pylist()

    @cached_property
    def scene(self) -> np.ndarray:
        """Scene embeddings of the files that were embedded.

        np.ndarray [shape=(n_files, size)], float32 or float16; beyond 256 MB memory-mapped and
        read-only, from a file without a name in the folder for temporary files (``TMPDIR``).
        """
        if not self.has("scene"):
            raise OptionError(f"{self.folder} holds timestamps and no scenes.")
        shape = (self._dataset.count_rows(filter=_file()), self.configuration["scene_size"])
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
            return np.memmap(file, dtype, "r", shape=shape)  # holds the file though it is closed

    @property
    def failures(self) -> pa.Table:
        """Id, path and error of the files that failed."""
        return self._dataset.to_table(["id", "path", "error"], filter=pc.field("status") != "ok")

    @property
    def table(self) -> pa.Table:
        """All rows and columns, in memory; a long file with timestamps may have several."""
        return self._dataset.to_table()

    def batches(
        self, columns: list[str] | None = None, batch_size: int = 1024
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the files that were embedded, some at a time.

        The further rows of long files, their column ``part`` above 0, come where columns ask for
        timestamps or embeddings; else a file is one row.

        Parameters
        ----------
        columns : list of str, optional
            All by default.
        batch_size : int
            Rows at the most.
        """
        of_parts = columns is None or {"timestamps", "embeddings"}.intersection(columns)
        rows = pc.field("status") == "ok" if of_parts else _file()
        # little read ahead: a row with timestamps may take a gigabyte
        return self._dataset.to_batches(
            columns, filter=rows, batch_size=batch_size, batch_readahead=1, fragment_readahead=1
        )

    def has(self, output: str) -> bool:
        """Whether the corpus holds ``scene`` or ``timestamps``."""
        return output in OUTPUTS[self.configuration["outputs"]]

    def __len__(self) -> int:
        return self._dataset.count_rows(filter=pc.field("part") == 0)

    def __repr__(self) -> str:
        made_of = f"{self.configuration['model']!r}, weights={self.configuration['weights_id']!r}"
        return f"Corpus({str(self.folder)!r}, {len(self)} files, {made_of})"


def load_corpus(folder: str | os.PathLike) -> Corpus:
    """Open what `embed_corpus` wrote.

    Parameters
    ----------
    folder
        Its `out`.

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
    """Return a column of vectors without gaps as an array [shape=(n, size)]."""
    return (
        column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), column.type.list_size)
    )


def _file() -> pc.Expression:
    """Tell the one row of each file that was embedded."""
    return (pc.field("status") == "ok") & (pc.field("part") == 0)
