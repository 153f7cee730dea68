"""Clips → embeddings: windows dealt out in batches of bounded memory.

`Embedder` decides which windows there are and how many are computed at once. `ExactWindows` or
`DenseWindows` compute a batch of them.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..config import geometry
from ..config.options import Options
from ..features import framing
from ..pooling.windows import Head
from . import memory
from .backend import (
    check_usable,
    free_gpu_memory,
    is_out_of_memory,
    module_type,
    resolve_precision,
)
from .dense import DenseWindows
from .encoder import Encoder
from .exact import ExactWindows
from .request import Request

logger = logging.getLogger(__name__)


class Windows(Protocol):
    """The windows of some clips, and a way to compute them."""

    def batch_size(self, at_once: int, /) -> int:
        """Return how many windows to embed together, where `at_once` fit into memory."""
        ...

    def embed(self, batch: Sequence[framing.Block], at_once: int, /) -> np.ndarray:
        """Embed the windows of a batch [shape=(n_windows, n_rows, size), dtype=float32].

        No more activations than those of `at_once` windows are held together.
        """
        ...


class Rows(NamedTuple):
    """Embeddings of consecutive timestamps of one clip.

    Attributes
    ----------
    sound : int
        Number of the clip.
    number : int
        Number of the first timestamp, counted from the request's first one.
    embeddings : np.ndarray [shape=(n, timestamp_embedding_size), dtype=float32]
    """

    sound: int
    number: int
    embeddings: np.ndarray


class Embedder(module_type()):  # type: ignore[misc]
    """One network, which embeds clips.

    Parameters
    ----------
    options : Options
    weights : mapping of np.ndarray
        As published, under the names of the backbone's ``WEIGHT_SHAPES``.
    heads : sequence of Head, optional
        Several heads whose embeddings are concatenated; by default the one of `options`. The
        layers of `options` must be those of all heads together.
    folded : bool
        Whether the weights are folded already, by `Backbone.fold`.
    """

    def __init__(
        self,
        options: Options,
        weights: Mapping[str, np.ndarray],
        heads: Sequence[Head] | None = None,
        *,
        folded: bool = False,
    ):
        super().__init__()
        self.options = options
        self.precision = resolve_precision(options.precision)
        heads = [geometry.head(options)] if heads is None else heads
        if not folded:
            weights = options.backbone.fold(dict(weights))
        self.encoder = Encoder(options, weights, self.precision, heads)
        self._most_at_once = sys.maxsize  # lowered for good when a device runs out of memory

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the network with its weights. Compiled functions are compiled anew."""
        options = replace(self.options, precision=self.precision)  # "auto" depends on the machine
        arguments = (options, self.encoder.weights, self.encoder.heads)
        return partial(type(self), folded=True), arguments

    def embed(self, request: Request) -> Iterator[Rows]:
        """Embed clips, or excerpts of them, batch after batch.

        Parameters
        ----------
        request : Request
            At the front end's rate. Its first timestamp is a multiple of `timestamps_per_window`.

        Yields
        ------
        Rows

        Raises
        ------
        OptionError
            If the framing is dense and the hop is not a whole number of map frames.
        BackendError
            As `check_usable`.
        """
        check_usable()
        options, hop = self.options, request.hop
        per_window = self.timestamps_per_window(hop)
        n_windows = [-(-n // per_window) for n in request.counts]
        first = request.first // per_window
        starts = self.window_starts(max(n_windows), hop, first) - request.origin
        step = geometry.frames_per_timestamp(options, hop) if per_window > 1 else 1
        kind = DenseWindows if options.framing == "dense" else ExactWindows
        windows: Windows = kind(self.encoder, request.clips, starts, hop * per_window)
        size = windows.batch_size(self.windows_at_once())
        for batch in framing.batches(n_windows, size):
            rows = self._within_memory(windows, batch)[:, ::step][:, :per_window]
            rows = rows.reshape(-1, rows.shape[2])
            for block in batch:
                number = block.first * per_window
                computed = block.count * per_window
                wanted = min(computed, request.counts[block.sound] - number)
                yield Rows(block.sound, number, rows[:wanted])
                rows = rows[computed:]

    def timestamps_per_window(self, hop: Fraction) -> int:
        """Return how many timestamps are computed from one window: 1, unless time is kept."""
        return geometry.timestamps_per_window(self.options, hop)

    def timestamps_within(self, n_samples: int, hop: Fraction) -> int:
        """Return how many timestamps' windows end within the first samples of a clip."""
        per_window = self.timestamps_per_window(hop)
        before = geometry.before_centre(self.options)
        last = n_samples - self.options.front_end.window + before
        return per_window * framing.count_centres(last, hop * per_window)

    def first_sample(self, timestamp: int, hop: Fraction) -> int:
        """Return the first sample of the window from which a timestamp is computed."""
        return int(self.window_starts(1, hop, timestamp // self.timestamps_per_window(hop))[0])

    def window_starts(self, n_windows: int, hop: Fraction, first: int = 0) -> np.ndarray:
        """Return the first samples of windows from window number `first` on."""
        window_hop = hop * self.timestamps_per_window(hop)
        before = geometry.before_centre(self.options)
        return framing.window_starts(n_windows, window_hop, before, first)

    def windows_at_once(self) -> int:
        """Return how many windows the device computes at once."""
        free = free_gpu_memory(self.encoder.tensors["front_end/bands"])
        return min(self._most_at_once, memory.windows_at_once(self.options, self.precision, free))

    def _within_memory(self, windows: Windows, batch: Sequence[framing.Block]) -> np.ndarray:
        """Embed a batch. If the device runs out of memory, halve the windows computed at once."""
        while True:
            at_once = self.windows_at_once()
            try:
                return windows.embed(batch, at_once)
            except Exception as error:
                if at_once == 1 or not is_out_of_memory(error):
                    raise
                self._most_at_once = at_once // 2
                logger.warning("out of memory; %d windows at once from here on", at_once // 2)
