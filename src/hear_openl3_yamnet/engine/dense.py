"""OpenL3 as one long convolution: another function than the published one, and a cheaper one.

Two things tie a window's values to the window: its reference level, and the zero padding at its
edges. Take the level from the whole clip and leave the edges out, and a clip is one long map of
which every window is a piece: ``framing="dense"``. docs/performance.md has its distance from the
published function. It is never a default, and named wherever a model is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from keras.ops import convert_to_numpy

from ..errors import OptionError
from ..features import frontends
from ..features.framing import Block, hop_milliseconds
from .backend import padded_length
from .encoder import STRETCHES, Encoder
from .runs import GRID

MARGIN = 5 * GRID
"""STFT frames computed on either side of a stretch, and dropped: its own zero padding reaches 34
frames far (half of a column's receptive field of 68)."""

CHUNK = 4096
"""STFT frames computed at once: as samples, 34 MB."""


class _Clip(NamedTuple):
    """The amplitudes of a clip's frames, from `MARGIN` before the first window on."""

    sound: int
    amplitudes: np.ndarray
    reference: float


class DenseWindows:
    """The windows of some clips, as pieces of one map a clip.

    Parameters
    ----------
    encoder : Encoder
        OpenL3's.
    audio : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
    starts : np.ndarray [shape=(n_windows,), dtype=int64]
        First sample of each window, the same in all clips; short clips have the first of them.
    hop : Fraction
        Samples between windows.

    Raises
    ------
    OptionError
        If the hop is no whole number of columns.
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
        self._front_end = encoder.config.front_end
        lag = hop / self._front_end.frame_hop
        if lag.denominator != 1 or lag % GRID:
            rate = self._front_end.sample_rate
            column = hop_milliseconds(GRID * self._front_end.frame_hop, rate)
            raise OptionError(
                f"framing='dense' needs a hop of a whole number of columns, {column:.6g} ms each "
                f"('native'). Received: {hop_milliseconds(hop, rate):.6g} ms"
            )
        self._lag = int(lag)
        self._clip: _Clip | None = None

    def lot_size(self, at_once: int) -> int:
        """Return how many windows to embed together: those of full stretches."""
        return STRETCHES * self._stretch(at_once)

    def _stretch(self, at_once: int) -> int:
        """Return the windows of a stretch, if all have the frames of `at_once` windows."""
        frames = at_once * self._front_end.n_frames // STRETCHES
        return max(1, (frames - self._front_end.n_frames - 2 * MARGIN) // self._lag + 1)

    def embed(self, lot: Sequence[Block], at_once: int) -> np.ndarray:
        """Embed the windows of a lot; as `ExactWindows.embed`."""
        rows = []
        parts = list(self._parts(lot, self._stretch(at_once)))
        for first in range(0, len(parts), STRETCHES):
            together = parts[first : first + STRETCHES]
            length = padded_length(max(map(self._n_frames, together)))
            amplitudes, references, at = [], [], []
            for number, part in enumerate(together):
                clip = self._clip_of(part.sound)
                begin = part.first * self._lag
                piece = clip.amplitudes[begin : begin + self._n_frames(part)]
                amplitudes.append(np.pad(piece, ((0, length - len(piece)), (0, 0))))
                references.append(np.full(length, clip.reference, np.float32))
                at.append(number * length + MARGIN + self._lag * np.arange(part.count))
            for _ in range(STRETCHES - len(together)):  # a last one without a fellow
                amplitudes.append(np.zeros_like(amplitudes[0]))
                references.append(np.ones(length, np.float32))
            rows.append(
                self._encoder.dense(
                    np.concatenate(amplitudes),
                    np.concatenate(references),
                    np.concatenate(at).astype(np.int32),
                )
            )
        return np.concatenate(rows)

    @staticmethod
    def _parts(lot: Sequence[Block], size: int) -> Iterator[Block]:
        """Cut blocks into stretches of about one length, of at most `size` windows."""
        for block in lot:
            n_parts = -(-block.count // size)
            if len(lot) == 1 and block.count > 1:  # a clip by itself fills all stretches
                n_parts = max(n_parts, STRETCHES)
            edges = np.linspace(0, block.count, n_parts + 1).astype(int)
            for first, end in pairwise(edges):
                yield Block(block.sound, block.first + int(first), int(end - first))

    def _n_frames(self, part: Block) -> int:
        """Return the frames of a stretch with its margins: whole columns of the last map."""
        length = self._front_end.n_frames + self._lag * (part.count - 1) + 2 * MARGIN
        return -(-length // GRID) * GRID

    def _clip_of(self, sound: int) -> _Clip:
        """Compute the amplitudes of a whole clip; only the last clip's are kept."""
        if self._clip is None or self._clip.sound != sound:
            n_frames = self._n_frames(Block(sound, 0, len(self._starts)))
            pieces = [
                self._amplitudes(sound, np.arange(first, min(first + CHUNK, n_frames)))
                for first in range(0, n_frames, CHUNK)
            ]
            amplitudes = np.concatenate(pieces)
            self._clip = _Clip(sound, amplitudes, float(amplitudes.max()))
        return self._clip

    def _amplitudes(self, sound: int, index: np.ndarray) -> np.ndarray:
        """Compute some of a clip's frames, none of which ends with a window."""
        front_end = self._front_end
        starts = self._starts[0] + (index - MARGIN) * front_end.frame_hop
        whole = np.full(len(index), front_end.frame_length)
        table = frontends.FrameTable(starts, whole, index[None])
        frames = frontends.cut_frames(self._audio[sound], table, front_end)
        amplitudes = self._encoder.amplitudes(frames)
        return convert_to_numpy(amplitudes)[: len(frames)]
