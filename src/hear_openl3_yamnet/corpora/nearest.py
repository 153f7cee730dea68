"""The sounds of a corpus that are nearest to a query, found shard by shard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ..errors import OptionError, require
from .reading import Corpus, vectors

_BATCH = 4096
"""Scenes that are compared together: 25 MB of 6144 values."""


_PLACE = ["id", "path", "start", "duration"]


class Found(NamedTuple):
    """A sound of a corpus.

    Attributes
    ----------
    similarity : float
        The cosine of its embedding and the query, between -1 and 1.
    id, path : str
        As in the corpus.
    start, duration : float or None
        The excerpt of the file in seconds. None for its beginning, and for the rest of it.
    time : float or None
        Seconds from `start` to the nearest timestamp. None for a scene.
    """

    similarity: float
    id: str
    path: str
    start: float | None
    duration: float | None
    time: float | None


def nearest(corpus: Corpus, query: np.ndarray, top: int = 10) -> list[Found]:
    """Return the sounds with the highest cosine.

    The embeddings are read in parts, so that memory does not grow with the corpus.

    Parameters
    ----------
    corpus : Corpus
        If it has scene embeddings, they are compared. Otherwise the nearest timestamp of each
        file is.
    query : np.ndarray [shape=(size,)]
        From the same model.
    top : int
        How many sounds, at most.

    Returns
    -------
    list of Found
        The nearest first.

    Raises
    ------
    OptionError
        If the query has another size than the embeddings, or `top` is below 1.
    MissingExtraError
        If scikit-learn is not installed.
    """
    if top < 1:
        raise OptionError(f"top must be at least 1. Received: {top}")
    compare, size = (
        (_scenes, corpus.configuration["scene_size"])
        if corpus.has("scene")
        else (_timestamps, corpus.configuration["timestamp_size"])
    )
    if query.shape != (size,):
        raise OptionError(
            f"The query must have the {size} values of the corpus. Received: shape {query.shape}"
        )
    require("sklearn", extra="search")
    best: dict[str, Found] = {}
    for found in compare(corpus, query, top):
        if found.id not in best or best[found.id].similarity < found.similarity:
            best[found.id] = found
        if len(best) >= 2 * top:
            best = _highest(best, top)
    return list(_highest(best, top).values())


def _highest(best: dict[str, Found], top: int) -> dict[str, Found]:
    ranked = sorted(best.values(), key=lambda found: -found.similarity)
    return {found.id: found for found in ranked[:top]}


def _scenes(corpus: Corpus, query: np.ndarray, top: int) -> Iterator[Found]:
    """Yield the nearest scenes of each batch."""
    for batch in corpus.batches([*_PLACE, "scene"], _BATCH):
        if not len(batch):
            continue
        numbers, cosines = _neighbours(vectors(batch.column("scene")), query, top)
        rows = batch.select(_PLACE).take(pa.array(numbers)).to_pylist()
        for row, cosine in zip(rows, cosines, strict=True):
            yield Found(float(cosine), **row, time=None)


def _timestamps(corpus: Corpus, query: np.ndarray, top: int) -> Iterator[Found]:
    """Yield the nearest timestamp of each row; a long file has several rows."""
    for batch in corpus.batches([*_PLACE, "timestamps", "embeddings"], batch_size=16):
        for i, row in enumerate(batch.select(_PLACE).to_pylist()):
            values = vectors(batch.column("embeddings").slice(i, 1).flatten())
            (number,), (cosine,) = _neighbours(values, query, 1)
            time = batch.column("timestamps")[i][int(number)].as_py() / 1000
            yield Found(float(cosine), **row, time=time)


def _neighbours(rows: np.ndarray, query: np.ndarray, top: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the numbers and the cosines of the rows that are nearest to the query."""
    from sklearn.neighbors import NearestNeighbors

    index = NearestNeighbors(metric="cosine", algorithm="brute").fit(rows.astype(np.float32))
    distances, numbers = index.kneighbors(query[None], min(top, len(rows)))
    return numbers[0], 1 - distances[0]
