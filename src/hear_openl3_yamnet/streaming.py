"""Audio that arrives in blocks → the embeddings of the whole, as soon as they are ready.

An embedding is ready when the last sample of its window has arrived: for a window around its time,
that is half a window later. A stream keeps the samples that later windows still see, and no others.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from .audio import downsampling
from .audio.checks import checked_samples
from .engine.embedder import Embedder
from .engine.ensemble import Ensemble
from .engine.request import Request
from .errors import OptionError, StreamError
from .features import framing

LONGEST_BLOCK_S = 30
"""Seconds of a push that are embedded together: enough for full batches, 6 MB at 48 kHz."""


class _Network(NamedTuple):
    """One of the model's networks, and how it sees the stream's samples."""

    embedder: Embedder
    hop: Fraction  # in its own samples
    factor: int  # samples of the stream for one of its own
    reach: int  # samples of the stream that one of its own sees on either side

    def timestamps_within(self, n_samples: int) -> int:
        n_own = (n_samples - self.reach) // self.factor
        return self.embedder.timestamps_within(n_own, self.hop)

    def first_sample(self, timestamp: int) -> int:
        return self.embedder.first_sample(timestamp, self.hop) * self.factor - self.reach


class Stream:
    """One sound that a model embeds as it arrives, made by `HearModel.stream`.

    Parameters
    ----------
    ensemble : Ensemble
        The model's networks.
    hop : Fraction
        Samples between timestamps.
    normalize : bool
        Whether to normalise the embeddings if the model does so.

    Raises
    ------
    OptionError
        If the framing is dense.
    """

    def __init__(self, ensemble: Ensemble, hop: Fraction, *, normalize: bool = True):
        if ensemble.is_dense:
            raise OptionError(
                "framing='dense' takes its reference level from the whole clip, which a stream "
                "does not have yet. Load the model with framing='exact'."
            )
        self._ensemble = ensemble
        self._hop = hop
        self._normalize = normalize
        self._networks = []
        for embedder in ensemble.networks:
            own_rate = embedder.options.preset.sample_rate
            factor = ensemble.sample_rate // own_rate
            reach = downsampling.reach(ensemble.sample_rate, own_rate)
            self._networks.append(_Network(embedder, hop / factor, factor, reach))
        # with time="frame", a window gives several timestamps, which are ready together
        self._step = math.lcm(*(n.embedder.timestamps_per_window(n.hop) for n in self._networks))
        self._factor = math.lcm(*(network.factor for network in self._networks))
        self._samples = np.empty(0, np.float32)
        self._origin = 0  # place of the first of them in the stream
        self._n_samples = 0  # pushed so far
        self._n_timestamps = 0  # returned so far
        self._ended = False

    @property
    def n_samples(self) -> int:
        """Samples pushed so far."""
        return self._n_samples

    @property
    def n_buffered(self) -> int:
        """Samples kept for later windows: never more than 30 s of a push and one window."""
        return len(self._samples)

    def push(self, samples: Any) -> tuple[np.ndarray, np.ndarray]:
        """Add the next samples, and return the embeddings that they complete.

        Parameters
        ----------
        samples : tensor or np.ndarray [shape=(n_samples,), dtype=float16, 32 or 64]
            Mono, at ``model.sample_rate``, in [-1, 1]; any number of them, also none.

        Returns
        -------
        embeddings : np.ndarray [shape=(n, model.timestamp_embedding_size), dtype=float32]
            Those that no push has returned before; often none.
        timestamps : np.ndarray [shape=(n,), dtype=float64]
            Milliseconds since the beginning of the stream.

        Raises
        ------
        AudioError
            If the samples are not 1-D, or contain NaN or infinity. None of them is added.
        AudioTypeError
            If they are not real floating-point numbers.
        StreamError
            If the stream has ended.

        Warns
        -----
        UserWarning
            If there are samples outside [-1, 1].
        """
        self._check_open()
        samples = checked_samples(samples)
        longest = LONGEST_BLOCK_S * self._ensemble.sample_rate
        ready = []
        for first in range(0, len(samples), longest):
            self._append(samples[first : first + longest])
            ready.append(self._embed_until(self._n_ready()))
        return self._with_times(ready)

    def flush(self) -> tuple[np.ndarray, np.ndarray]:
        """End the stream, and return the remaining embeddings. The end is followed by silence.

        Returns
        -------
        embeddings, timestamps : np.ndarray
            As `push` returns them. All embeddings of a stream together are those of
            `get_timestamp_embeddings`. A stream without samples has none.

        Raises
        ------
        StreamError
            If the stream has ended before.
        """
        self._check_open()
        total = framing.count_windows(self._n_samples, self._hop) if self._n_samples else 0
        remaining = self._with_times([self._embed_until(total)])
        self._ended = True
        self._samples = self._samples[:0].copy()
        return remaining

    def _check_open(self) -> None:
        if self._ended:
            raise StreamError("The stream has ended. Make another: model.stream().")

    def _append(self, samples: np.ndarray) -> None:
        early = max(0, self._origin - self._n_samples)  # between the windows of a long hop
        self._n_samples += len(samples)
        self._samples = np.concatenate([self._samples, samples[early:]])

    def _n_ready(self) -> int:
        """Return how many timestamps see no sample that has not arrived yet."""
        ready = min(network.timestamps_within(self._n_samples) for network in self._networks)
        return ready // self._step * self._step

    def _embed_until(self, timestamp: int) -> np.ndarray:
        """Embed the remaining timestamps before a number, and drop the samples behind them."""
        count = max(0, timestamp - self._n_timestamps)
        rows = np.empty((count, self._ensemble.timestamp_embedding_size), np.float32)
        if count == 0:
            return rows
        request = Request(
            self._samples[None],
            [count],
            self._hop,
            self._ensemble.sample_rate,
            first=self._n_timestamps,
            origin=self._origin,
        )
        self._ensemble.write([rows], request, normalize=self._normalize)
        self._n_timestamps += count
        self._drop()
        return rows

    def _drop(self) -> None:
        """Forget the samples before the next window."""
        begin = min(network.first_sample(self._n_timestamps) for network in self._networks)
        origin = max(0, begin // self._factor * self._factor)  # a sample that every network has
        self._samples = self._samples[origin - self._origin :].copy()
        self._origin = origin

    def _with_times(self, rows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        size = self._ensemble.timestamp_embedding_size
        embeddings = np.concatenate([np.empty((0, size), np.float32), *rows])
        first = self._n_timestamps - len(embeddings)
        times = framing.timestamps(len(embeddings), self._hop, self._ensemble.sample_rate, first)
        return embeddings, times


class SceneStream:
    """One clip that arrives in blocks, for its scene embedding, made by `HearModel.scene_stream`.

    Parameters
    ----------
    ensemble : Ensemble
        The model's networks.
    hop : Fraction
        Samples between the windows that are pooled.

    Raises
    ------
    OptionError
        If the framing is dense.
    """

    def __init__(self, ensemble: Ensemble, hop: Fraction):
        self._windows = Stream(ensemble, hop, normalize=False)
        self._pooled = ensemble.scene_pooling()

    def push(self, samples: Any) -> None:
        """Add the next samples. Parameters and errors are those of `Stream.push`."""
        self._add(self._windows.push(samples)[0])

    def flush(self) -> np.ndarray:
        """End the clip, and return its scene embedding.

        Returns
        -------
        np.ndarray [shape=(model.scene_embedding_size,), dtype=float32]

        Raises
        ------
        StreamError
            If the stream has ended before, or no sample was pushed.
        """
        if self._windows.n_samples == 0:
            raise StreamError("A clip without samples has no scene embedding. Push samples first.")
        self._add(self._windows.flush()[0])
        return self._pooled.result()

    def _add(self, embeddings: np.ndarray) -> None:
        if len(embeddings):
            self._pooled.add_all(embeddings)
