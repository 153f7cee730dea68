"""Waveform → STFT frames: each distinct frame of some windows, listed once and cut once.

Windows overlap, so they have frames in common. `frame_table` lists each distinct frame of a batch
of windows and says where every window finds its own.
"""

from __future__ import annotations

from dataclasses import dataclass
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
        Samples before the end of its window: from there on it sees zeros.
    index : np.ndarray [shape=(n_windows, n_frames), dtype=int32]
        Which of them are each window's frames.
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
    offsets = np.arange(front_end.n_frames) * front_end.frame_hop
    starts = (window_starts[:, None] + offsets).astype(np.int64)
    lengths = np.minimum(front_end.window - offsets, front_end.frame_length)
    lengths = np.broadcast_to(lengths, starts.shape)
    key = starts * (front_end.frame_length + 1) + lengths  # equal only where both are
    distinct, index = np.unique(key, return_inverse=True)
    starts, lengths = np.divmod(distinct, front_end.frame_length + 1)
    return FrameTable(starts, lengths, index.reshape(key.shape).astype(np.int32))


def cut_frames(audio: np.ndarray, table: FrameTable, front_end: FrontEnd) -> np.ndarray:
    """Cut and taper the frames of a table; what lies outside clip or window is zeros.

    Parameters
    ----------
    audio : np.ndarray [shape=(n_samples,), dtype=float32]
    table : FrameTable
    front_end : FrontEnd

    Returns
    -------
    np.ndarray [shape=(n_distinct, frame_length), dtype=float32]
    """
    length = front_end.frame_length
    first, end = int(table.starts.min()), int(table.starts.max()) + length
    excerpt = np.zeros(end - first, np.float32)
    begin, stop = max(first, 0), min(end, len(audio))
    if begin < stop:
        excerpt[begin - first : stop - first] = audio[begin:stop]
    frames = np.lib.stride_tricks.sliding_window_view(excerpt, length)[table.starts - first]
    frames = frames * front_end.taper()
    for row in np.flatnonzero(table.lengths < length):
        frames[row, table.lengths[row] :] = 0.0
    return frames


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
