"""Audio that comes piece by piece → the embeddings of the whole, as soon as they are ready.

An embedding is ready when the last sample of its window is there: for a window around its time,
half a window later. A stream keeps the samples that windows to come still see, and no others.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .audio import downsampling as resampling
from .audio.checks import checked_samples
from .errors import OptionError, StreamError
from .features import framing

if TYPE_CHECKING:
    from .engine.embedder import Embedder
    from .model import HearModel

LONGEST_PIECE_S = 30
"""Seconds of a push that are taken in at once: enough for full batches, 6 MB at 48 kHz."""


class _Part(NamedTuple):
    """One of the model's networks, as the stream's samples concern it."""

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
    """One sound on its way through a model, made by `HearModel.stream`.

    Parameters
    ----------
    model : HearModel
    hop : Fraction
        Samples between timestamps.
    normalize : bool
        Whether to normalise the embeddings, where the model does.

    Raises
    ------
    OptionError
        If the framing is dense.
    """

    def __init__(self, model: HearModel, hop: Fraction, *, normalize: bool = True):
        if any(embedder.config.framing == "dense" for embedder in model.embedders):
            raise OptionError(
                "framing='dense' takes its reference level from the whole clip, which a stream "
                "does not have yet. Load the model with framing='exact'."
            )
        self._model = model
        self._hop = hop
        self._normalize = normalize
        self._parts = []
        for embedder in model.embedders:
            own_rate = embedder.config.preset.sample_rate
            factor = model.sample_rate // own_rate
            reach = resampling.reach(model.sample_rate, own_rate)
            self._parts.append(_Part(embedder, hop / factor, factor, reach))
        # where time is kept, a window gives several timestamps: they are ready together
        self._step = math.lcm(*(p.embedder.timestamps_per_window(p.hop) for p in self._parts))
        self._factor = math.lcm(*(part.factor for part in self._parts))
        self._samples = np.empty(0, np.float32)
        self._origin = 0  # place of the first of them in the stream
        self._n_samples = 0  # pushed so far
        self._n_timestamps = 0  # given out so far
        self._ended = False

    @property
    def n_samples(self) -> int:
        """Samples pushed so far."""
        return self._n_samples

    @property
    def n_buffered(self) -> int:
        """Samples kept for windows to come: never more than a push's 30 s and a window's span."""
        return len(self._samples)

    def push(self, samples: Any) -> tuple[np.ndarray, np.ndarray]:
        """Take in the next samples, and return the embeddings that they complete.

        Parameters
        ----------
        samples : tensor or np.ndarray [shape=(n_samples,), dtype=float16, 32 or 64]
            Mono, at ``model.sample_rate``, in [-1, 1]; any number of them, none included.

        Returns
        -------
        embeddings : np.ndarray [shape=(n, model.timestamp_embedding_size), dtype=float32]
            Those that no push has returned before; often none.
        timestamps : np.ndarray [shape=(n,), dtype=float64]
            Milliseconds since the beginning of the stream.

        Raises
        ------
        AudioError
            If the samples are not 1-D, or hold NaN or infinity. None of them is taken in.
        AudioTypeError
            If they are integers, complex numbers or no numbers.
        StreamError
            If the stream has ended.

        Warns
        -----
        UserWarning
            If samples lie beyond [-1, 1].
        """
        self._check_open()
        samples = checked_samples(samples)
        longest = LONGEST_PIECE_S * self._model.sample_rate
        ready = []
        for first in range(0, len(samples), longest):
            self._append(samples[first : first + longest])
            ready.append(self._embed_until(self._n_ready()))
        return self._with_times(ready)

    def flush(self) -> tuple[np.ndarray, np.ndarray]:
        """End the stream, and return the embeddings that are left, with silence after the end.

        Returns
        -------
        embeddings, timestamps : np.ndarray
            As `push`. Together, a stream's are those of `get_timestamp_embeddings`; a stream
            without samples has none.

        Raises
        ------
        StreamError
            If the stream has ended before.
        """
        self._check_open()
        total = framing.count_windows(self._n_samples, self._hop) if self._n_samples else 0
        left = self._with_times([self._embed_until(total)])
        self._ended = True
        self._samples = self._samples[:0].copy()
        return left

    def _check_open(self) -> None:
        if self._ended:
            raise StreamError("The stream has ended. Make another: model.stream().")

    def _append(self, samples: np.ndarray) -> None:
        early = max(0, self._origin - self._n_samples)  # between the windows of a long hop
        self._n_samples += len(samples)
        self._samples = np.concatenate([self._samples, samples[early:]])

    def _n_ready(self) -> int:
        """Return how many timestamps see no sample that is still to come."""
        ready = min(part.timestamps_within(self._n_samples) for part in self._parts)
        return ready // self._step * self._step

    def _embed_until(self, timestamp: int) -> np.ndarray:
        """Embed the timestamps that are left before a number, and drop the samples behind them."""
        first, count = self._n_timestamps, max(0, timestamp - self._n_timestamps)
        if count == 0:
            return np.empty((0, self._model.timestamp_embedding_size), np.float32)
        rows = self._model.embed_stretch(
            self._samples[None],
            count,
            self._hop,
            first,
            self._origin,
            normalize=self._normalize,
        )[0]
        self._n_timestamps += count
        self._drop()
        return rows

    def _drop(self) -> None:
        """Forget the samples before the next window."""
        begin = min(part.first_sample(self._n_timestamps) for part in self._parts)
        origin = max(0, begin // self._factor * self._factor)  # where every part has a sample
        self._samples = self._samples[origin - self._origin :].copy()
        self._origin = origin

    def _with_times(self, rows: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        size = self._model.timestamp_embedding_size
        embeddings = np.concatenate([np.empty((0, size), np.float32), *rows])
        first = self._n_timestamps - len(embeddings)
        times = framing.timestamps(len(embeddings), self._hop, self._model.sample_rate, first)
        return embeddings, times


class SceneStream:
    """One clip on its way to its scene embedding, made by `HearModel.scene_stream`.

    Parameters
    ----------
    model : HearModel
    hop : Fraction
        Samples between the windows that are pooled.

    Raises
    ------
    OptionError
        If the framing is dense.
    """

    def __init__(self, model: HearModel, hop: Fraction):
        self._windows = Stream(model, hop, normalize=False)
        self._pooled = model.scene_pooling()

    def push(self, samples: Any) -> None:
        """Take in the next samples; as `Stream.push`, which see for what is raised."""
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
