"""`embed_corpus`: selects the files to embed, runs an engine, and returns a summary."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import HearError, OptionError
from ..files import written_whole
from .batching import Embedding, embed_items
from .changes import find_changed
from .manifest import Item, Manifest, read_manifest
from .progress import Progress, Summary
from .shards import (
    Done,
    ShardWriter,
    drop,
    locked,
    read_done,
    remove_leftovers,
    shard_paths,
)
from .tables import describe, schema

if TYPE_CHECKING:
    from ..model import HearModel

logger = logging.getLogger(__name__)

SHARD_ROWS = 1024
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
    """Embed the files of a corpus into Parquet shards. Each file has a row, even if it is damaged.

    Files that already have a row in `out` are not embedded again, unless they have another size or
    modification time. So a run that ended for any reason continues when it is started again.

    Parameters
    ----------
    source
        A folder, a glob, a manifest (``.csv``, ``.tsv`` or ``.parquet`` with ``id`` and ``path``)
        or an audio file; see `manifest.read_manifest`.
    out
        Folder for the shards. It is made if it does not exist.
    model : str or HearModel
        The first argument of `load_model`, or a loaded model.
    outputs : str
        ``scene``, ``timestamps`` or ``both``.
    float_type : str
        Data type of the embeddings in the corpus: ``float32`` or ``float16``.
    workers : int, optional
        Threads that decode (``local``; 2 by default), or actors (``ray``; 1 by default).
    shard_rows : int
        Largest number of files in a shard.
    retry_failed : bool
        Whether to embed again the files that failed in an earlier run.
    engine : str
        ``local``, or ``ray`` for Ray Data.
    cluster : dict, optional
        Ray's ``address``, and ``num_gpus`` and ``num_cpus`` of each actor.
    **options
        Options of `load_model`.

    Returns
    -------
    Summary
        It is also written to ``out/_summary.json``.

    Raises
    ------
    OptionError
        If an option or the input is wrong, or `out` holds a corpus of another configuration.
    ManifestError
        If a manifest cannot be read as one.
    CorpusError
        If another run is writing to `out`, a shard there is damaged, or `out` cannot be written
        to: it is a file, it is read-only, or the disk is full. The shards there are whole, and the
        next run continues.
    MachineError
        If the machine is at fault and not a file, so that all others would fail, too.
    MissingExtraError
        If `engine` is ``ray`` and Ray Data is not installed, or if all files need the extra
        ``ffmpeg``.

    Notes
    -----
    On SIGINT (Ctrl-C) and SIGTERM, the current batch is finished and written. A second signal
    ends the run at once. In both cases no row is lost that was written before.
    """
    _check_options(engine, workers, shard_rows)
    manifest = read_manifest(source)
    model = _loaded(model, options)
    description = describe(model, outputs, float_type, manifest.labels.schema)
    columns = schema(description, manifest.labels.schema)
    folder = Path(out)
    with locked(folder):
        done, changed = _prepare(folder, description, manifest, retry_failed)
        before = done.ok | done.failed
        items = [item for item in manifest.items if item.id not in before]
        summary = Summary(len(manifest.items), len(manifest.items) - len(items))
        summary.changed, summary.skipped = changed, manifest.skipped
        summary.configuration = description
        embedding = Embedding(model, outputs, float_type, folder)
        run = done.run + 1
        with closing(Progress(summary)) as progress, _stopping() as stop:
            if engine == "ray":
                from .ray_engine import Job, run_on_ray

                job = Job.of(embedding, folder.absolute(), run, columns, shard_rows)
                run_on_ray(items, manifest.labels, job, progress, stop, workers or 1, cluster or {})
            else:
                writer = ShardWriter(folder, run, columns, manifest.labels.take, shard_rows)
                _run_here(items, embedding, writer, progress, stop, workers or 2)
        summary.interrupted = stop.is_set()
        summary.shards = len(shard_paths(folder))
        summary.total_ok = len(done.ok) + summary.embedded
        summary.total_failed = len(done.failed) + summary.failed
        with written_whole(folder / SUMMARY_NAME) as partial:
            partial.write_text(json.dumps(summary.as_dict(), indent=2) + "\n", encoding="utf-8")
    return summary


def _prepare(
    folder: Path, description: dict[str, Any], manifest: Manifest, retry_failed: bool
) -> tuple[Done, int]:
    """Remove what earlier runs left behind, and what has changed.

    Returns
    -------
    Done
    int
        How many files have changed.
    """
    remove_leftovers(folder)
    done = read_done(folder, description)
    changed = find_changed(folder, manifest.items)
    dropped = changed | done.failed if retry_failed else changed
    drop(folder, dropped)
    return done._replace(ok=done.ok - dropped, failed=done.failed - dropped), len(changed)


def _run_here(
    items: Sequence[Item],
    embedding: Embedding,
    writer: ShardWriter,
    progress: Progress,
    stop: threading.Event,
    n_threads: int,
) -> None:
    try:
        for row in embed_items(items, embedding, n_threads, stop):
            progress.count(row.error, row.duration)
            writer.add(row)
    except HearError:
        with suppress(OSError):  # the disk may be full; the first error says so
            writer.flush()
        raise
    writer.flush()


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """Let the first SIGINT or SIGTERM set an event, and the second do what it did before.

    A handler that was not set from Python cannot be restored. Its signal is left alone.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # only the main thread receives signals
        return

    def handle(number: int, frame: Any) -> None:
        stop.set()
        logger.warning("stopping after the current batch (a second signal stops at once)")
        signal.signal(number, before[number])

    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    before = {int(number): old for number, old in handlers.items() if old is not None}
    try:
        for number in before:
            signal.signal(number, handle)
        yield stop
    finally:
        for number, old in before.items():
            signal.signal(number, old)


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
