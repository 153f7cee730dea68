"""Audio files → rows: short files together in full batches, long files block by block."""

from __future__ import annotations

import logging
import math
import threading
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..audio.files import LONGEST_WHOLE_S
from ..errors import CorpusError, MachineError
from ..features import framing
from . import trial
from .decoding import (
    Clip,
    explain,
    may_be_the_machines,
    one_ahead,
    read_ahead,
    stream,
)
from .manifest import Item
from .rows import Row, needs_row_parts
from .spill import Spill
from .tables import OUTPUTS

if TYPE_CHECKING:
    from ..model import HearModel

logger = logging.getLogger(__name__)

FULL_BATCHES = 2
"""Full batches of windows for which short files are gathered. More would only delay the rows."""

LEAST_WINDOWS = 256
"""Smallest number of windows that are gathered."""

MOST_SECONDS = 300.0
"""Longest audio that is gathered, in seconds, for long hops: 58 MB at 48 kHz."""


class Embedding:
    """What a corpus keeps of each file, and how it is computed.

    Parameters
    ----------
    model : HearModel
    outputs : str
        One of `tables.OUTPUTS`.
    float_type : str
        Data type of the embeddings in the corpus.
    folder : Path
        Folder in which the embeddings of long files wait until they are written.
    """

    def __init__(self, model: HearModel, outputs: str, float_type: str, folder: Path):
        self.model = model
        self.outputs = outputs
        self.float_type = float_type
        self.folder = folder
        self._scene = "scene" in OUTPUTS[outputs]
        self._timestamps = "timestamps" in OUTPUTS[outputs]
        self._dtype = np.dtype(float_type)
        self._hop = framing.hop_samples(model.hop_size, model.sample_rate)
        self._scene_hop = framing.hop_samples(model.scene_hop_size, model.sample_rate)

    @property
    def longest_s(self) -> float:
        """Seconds of the longest file that is decoded as a whole: any file, for dense framing."""
        dense = self.model.ensemble.is_dense
        return math.inf if dense else LONGEST_WHOLE_S

    def n_windows(self, waveform: np.ndarray) -> int:
        """Return how many windows the network computes for a clip."""
        hops = [self._hop] * self._timestamps + [self._scene_hop] * self._scene
        return sum(framing.count_windows(len(waveform), hop) for hop in hops)

    def embed_together(self, clips: Sequence[Clip]) -> None:
        """Fill in the rows of decoded clips."""
        waveforms: list[Any] = [clip.waveform for clip in clips]
        if self._scene:
            scenes = self.model.scene_embeddings(waveforms)
            for clip, scene in zip(clips, scenes, strict=True):
                clip.row.scene = scene.astype(self._dtype)
        if self._timestamps:
            ensemble = self.model.ensemble
            for clip, values in zip(clips, ensemble.embed(waveforms, self._hop), strict=True):
                clip.row.embeddings = values.astype(self._dtype, copy=False)
                clip.row.timestamps = self._times(len(values))

    def embed_long(self, row: Row, pool: Executor) -> None:
        """Fill in the row of a long file, which is decoded block by block."""
        rate = self.model.sample_rate
        scene = self.model.scene_stream() if self._scene else None
        times = self.model.stream() if self._timestamps else None
        kept = Spill(self.folder, self.model.timestamp_embedding_size, self._dtype)
        for block in one_ahead(stream(row, rate), pool):
            if scene:
                scene.push(block)
            if times:
                kept.append(times.push(block)[0])
        if times:
            kept.append(times.flush()[0])
            row.embeddings, row.timestamps = kept, self._times(len(kept))
            if not needs_row_parts(row):
                row.embeddings = kept[:]
        if scene:
            row.scene = scene.flush().astype(self._dtype)

    def _times(self, count: int) -> np.ndarray:
        return framing.timestamps(count, self._hop, self.model.sample_rate)


def embed_items(
    items: Iterable[Item], embedding: Embedding, n_threads: int, stop: threading.Event
) -> Iterator[Row]:
    """Decode files in threads, embed them, and yield their rows in order.

    Parameters
    ----------
    items : iterable of Item
    embedding : Embedding
    n_threads : int
        Threads that decode.
    stop : threading.Event
        When it is set, the gathered files are finished, and no others are begun.

    Raises
    ------
    MachineError
        If not a file but the machine is at fault, so that all others would fail, too.
    CorpusError
        If the embeddings of a long file cannot be kept.
    """
    pool = ThreadPoolExecutor(n_threads, thread_name_prefix="decoding")
    try:
        clips = read_ahead(items, embedding.model.sample_rate, pool, embedding.longest_s)
        yield from _embed_clips(clips, embedding, pool, stop)
    finally:
        pool.shutdown(cancel_futures=True)


def _embed_clips(
    clips: Iterable[Clip], embedding: Embedding, pool: Executor, stop: threading.Event
) -> Iterator[Row]:
    """Gather short files in batches; embed a long file by itself."""
    most_windows = max(LEAST_WINDOWS, FULL_BATCHES * embedding.model.ensemble.windows_at_once())
    batch: list[Clip] = []
    n_windows, seconds = 0, 0.0
    for clip in clips:
        if stop.is_set():
            break
        _check_machine(clip.cause, embedding)
        cost = 0 if clip.waveform is None else embedding.n_windows(clip.waveform)
        length = 0.0 if clip.waveform is None else float(clip.row.duration or 0)
        full = n_windows + cost > most_windows or seconds + length > MOST_SECONDS
        if full or clip.is_long:
            yield from _embed_batch(batch, embedding)
            batch, n_windows, seconds = [], 0, 0.0
        if clip.is_long:
            yield _embed_long(clip.row, embedding, pool)
            continue
        batch.append(clip)
        n_windows, seconds = n_windows + cost, seconds + length
    yield from _embed_batch(batch, embedding)


def _embed_batch(batch: list[Clip], embedding: Embedding) -> Iterator[Row]:
    """Embed clips together. If that fails, embed them one by one to find the cause."""
    good = [clip for clip in batch if clip.row.error is None]
    try:
        if good:
            embedding.embed_together(good)
    except Exception as error:
        _check_machine(error, embedding)
        if len(good) == 1:
            good[0].row.fail(explain(error))
        else:
            logger.warning("a batch of %d files failed (%s); now one by one", len(good), error)
            for clip in good:
                list(_embed_batch([clip], embedding))
    for clip in batch:
        yield clip.row


def _embed_long(row: Row, embedding: Embedding, pool: Executor) -> Row:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of loud samples: the row has the peak
            embedding.embed_long(row, pool)
    except CorpusError:
        raise
    except Exception as error:
        _check_machine(error, embedding)
        row.fail(explain(error))
    return row


def _check_machine(error: Exception | None, embedding: Embedding) -> None:
    """Raise a `MachineError` if an error with a file is one that every file meets."""
    if not may_be_the_machines(error):
        return
    try:
        trial.embed(embedding)
    except Exception as fault:
        raise MachineError(
            f"No file can be embedded on this machine, not even a sound that is known to be good: "
            f"{explain(fault)}. What was embedded is kept. Mend the cause; the same command "
            "continues."
        ) from fault
