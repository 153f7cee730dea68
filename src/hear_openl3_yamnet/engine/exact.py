"""Windows as published, computed together where that changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from ..features import frontends
from ..features.framing import Block
from .encoder import Encoder
from .runs import deal, find_runs, lay_out, shared_lag

LOT = 64
"""Windows that share STFT frames, and are dealt with together, at the least."""


class ExactWindows:
    """The windows of some clips, each with zero padding and a reference level of its own.

    Parameters
    ----------
    encoder : Encoder
    audio : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
    starts : np.ndarray [shape=(n_windows,), dtype=int64]
        First sample of each window, the same in all clips; short clips have the first of them.
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
        self._lag = shared_lag(encoder.config, hop)
        frame_lag = hop / encoder.config.front_end.frame_hop
        self._shares_frames = (
            frame_lag.denominator == 1 and frame_lag < encoder.config.front_end.n_whole
        )

    def lot_size(self, at_once: int) -> int:
        """Return how many windows to embed together: frames and columns are shared within a lot.

        Where nothing is shared, no more than are computed at once: their STFT frames alone take
        1.6 MB a window, and fresh memory takes time.
        """
        return max(LOT, at_once) if self._shares_frames else at_once

    def embed(self, lot: Sequence[Block], at_once: int) -> np.ndarray:
        """Embed the windows of a lot.

        Parameters
        ----------
        lot : sequence of Block
        at_once : int
            Windows whose activations may be held together.

        Returns
        -------
        np.ndarray [shape=(n_windows, n_rows, size), dtype=float32]
            As `Encoder.plain`.
        """
        encoder, front_end = self._encoder, self._encoder.config.front_end
        frames, index = self._cut(lot)
        amplitudes = encoder.amplitudes(frames)
        rows = np.empty((len(index), *encoder.rows_shape), np.float32)
        alone = np.arange(len(index))
        if self._lag:
            maxima = encoder.maxima(amplitudes)[index].max(axis=1)
            sounds = np.repeat([block.sound for block in lot], [block.count for block in lot])
            runs = find_runs(sounds, maxima)
            alone, batches = deal(runs, self._lag, at_once, encoder.config)
            for batch in batches:
                layout = lay_out(batch, index, maxima, self._lag, front_end)
                rows[layout.windows] = encoder.shared(amplitudes, layout)
        for first in range(0, len(alone), at_once):
            windows = alone[first : first + at_once]
            rows[windows] = encoder.plain(amplitudes, index[windows])
        return rows

    def _cut(self, lot: Sequence[Block]) -> tuple[np.ndarray, np.ndarray]:
        """Return the distinct frames of a lot, and each window's own [shape=(n, n_frames)]."""
        front_end = self._encoder.config.front_end
        frames, index, n_frames = [], [], 0
        for block in lot:
            starts = self._starts[block.first : block.first + block.count]
            table = frontends.frame_table(starts, front_end)
            frames.append(frontends.cut_frames(self._audio[block.sound], table, front_end))
            index.append(table.index + n_frames)
            n_frames += len(frames[-1])
        return np.concatenate(frames), np.concatenate(index).astype(np.int32)
