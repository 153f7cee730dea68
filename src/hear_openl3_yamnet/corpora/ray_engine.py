"""A corpus on Ray Data: each block of files becomes a shard, by an actor that holds the model.

Rows carry paths, not sound: all machines see the same folders. A block's shards have names of
their own, so a block that Ray gives to another actor, because the first died, replaces them
instead of adding others.
"""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from ..errors import HearError, OptionError
from .batching import Embedding
from .manifest import Item
from .progress import Progress
from .runner import ShardWriter, embed_items

DECODING_THREADS = 2
"""Of each actor."""

CLUSTER_OPTIONS = ("address", "num_cpus", "num_gpus")


class Recipe(NamedTuple):
    """What an actor needs to do as the local engine does."""

    backend: str
    config: dict[str, Any]
    weights_id: str
    outputs: str
    float_type: str
    folder: str
    run: int
    columns: pa.Schema
    shard_rows: int

    @classmethod
    def of(
        cls, embedding: Embedding, folder: Path, run: int, columns: pa.Schema, shard_rows: int
    ) -> Recipe:
        """Write down what this machine's embedding is."""
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
        )


class EmbeddingActor:
    """Loads the model once, and turns blocks of files into shards."""

    def __init__(self, recipe: Recipe):
        os.environ["KERAS_BACKEND"] = recipe.backend
        from ..loading import load_model

        model = load_model(**recipe.config)
        if model.weights_id != recipe.weights_id:
            raise OptionError(
                f"This machine has other weights ({model.weights_id}) than the one that started "
                f"the run ({recipe.weights_id}). Fetch the same ones on all machines."
            )
        folder = Path(recipe.folder)
        self._embedding = Embedding(model, recipe.outputs, recipe.float_type, folder)
        self._recipe = recipe

    def __call__(self, block: pa.Table) -> pa.Table:
        """Embed the files of a block; return what became of each."""
        recipe = self._recipe
        items = [
            Item(**{**row, "path": os.fsdecode(row["path"])})
            for row in block.select(Item._fields).to_pylist()
        ]
        labels = block.drop_columns(list(Item._fields))
        number = {item.position: i for i, item in enumerate(items)}
        writer = ShardWriter(
            Path(recipe.folder),
            recipe.run,
            recipe.columns,
            lambda positions: labels.take([number[position] for position in positions]),
            recipe.shard_rows,
            seconds=math.inf,  # where shards end must not depend on the clock: see above
        )
        rows = []
        for row in embed_items(items, self._embedding, DECODING_THREADS, threading.Event()):
            writer.add(row)
            rows.append({"error": row.error, "duration": row.duration})
        writer.flush()
        schema = pa.schema([("error", pa.string()), ("duration", pa.float64())])
        return pa.Table.from_pylist(rows, schema)


def run_on_ray(
    items: Sequence[Item],
    labels: pa.Table,
    recipe: Recipe,
    progress: Progress,
    stop: threading.Event,
    actors: int,
    cluster: dict[str, Any],
) -> None:
    """Embed items on a Ray cluster.

    Parameters
    ----------
    items : sequence of Item
    labels : pa.Table
        By the items' positions.
    recipe : Recipe
    progress : Progress
    stop : threading.Event
        When set, no more blocks are begun.
    actors : int
    cluster : dict
        See `runner.embed_corpus`.

    Raises
    ------
    OptionError
        If a cluster option does not exist.
    HearError
        If Ray is not installed.
    """
    if unknown := cluster.keys() - set(CLUSTER_OPTIONS):
        raise OptionError(
            f"cluster takes {', '.join(CLUSTER_OPTIONS)}. Received: {', '.join(sorted(unknown))}"
        )
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise HearError(
            "engine='ray' needs Ray Data, which is not installed. "
            'Install it with: pip install "hear-openl3-yamnet[ray]"'
        ) from error
    started = not ray.is_initialized()
    if started:
        address = cluster.get("address") or "local"
        ray.init(address=address, include_dashboard=False if address == "local" else None)
    try:
        size = recipe.shard_rows
        blocks = [_block(items[i : i + size], labels) for i in range(0, len(items), size)]
        ray.data.DataContext.get_current().enable_progress_bars = False
        embedded = ray.data.from_arrow(blocks).map_batches(
            EmbeddingActor,
            fn_constructor_args=(recipe,),
            batch_size=None,  # a block as it is
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=actors),
            num_cpus=cluster.get("num_cpus") or 1,
            num_gpus=cluster.get("num_gpus") or None,
        )
        for row in embedded.iter_rows():
            progress.count(row["error"], row["duration"])
            if stop.is_set():
                break
    finally:
        if started:
            ray.shutdown()


def _block(items: Sequence[Item], labels: pa.Table) -> pa.Table:
    """Return a table of items with their labels; paths as bytes, which need not be UTF-8."""
    own = {
        "id": pa.array([item.id for item in items], pa.string()),
        "path": pa.array([os.fsencode(item.path) for item in items], pa.binary()),
        "position": pa.array([item.position for item in items], pa.int64()),
        "start": pa.array([item.start for item in items], pa.float64()),
        "duration": pa.array([item.duration for item in items], pa.float64()),
    }
    taken = labels.take([item.position for item in items])
    return pa.table({**own, **{name: taken[name] for name in taken.column_names}})
