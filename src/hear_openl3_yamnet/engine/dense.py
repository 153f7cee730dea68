"""OpenL3 as one long convolution: another function than the published one, and a cheaper one.

Two things make values differ between windows: the reference level, and the zero padding at the
edges. With the level of the whole clip and without the edges, a clip is one long map, and every
window is cut out of it: ``framing="dense"``. docs/performance.md has its distance from the
published function. It is never a default, and ``repr(model)`` shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from keras.ops import convert_to_numpy

from ..errors import OptionError
from ..features import frames
from ..features.framing import Block, hop_milliseconds
from .encoder import SEGMENTS, Encoder

MARGINS = 5
"""Frames of the last map that are computed on either side of a segment, and dropped. A segment's
own zero padding reaches 34 STFT frames far: half of the receptive field of 68."""

BLOCK_FRAMES = 4096
"""STFT frames that are computed together: 34 MB of samples."""

KEPT_BYTES = 2**28
"""Amplitudes of a clip that are kept: 20 minutes of 256 bands. Those of a longer clip are computed
twice, once for its reference level and once for its segments, so that memory stays bounded."""


class _Clip(NamedTuple):
    """A clip's reference level, and the amplitudes of its STFT frames if they are kept.

    Frames count from the margin before the first window on.
    """

    sound: int
    n_frames: int
    reference: float
    amplitudes: np.ndarray | None


class DenseWindows:
    """The windows of some clips, cut out of one map a clip.

    Parameters
    ----------
    encoder : Encoder
        Its preset shares convolutions.
    audio : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
    starts : np.ndarray [shape=(n_windows,), dtype=int64]
        First sample of each window, the same in all clips. Short clips have the first ones.
    hop : Fraction
        Samples between windows.

    Raises
    ------
    OptionError
        If the hop is not a whole number of map frames.
    """

    def __init__(
        self,
        encoder: Encoder,
        audio: Sequence[np.ndarray] | np.ndarray,
        starts: np.ndarray,
        hop: Fraction,
    ):
        options = encoder.options
        assert options.preset.sharing is not None, "config.checks ensures it"
        self._encoder = encoder
        self._audio = audio
        self._starts = starts
        self._front_end = options.front_end
        self._grid = options.preset.sharing.GRID
        self._margin = MARGINS * self._grid
        lag = hop / self._front_end.frame_hop
        if lag.denominator != 1 or lag % self._grid:
            rate = self._front_end.sample_rate
            frame = hop_milliseconds(self._grid * self._front_end.frame_hop, rate)
            raise OptionError(
                "framing='dense' needs a hop that is a multiple of the last map's frame, "
                f"{frame:.6g} ms ('native'). Received: {hop_milliseconds(hop, rate):.6g} ms"
            )
        self._lag = int(lag)
        self._clip: _Clip | None = None

    def batch_size(self, at_once: int) -> int:
        """Return how many windows to embed together: those of full segments."""
        return SEGMENTS * self._windows_in_segment(at_once)

    def _windows_in_segment(self, at_once: int) -> int:
        """Return the windows of a segment, if all have the STFT frames of `at_once` windows."""
        n_frames = at_once * self._front_end.n_frames // SEGMENTS
        return max(1, (n_frames - self._front_end.n_frames - 2 * self._margin) // self._lag + 1)

    def embed(self, batch: Sequence[Block], at_once: int) -> np.ndarray:
        """Embed the windows of a batch, as `ExactWindows.embed` does."""
        segments = list(self._segments(batch, self._windows_in_segment(at_once)))
        rows = [
            self._embed_together(segments[first : first + SEGMENTS])
            for first in range(0, len(segments), SEGMENTS)
        ]
        return np.concatenate(rows)

    def _embed_together(self, segments: Sequence[Block]) -> np.ndarray:
        length = self._encoder.padded_length(max(map(self._n_frames, segments)))
        amplitudes, references, at = [], [], []
        for number, segment in enumerate(segments):
            clip = self._clip_of(segment.sound)
            begin = segment.first * self._lag
            found = self._amplitudes_of(clip, begin, begin + self._n_frames(segment))
            amplitudes.append(np.pad(found, ((0, length - len(found)), (0, 0))))
            references.append(np.full(length, clip.reference, np.float32))
            at.append(number * length + self._margin + self._lag * np.arange(segment.count))
        for _ in range(SEGMENTS - len(segments)):  # the last one may be alone
            amplitudes.append(np.zeros_like(amplitudes[0]))
            references.append(np.ones(length, np.float32))
        return self._encoder.dense(
            np.concatenate(amplitudes),
            np.concatenate(references),
            np.concatenate(at).astype(np.int32),
        )

    @staticmethod
    def _segments(batch: Sequence[Block], size: int) -> Iterator[Block]:
        """Cut blocks into segments of about one length, of at most `size` windows."""
        for block in batch:
            n_segments = -(-block.count // size)
            if len(batch) == 1 and block.count > 1:  # a clip by itself fills all segments
                n_segments = max(n_segments, SEGMENTS)
            edges = np.linspace(0, block.count, n_segments + 1).astype(int)
            for first, end in pairwise(edges):
                yield Block(block.sound, block.first + int(first), int(end - first))

    def _n_frames(self, segment: Block) -> int:
        """Return the STFT frames of a segment with its margins: whole frames of the last map."""
        windows = self._front_end.n_frames + self._lag * (segment.count - 1)
        return -(-(windows + 2 * self._margin) // self._grid) * self._grid

    def _clip_of(self, sound: int) -> _Clip:
        """Compute a clip's reference level. The amplitudes of the last clip alone are kept."""
        if self._clip is None or self._clip.sound != sound:
            n_frames = self._frames_of_clip(sound)
            keep = n_frames * self._front_end.n_bands * 4 <= KEPT_BYTES
            kept, reference = [], 0.0
            for first in range(0, n_frames, BLOCK_FRAMES):
                block = self._compute(sound, first, min(first + BLOCK_FRAMES, n_frames))
                reference = max(reference, float(block.max()))
                if keep:
                    kept.append(block)
            amplitudes = np.concatenate(kept) if keep else None
            self._clip = _Clip(sound, n_frames, reference, amplitudes)
        return self._clip

    def _frames_of_clip(self, sound: int) -> int:
        """Return the STFT frames that see a clip. All later ones are silent."""
        samples = len(self._audio[sound]) - int(self._starts[0])
        return self._margin + max(1, -(-samples // self._front_end.frame_hop))

    def _amplitudes_of(self, clip: _Clip, begin: int, end: int) -> np.ndarray:
        """Return the amplitudes of some of a clip's STFT frames, those after its end left out."""
        if clip.amplitudes is not None:
            return clip.amplitudes[begin:end]
        end = min(end, clip.n_frames)
        if begin >= end:
            return np.zeros((0, self._front_end.n_bands), np.float32)
        return self._compute(clip.sound, begin, end)

    def _compute(self, sound: int, begin: int, end: int) -> np.ndarray:
        """Compute the amplitudes of STFT frames begin … end − 1, which no window's end cuts off."""
        front_end, index = self._front_end, np.arange(begin, end)
        starts = self._starts[0] + (index - self._margin) * front_end.frame_hop
        whole = np.full(len(index), front_end.frame_length)
        table = frames.FrameTable(starts, whole, index[None])
        amplitudes = self._encoder.amplitudes_of([self._audio[sound]], [table])
        return convert_to_numpy(amplitudes)[: len(index)]
