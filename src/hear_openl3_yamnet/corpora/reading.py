"""`load_corpus`: the shards of a folder as one small object."""

from __future__ import annotations

import os
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
        return self._dataset.to_table(["id"], filter=_ok()).column("id").to_pylist()

    @cached_property
    def scene(self) -> np.ndarray:
        """Scene embeddings of the files that were embedded.

        np.ndarray [shape=(n_files, size)], float32 or float16, in memory; `batches` for more than
        fits there.
        """
        size = self._scene_size()
        scenes = np.empty((len(self.ids), size), self.configuration["float_type"])
        filled = 0
        for batch in self.batches(["scene"]):
            scenes[filled : filled + len(batch)] = vectors(batch.column("scene"))
            filled += len(batch)
        return scenes

    @property
    def failures(self) -> pa.Table:
        """Id, path and error of the files that failed."""
        return self._dataset.to_table(["id", "path", "error"], filter=~_ok())

    @property
    def table(self) -> pa.Table:
        """All rows and columns, in memory."""
        return self._dataset.to_table()

    def batches(
        self, columns: list[str] | None = None, batch_size: int = 1024
    ) -> Iterator[pa.RecordBatch]:
        """Yield the rows of the files that were embedded, some at a time.

        Parameters
        ----------
        columns : list of str, optional
            All by default.
        batch_size : int
            Rows at the most.
        """
        # little read ahead: a row with timestamps may take a gigabyte
        return self._dataset.to_batches(
            columns, filter=_ok(), batch_size=batch_size, batch_readahead=1, fragment_readahead=1
        )

    def has(self, output: str) -> bool:
        """Whether the corpus holds ``scene`` or ``timestamps``."""
        return output in OUTPUTS[self.configuration["outputs"]]

    def _scene_size(self) -> int:
        if not self.has("scene"):
            raise OptionError(f"{self.folder} holds timestamps and no scenes.")
        return self.configuration["scene_size"]

    def __len__(self) -> int:
        return self._dataset.count_rows()

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


def _ok() -> pc.Expression:
    return pc.field("status") == "ok"
