"""Windows as published, computed together if that does not change the result."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..features import frames
from ..features.framing import Block
from .encoder import Encoder
from .runs import deal, find_runs, lay_out, shared_lag

LEAST_BATCH = 64
"""Windows that share STFT frames are embedded in batches of at least this size."""

SHARED_BATCHES = 4
"""Windows that share convolutions take a fraction of the memory: so many times as many together.
On an NVIDIA H100, 1024 instead of 256 took two thirds of the time (docs/performance.md)."""


class ExactWindows:
    """The windows of some clips, each with zero padding and a reference level of its own.

    Parameters
    ----------
    encoder : Encoder
    audio : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
    starts : np.ndarray [shape=(n_windows,), dtype=int64]
        First sample of each window, the same in all clips. Short clips have the first ones.
    hop : Fraction
        Samples between windows, before rounding.
    """

    def __init__(
        self,
        encoder: Encoder,
        audio: Sequence[np.ndarray] | np.ndarray,
        starts: np.ndarray,
        hop: Fraction,
    ):
        self._encoder = encoder
        self._audio = audio
        self._starts = starts
        self._lag = shared_lag(encoder.options, hop, encoder.gpu_arithmetic)
        front_end = encoder.options.front_end
        frame_lag = hop / front_end.frame_hop
        self._shares_frames = frame_lag.denominator == 1 and frame_lag < front_end.n_whole

    def batch_size(self, at_once: int) -> int:
        """Return how many windows to embed together: they share STFT frames and convolutions.

        If nothing is shared, it is the number computed at once: the STFT frames alone take
        1.6 MB a window, and allocating memory takes time.
        """
        if not self._shares_frames:
            return at_once
        return max(LEAST_BATCH, SHARED_BATCHES * at_once if self._lag else at_once)

    def embed(self, batch: Sequence[Block], at_once: int) -> np.ndarray:
        """Embed the windows of a batch.

        Parameters
        ----------
        batch : sequence of Block
        at_once : int
            Windows whose activations may be held together.

        Returns
        -------
        np.ndarray [shape=(n_windows, n_rows, size), dtype=float32]
            As `Encoder.plain`.
        """
        encoder = self._encoder
        tables, index = self._tables(batch)
        clips = [self._audio[block.sound] for block in batch]
        amplitudes = encoder.amplitudes_of(clips, tables)
        rows = np.empty((len(index), *encoder.rows_shape), np.float32)
        alone = np.arange(len(index))
        if self._lag:
            maxima = encoder.maxima(amplitudes)[index].max(axis=1)
            sounds = np.repeat([block.sound for block in batch], [block.count for block in batch])
            runs = find_runs(sounds, maxima)
            alone, together = deal(runs, self._lag, at_once, encoder.options)
            for some in together:
                layout = lay_out(some, index, maxima, self._lag, encoder.options)
                rows[layout.windows] = encoder.shared(amplitudes, layout)
        for first in range(0, len(alone), at_once):
            windows = alone[first : first + at_once]
            rows[windows] = encoder.plain(amplitudes, index[windows])
        return rows

    def _tables(self, batch: Sequence[Block]) -> tuple[list[frames.FrameTable], np.ndarray]:
        """Return the distinct frames of each block, and each window's own [shape=(n, n_frames)]."""
        front_end = self._encoder.options.front_end
        tables, index, n_frames = [], [], 0
        for block in batch:
            starts = self._starts[block.first : block.first + block.count]
            table = frames.frame_table(starts, front_end)
            tables.append(table)
            index.append(table.index + n_frames)
            n_frames += len(table.starts)
        return tables, np.concatenate(index).astype(np.int32)
