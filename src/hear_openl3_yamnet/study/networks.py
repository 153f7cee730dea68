"""Embedders of a study: many heads of one network in one pass, or a baseline.

The maps of the windows are computed once and go through every head. A model of `load_model` has
one head for each network.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from ..config import geometry
from ..config.options import Options
from ..engine.embedder import Embedder
from ..engine.request import Request
from ..features import framing
from ..pooling.scenes import ScenePooling

__all__ = ["Baseline", "ManyHeads", "pass_key"]

MEMORY_LIMIT = 2**29
"""Bytes. Whole maps and many heads take several times the memory of one head's activations."""


def pass_key(options: Options) -> Options:
    """Return what options must have in common to go through a network in one pass.

    They may differ in the head and in what follows it. With ``time="frame"``, the coarsest layer
    sets the map frames, so layers must be equal.
    """
    return dataclasses.replace(
        _within_window(options),
        layers=options.layers if options.time == "frame" else (),
        pooling="max",
        grid=(1, 1),
        gem_p=1.0,
    )


def _within_window(options: Options) -> Options:
    """Return the options without what happens after the head of a window."""
    return dataclasses.replace(options, scene_pooling="mean", normalize="none")


class ManyHeads:
    """One network with several heads.

    Parameters
    ----------
    options : iterable of Options
        Of one `pass_key`. Each head is computed once, also if several options have it.
    weights : mapping of str to np.ndarray
    """

    def __init__(self, options: Iterable[Options], weights: Mapping[str, np.ndarray]):
        self.options = list(options)
        distinct = list(dict.fromkeys(map(_within_window, self.options)))
        union = dataclasses.replace(
            distinct[0],
            layers=tuple(dict.fromkeys(layer for one in distinct for layer in one.layers)),
            memory_limit=MEMORY_LIMIT,
        )
        heads = [geometry.head(one) for one in distinct]
        self._embedder = Embedder(union, weights, heads)
        sizes = [geometry.timestamp_embedding_size(one) for one in distinct]
        self._slices = {
            one: slice(int(end) - size, int(end))
            for one, size, end in zip(distinct, sizes, np.cumsum(sizes), strict=True)
        }
        self.sample_rate = distinct[0].preset.sample_rate

    def scenes(self, clips: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Embed whole clips, at the options' scene hop.

        Parameters
        ----------
        clips : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
            At `sample_rate`.

        Returns
        -------
        list of np.ndarray [shape=(n_clips, size), dtype=float32]
            For each of the options, in order; not normalised.
        """
        pooled = [
            [
                ScenePooling(one.scene_pooling, geometry.timestamp_embedding_size(one))
                for one in self.options
            ]
            for _ in clips
        ]
        hop = geometry.scene_hop(self.options[0])
        for run in self._embedder.embed(Request.whole(clips, hop, self.sample_rate)):
            for one, pooling in zip(self.options, pooled[run.sound], strict=True):
                pooling.add(run.embeddings[:, self._slices[_within_window(one)]])
        return [
            np.stack([poolings[i].result() for poolings in pooled])
            for i in range(len(self.options))
        ]

    def timestamps(
        self, clips: Sequence[np.ndarray]
    ) -> tuple[list[list[np.ndarray]], list[np.ndarray]]:
        """Embed clips at regular times, at the options' hop.

        Parameters
        ----------
        clips : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
            At `sample_rate`.

        Returns
        -------
        embeddings : list of list of np.ndarray [shape=(n_timestamps, size), dtype=float32]
            For each of the options and each clip; not normalised.
        timestamps : list of np.ndarray [shape=(n_timestamps,), dtype=float64]
            Milliseconds, for each clip.
        """
        hop = geometry.hop(self.options[0])
        found: list[list[np.ndarray]] = [[] for _ in clips]
        for run in self._embedder.embed(Request.whole(clips, hop, self.sample_rate)):
            found[run.sound].append(np.array(run.embeddings))
        whole = [np.concatenate(runs) for runs in found]
        slices = [self._slices[_within_window(one)] for one in self.options]
        times = [framing.timestamps(len(rows), hop, self.sample_rate) for rows in whole]
        return [[np.ascontiguousarray(rows[:, own]) for rows in whole] for own in slices], times


class Baseline:
    """A module of the HEAR API, with the methods of `ManyHeads`.

    Parameters
    ----------
    name : str
        Of the module, with its packages.
    options : mapping
        Of its ``load_model``.
    """

    def __init__(self, name: str, options: Mapping[str, Any]):
        self._api = import_module(name)
        self._model = self._api.load_model(**options)
        self.sample_rate: int = self._model.sample_rate
        self.weights_id: str = getattr(self._model, "weights_id", "")

    def scenes(self, clips: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Embed whole clips, as `ManyHeads.scenes`."""
        with _loud_samples_accepted():
            rows = [
                np.asarray(self._api.get_scene_embeddings(clip[None], self._model))
                for clip in clips
            ]
        return [np.concatenate(rows)]

    def timestamps(
        self, clips: Sequence[np.ndarray]
    ) -> tuple[list[list[np.ndarray]], list[np.ndarray]]:
        """Embed clips at regular times, as `ManyHeads.timestamps`."""
        with _loud_samples_accepted():
            found = [self._api.get_timestamp_embeddings(clip[None], self._model) for clip in clips]
        return [[np.asarray(rows)[0] for rows, _ in found]], [np.asarray(t)[0] for _, t in found]


@contextmanager
def _loud_samples_accepted() -> Iterator[None]:
    """Accept samples outside [-1, 1] without a warning: resampling loud clips gives some."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "audio reaches from", UserWarning)
        yield
