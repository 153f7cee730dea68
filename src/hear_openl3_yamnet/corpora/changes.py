"""Which files were replaced since they were embedded: by their size and modification time."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from .decoding import status_of
from .manifest import Item
from .shards import naming_damage, shard_paths

_THREADS = 16
"""A folder in a network answers many questions in the time of one."""


def find_changed(folder: Path, items: Iterable[Item]) -> set[str]:
    """Compare the files of a corpus with what its rows say of them.

    Parameters
    ----------
    folder : Path
        Of the shards.
    items : iterable of Item
        The input of this run.

    Returns
    -------
    set of str
        The ids whose file has another size or modification time, or had none and is there now. A
        file that was embedded and is gone keeps its row.

    Raises
    ------
    CorpusError
        If a shard is damaged.
    """
    paths = {item.id: item.path for item in items}
    changed = set()
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="comparing") as pool:
        for shard in shard_paths(folder):
            with naming_damage(shard), pq.ParquetFile(shard) as file:
                table = file.read(["id", "part", "size", "modified"])
            rows = [
                (row["id"], (row["size"], row["modified"]))
                for row in table.filter(pc.equal(table["part"], 0)).to_pylist()
                if row["id"] in paths
            ]
            places = list(dict.fromkeys(paths[id_] for id_, _ in rows))
            now = dict(zip(places, pool.map(status_of, places), strict=True))
            for id_, before in rows:
                if now[paths[id_]] not in (before, (None, None)):
                    changed.add(id_)
    return changed
