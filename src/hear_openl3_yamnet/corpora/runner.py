"""`embed_corpus`: which files are to be done, by which engine, and what came of it."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ..errors import OptionError
from .batching import Embedding, embed_clips
from .decoding import read_ahead
from .manifest import Item, read_manifest
from .progress import Progress, Summary
from .rows import Row, describe, schema, to_table
from .shards import (
    drop_failed,
    locked,
    read_done,
    remove_leftovers,
    shard_path,
    shard_paths,
    write_json,
    write_shard,
)
from .spill import needs_parts, split

if TYPE_CHECKING:
    from ..model import HearModel

logger = logging.getLogger(__name__)

SHARD_ROWS = 1024
SHARD_BYTES = 128 * 2**20
"""Of embeddings; a shard ends with the file that reaches it."""

SHARD_SECONDS = 60.0
"""A shard is written this often at the least: what a killed run can lose."""

SUMMARY_NAME = "_summary.json"


def embed_corpus(
    source: str | os.PathLike,
    out: str | os.PathLike,
    model: str | HearModel = "",
    *,
    outputs: str = "scene",
    float_type: str = "float32",
    workers: int | None = None,
    shard_rows: int = SHARD_ROWS,
    retry_failed: bool = False,
    engine: str = "local",
    cluster: dict[str, Any] | None = None,
    **options: Any,
) -> Summary:
    """Embed the files of a corpus into Parquet shards: a row a file, whatever is wrong with it.

    What a folder holds already is skipped, so a run that was ended in any way goes on when it is
    started again.

    Parameters
    ----------
    source
        A folder, a glob, a manifest (``.csv`` or ``.parquet`` with ``id`` and ``path``) or an
        audio file; see `manifest.read_manifest`.
    out
        Folder for the shards; made if need be.
    model : str or HearModel
        As the first argument of `load_model`; or a model.
    outputs : str
        ``scene``, ``timestamps`` or ``both``.
    float_type : str
        ``float32`` or ``float16``, of what is kept.
    workers : int, optional
        Threads that decode (``local``; 2 by default), or actors (``ray``; 1 by default).
    shard_rows : int
        Files in a shard at the most.
    retry_failed : bool
        Whether files that failed in an earlier run are done again.
    engine : str
        ``local``, or ``ray`` for Ray Data.
    cluster : dict, optional
        Ray's ``address``, and ``num_gpus`` and ``num_cpus`` of each actor.
    **options
        Of `load_model`.

    Returns
    -------
    Summary
        Also written to ``out/_summary.json``.

    Raises
    ------
    OptionError
        If the input is no corpus, or `out` holds one of another configuration.
    CorpusError
        If another run is writing to `out`, or a shard there is damaged.
    OSError
        If `out` cannot be written to.

    Notes
    -----
    On SIGINT (Ctrl-C) and SIGTERM the files in hand are finished and written; a second one ends
    the run at once. Both lose no row that was written before.
    """
    _check_options(engine, workers, shard_rows)
    manifest = read_manifest(source)
    model = _loaded(model, options)
    description = describe(model, outputs, float_type, manifest.labels.schema)
    columns = schema(description, manifest.labels.schema)
    folder = Path(out)
    with locked(folder):
        remove_leftovers(folder)
        done = read_done(folder, description)
        if retry_failed and done.failed:
            drop_failed(folder)
            done = read_done(folder)._replace(run=done.run)
        before = done.ok | done.failed
        items = [item for item in manifest.items if item.id not in before]
        summary = Summary(len(manifest.items), len(manifest.items) - len(items))
        summary.configuration = description
        progress = Progress(summary)
        embedding = Embedding(model, outputs, float_type, folder)
        run = done.run + 1
        try:
            with stopping() as stop:
                if engine == "ray":
                    from .ray_engine import Recipe, run_on_ray

                    recipe = Recipe.of(embedding, folder.absolute(), run, columns, shard_rows)
                    run_on_ray(
                        items, manifest.labels, recipe, progress, stop, workers or 1, cluster or {}
                    )
                else:
                    writer = ShardWriter(folder, run, columns, manifest.labels.take, shard_rows)
                    for row in embed_items(items, embedding, workers or 2, stop):
                        progress.count(row.error, row.duration)
                        writer.add(row)
                    writer.flush()
        finally:
            progress.close()
        summary.interrupted = stop.is_set()
        summary.shards = len(shard_paths(folder))
        summary.total_ok = len(done.ok) + summary.embedded
        summary.total_failed = len(done.failed) + summary.failed
        write_json(folder / SUMMARY_NAME, summary.as_dict())
    return summary


def embed_items(
    items: Sequence[Item], embedding: Embedding, workers: int, stop: threading.Event
) -> Iterator[Row]:
    """Decode items in threads, embed them, and yield their rows in order."""
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decoding")
    try:
        rate = embedding.model.sample_rate
        clips = read_ahead(items, rate, pool, embedding.longest_s)
        yield from embed_clips(clips, embedding, pool, stop)
    finally:
        pool.shutdown(cancel_futures=True)


class ShardWriter:
    """Gathers rows, and writes a shard whenever there are enough.

    Parameters
    ----------
    folder : Path
    run : int
        Number of the run, above those of all shards that are there.
    columns : pa.Schema
        From `rows.schema`.
    labels : callable
        Of rows' positions in the input: their labels.
    most_rows : int
        Rows of a shard.
    seconds : float
        That a shard is waited for.
    """

    def __init__(
        self,
        folder: Path,
        run: int,
        columns: pa.Schema,
        labels: Callable[[list[int]], pa.Table],
        most_rows: int,
        seconds: float = SHARD_SECONDS,
    ):
        self.folder = folder
        self.run = run
        self.columns = columns
        self.labels = labels
        self.seconds = seconds
        self.most_rows = most_rows
        self._rows: list[Row] = []
        self._bytes = 0
        self._since = time.monotonic()

    def add(self, row: Row) -> None:
        """Take in a row; write a shard if it is the last that fits, or one that needs its own."""
        if needs_parts(row):
            self.flush()
            self._write(([part] for part in split(row)), row)
            return
        self._rows.append(row)
        self._bytes += row.n_bytes
        if (
            len(self._rows) >= self.most_rows
            or self._bytes >= SHARD_BYTES
            or time.monotonic() - self._since >= self.seconds
        ):
            self.flush()

    def flush(self) -> None:
        """Write the rows gathered so far."""
        if self._rows:
            self._write([self._rows], self._rows[0])
        self._rows, self._bytes, self._since = [], 0, time.monotonic()

    def _write(self, groups: Iterable[list[Row]], first: Row) -> None:
        tables = (
            to_table(rows, self.columns, self.labels([row.item.position for row in rows]))
            for rows in groups
        )
        write_shard(tables, shard_path(self.folder, self.run, first.item.position))


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Let the first SIGINT or SIGTERM set an event, and the second do what it always does."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # signals go to the main thread alone
        return

    def handle(number: int, frame: Any) -> None:
        stop.set()
        logger.warning("stopping: the files in hand are finished (once more: at once)")
        signal.signal(number, before[signal.Signals(number)])

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _loaded(model: str | HearModel, options: dict[str, Any]) -> HearModel:
    if isinstance(model, str | os.PathLike):
        from ..loading import load_model

        return load_model(model, **options)
    if options:
        raise OptionError(
            f"A loaded model takes no more options. Received: {', '.join(sorted(options))}"
        )
    return model


def _check_options(engine: str, workers: int | None, shard_rows: int) -> None:
    if engine not in ("local", "ray"):
        raise OptionError(f"engine must be 'local' or 'ray'. Received: {engine!r}")
    for name, value in [("workers", workers), ("shard_rows", shard_rows)]:
        if value is not None and value < 1:
            raise OptionError(f"{name} must be at least 1. Received: {value!r}")
