"""A corpus on Ray Data: each block of files becomes a shard, by an actor that holds the model.

Ray sends paths and no audio, because all machines see the same folders. The names of a block's
shards follow from the block. If an actor dies and Ray gives its block to another actor, the new
shards replace the old ones.
"""

from __future__ import annotations

import math
import os
import pickle
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pyarrow as pa

from ..errors import HearError, MachineError, OptionError, require
from .batching import Embedding, embed_items
from .manifest import Item
from .progress import Progress
from .shards import ShardWriter, check_claim, claim, naming_faults

DECODING_THREADS = 2
"""Threads of each actor that decode."""

_LABEL = "label "
"""Label columns of a block begin with it, so that they cannot have the names of an item's fields.
"""

CLUSTER_OPTIONS = ("address", "num_cpus", "num_gpus")

_RESULTS = pa.schema([("error", pa.string()), ("duration", pa.float64()), ("ends", pa.binary())])

_EXCEPTION = re.compile(r"[\w.]+(Error|Exception)\b.*")
"""The line of a traceback that names the exception."""


class Job(NamedTuple):
    """Everything that an actor needs to embed files as the local engine does."""

    backend: str
    config: dict[str, Any]
    weights_id: str
    outputs: str
    float_type: str
    folder: str
    run: int
    columns: pa.Schema
    shard_rows: int
    mark: str

    @classmethod
    def of(
        cls, embedding: Embedding, folder: Path, run: int, columns: pa.Schema, shard_rows: int
    ) -> Job:
        """Describe the embedding of this machine, and mark the folder as this run's."""
        from ..engine.backend import BACKEND

        model, outputs = embedding.model, embedding.outputs
        return cls(
            BACKEND,
            model.config,
            model.weights_id,
            outputs,
            embedding.float_type,
            str(folder),
            run,
            columns,
            shard_rows,
            claim(folder),
        )


class EmbeddingActor:
    """Loads the model once, and turns blocks of files into shards.

    An error that ends the run goes back in a row, pickled: of an exception, Ray keeps the text.
    """

    def __init__(self, job: Job):
        self._job = job
        self._error: HearError | None = None
        try:
            self._embedding = _embedding_of(job)
        except HearError as error:
            self._error = error

    def __call__(self, block: pa.Table) -> pa.Table:
        """Embed the files of a block.

        Parameters
        ----------
        block : pa.Table
            Items with their labels.

        Returns
        -------
        pa.Table
            Error and duration of each file; or one row with the error that ends the run.
        """
        rows: list[dict[str, Any]] = []
        try:
            if self._error is not None:
                raise self._error
            rows.extend(self._embed(block))
        except HearError as error:
            rows = [{"ends": pickle.dumps(error)}]
        return pa.Table.from_pylist(rows, _RESULTS)

    def _embed(self, block: pa.Table) -> Iterator[dict[str, Any]]:
        job = self._job
        items = [
            Item(**{**row, "path": os.fsdecode(row["path"])})
            for row in block.select(Item._fields).to_pylist()
        ]
        names = [name for name in block.column_names if name.startswith(_LABEL)]
        labels = block.select(names).rename_columns([name.removeprefix(_LABEL) for name in names])
        number = {item.position: i for i, item in enumerate(items)}
        folder = Path(job.folder)
        writer = ShardWriter(
            folder,
            job.run,
            job.columns,
            lambda positions: labels.take([number[position] for position in positions]),
            job.shard_rows,
            seconds=math.inf,  # the clock must not decide the names of shards: see above
            check=lambda: check_claim(folder, job.mark),
        )
        with naming_faults(folder):
            for row in embed_items(items, self._embedding, DECODING_THREADS, threading.Event()):
                writer.add(row)
                yield {"error": row.error, "duration": row.duration}
            writer.flush()


