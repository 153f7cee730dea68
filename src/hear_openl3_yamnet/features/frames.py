"""Waveform → STFT frames: each distinct frame of some windows, listed once and cut once.

Windows overlap, so they have frames in common. `frame_table` lists each distinct frame of a batch
of windows and says where every window finds its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from .frontends import FrontEnd


@dataclass(frozen=True)
class FrameTable:
    """The distinct STFT frames of some windows.

    Attributes
    ----------
    starts : np.ndarray [shape=(n_distinct,), dtype=int64]
        First sample of each.
    lengths : np.ndarray [shape=(n_distinct,), dtype=int64]
        Samples of each frame before the end of its window. The rest of the frame is zeros.
    index : np.ndarray [shape=(n_windows, n_frames), dtype=int32]
        Numbers of the frames of each window.
    """

    starts: np.ndarray
    lengths: np.ndarray
    index: np.ndarray


def frame_table(window_starts: np.ndarray, front_end: FrontEnd) -> FrameTable:
    """List the distinct frames of windows.

    Parameters
    ----------
    window_starts : np.ndarray [shape=(n_windows,), dtype=int64]
        First sample of each window.
    front_end : FrontEnd
    """
    first = window_starts[0]
    table = _frame_table((window_starts - first).astype(np.int64).tobytes(), front_end)
    return FrameTable(table.starts + first, table.lengths, table.index)


@lru_cache(maxsize=8)
def _frame_table(window_starts: bytes, front_end: FrontEnd) -> FrameTable:
    """Compute `frame_table`. Most batches differ from the previous one only in their start."""
    windows = np.frombuffer(window_starts, np.int64)
    offsets = np.arange(front_end.n_frames) * front_end.frame_hop
    starts = (windows[:, None] + offsets).astype(np.int64)
    lengths = np.minimum(front_end.window - offsets, front_end.frame_length)
    lengths = np.broadcast_to(lengths, starts.shape)
    key = starts * (front_end.frame_length + 1) + lengths  # equal only if both are
    distinct, index = np.unique(key, return_inverse=True)
    starts, lengths = np.divmod(distinct, front_end.frame_length + 1)
    return FrameTable(starts, lengths, index.reshape(key.shape).astype(np.int32))


_BLOCK = 64
"""Frames that are cut and tapered together: few enough to stay in the processor's cache."""


def cut_frames(
    audio: np.ndarray, table: FrameTable, front_end: FrontEnd, out: np.ndarray | None = None
) -> np.ndarray:
    """Cut and taper the frames of a table. Outside the clip and the window are zeros.

    Parameters
    ----------
    audio : np.ndarray [shape=(n_samples,), dtype=float32]
    table : FrameTable
    front_end : FrontEnd
    out : np.ndarray [shape=(n_distinct, frame_length), dtype=float32], optional
        Where to write them. Default: a new array.

    Returns
    -------
    np.ndarray [shape=(n_distinct, frame_length), dtype=float32]
    """
    length, taper = front_end.frame_length, front_end.taper()
    excerpt, starts = excerpt_of(audio, table, front_end)
    frames = np.empty((len(starts), length), np.float32) if out is None else out
    every = np.lib.stride_tricks.sliding_window_view(excerpt, length)
    for first in range(0, len(starts), _BLOCK):
        block = slice(first, first + _BLOCK)
        np.multiply(every[starts[block]], taper, out=frames[block])
    for row in np.flatnonzero(table.lengths < length):
        frames[row, table.lengths[row] :] = 0.0
    return frames


def excerpt_of(
    audio: np.ndarray, table: FrameTable, front_end: FrontEnd
) -> tuple[np.ndarray, np.ndarray]:
    """Return the samples that the frames of a table see, with zeros outside the clip.

    Parameters
    ----------
    audio : np.ndarray [shape=(n_samples,), dtype=float32]
    table : FrameTable
    front_end : FrontEnd

    Returns
    -------
    excerpt : np.ndarray [shape=(n,), dtype=float32]
    starts : np.ndarray [shape=(n_distinct,), dtype=int64]
        The sample of the excerpt at which each frame starts.
    """
    first, end = int(table.starts.min()), int(table.starts.max()) + front_end.frame_length
    excerpt = np.zeros(end - first, np.float32)
    begin, stop = max(first, 0), min(end, len(audio))
    if begin < stop:
        excerpt[begin - first : stop - first] = audio[begin:stop]
    return excerpt, table.starts - first


def cut_frames_of_excerpts(samples: Any, starts: Any, lengths: Any, front_end: FrontEnd) -> Any:
    """Cut and taper frames as `cut_frames` does, of tensors, on the device that holds them.

    Parameters
    ----------
    samples : tensor [shape=(n_samples,), dtype=float32]
        From `excerpt_of`, of one clip or of several, one after the other.
    starts : tensor [shape=(n_distinct,), dtype=int32]
        The sample at which each frame starts.
    lengths : tensor [shape=(n_distinct,), dtype=int32]
        `FrameTable.lengths`.
    front_end : FrontEnd

    Returns
    -------
    tensor [shape=(n_distinct, frame_length), dtype=float32]
    """
    import keras
    from keras import ops

    place = ops.arange(front_end.frame_length, dtype="int32")
    if keras.backend.backend() == "torch":  # without a table of indices for each sample
        frames = samples.unfold(0, front_end.frame_length, 1)[starts.long()]
    else:
        frames = ops.take(samples, ops.expand_dims(starts, 1) + place, axis=0)
    frames = frames * ops.convert_to_tensor(front_end.taper())
    return ops.where(place < ops.expand_dims(lengths, 1), frames, 0.0)


def cut_frames_of_tensors(audio: Any, table: FrameTable, front_end: FrontEnd) -> Any:
    """Cut and taper frames as `cut_frames` does, out of tensors of several clips.

    Parameters
    ----------
    audio : tensor [shape=(n_sounds, n_samples), dtype=float32]
    table : FrameTable
    front_end : FrontEnd

    Returns
    -------
    tensor [shape=(n_sounds * n_distinct, frame_length), dtype=float32]
    """
    from keras import ops

    length = front_end.frame_length
    begin, end = int(table.starts.min()), int(table.starts.max()) + length
    before, after = max(0, -begin), max(0, end - int(audio.shape[1]))
    padded = ops.pad(audio, [(0, 0), (before, after)])
    place = np.arange(length, dtype=np.int32)
    frames = ops.take(padded, (table.starts + before)[:, None].astype(np.int32) + place, axis=1)
    within = place < table.lengths[:, None]
    frames = frames * (within * front_end.taper())
    return ops.reshape(frames, (-1, length))