def _embedding_of(job: Job) -> Embedding:
    """Load the model of a job in an actor.

    Raises
    ------
    OptionError
        If this machine has other weights.
    HearError
        As `load_model`.
    """
    os.environ["KERAS_BACKEND"] = job.backend
    from ..loading import load_model

    model = load_model(**job.config)
    if model.weights_id != job.weights_id:
        raise OptionError(
            f"This machine has other weights ({model.weights_id}) than the one that started "
            f"the run ({job.weights_id}). Fetch the same ones on all machines."
        )
    return Embedding(model, job.outputs, job.float_type, Path(job.folder))


def run_on_ray(
    items: Sequence[Item],
    labels: pa.Table,
    job: Job,
    progress: Progress,
    stop: threading.Event,
    n_actors: int,
    cluster: dict[str, Any],
) -> None:
    """Embed items on a Ray cluster.

    Parameters
    ----------
    items : sequence of Item
    labels : pa.Table
        One row for each position of the input.
    job : Job
    progress : Progress
    stop : threading.Event
        When it is set, no more blocks are begun.
    n_actors : int
    cluster : dict
        See `runner.embed_corpus`.

    Raises
    ------
    OptionError
        If a cluster option does not exist.
    MissingExtraError
        If Ray Data is not installed.
    MachineError
        If there is no such cluster, or an actor cannot load the model or embed anything.
    CorpusError
        If the folder cannot be written to.
    """
    if unknown := cluster.keys() - set(CLUSTER_OPTIONS):
        raise OptionError(
            f"cluster takes {', '.join(CLUSTER_OPTIONS)}. Received: {', '.join(sorted(unknown))}"
        )
    ray, data = require("ray", extra="ray"), require("ray.data", extra="ray")
    started = not ray.is_initialized()
    try:
        if started:
            _connect(ray, cluster.get("address") or "local")
        size = job.shard_rows
        blocks = [_block(items[i : i + size], labels) for i in range(0, len(items), size)]
        data.DataContext.get_current().enable_progress_bars = False
        embedded = data.from_arrow(blocks).map_batches(
            EmbeddingActor,
            fn_constructor_args=(job,),
            batch_size=None,  # a whole block
            batch_format="pyarrow",
            compute=data.ActorPoolStrategy(size=n_actors),
            num_cpus=cluster.get("num_cpus") or 1,
            num_gpus=cluster.get("num_gpus") or None,
        )
        for row in embedded.iter_rows():
            if row["ends"]:
                raise pickle.loads(row["ends"])
            progress.count(row["error"], row["duration"])
            if stop.is_set():
                break
    except ray.exceptions.RayError as error:
        raise MachineError(f"Ray ended the run: {_cause(error)}") from error
    finally:
        if started:
            ray.shutdown()


def _connect(ray: ModuleType, address: str) -> None:
    try:
        ray.init(address=address, include_dashboard=False if address == "local" else None)
    except ConnectionError as error:
        raise MachineError(
            f"There is no Ray cluster at {address} ({error}). Start one with `ray start`, or leave "
            "the address out."
        ) from error


def _cause(error: BaseException) -> str:
    """Return the line of Ray's error that says what happened. It adds hints to all settings."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    named = [line for line in lines if _EXCEPTION.match(line)]
    return (named or lines or [type(error).__name__])[-1]


def _block(items: Sequence[Item], labels: pa.Table) -> pa.Table:
    """Return a table of items with their labels. Paths are bytes, which need not be UTF-8."""
    own = {
        "id": pa.array([item.id for item in items], pa.string()),
        "path": pa.array([os.fsencode(item.path) for item in items], pa.binary()),
        "position": pa.array([item.position for item in items], pa.int64()),
        "start": pa.array([item.start for item in items], pa.float64()),
        "duration": pa.array([item.duration for item in items], pa.float64()),
    }
    taken = labels.take([item.position for item in items])
    return pa.table({**own, **{_LABEL + name: taken[name] for name in taken.column_names}})
