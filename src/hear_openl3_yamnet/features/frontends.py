"""Waveform windows → log-mel, exactly as each network was trained.

A window is a row of STFT frames. Windows overlap, so they have frames in common: `frame_table`
lists each distinct frame of a batch of windows once and says where every window finds its own.
Then `band_amplitudes` computes each frame once, and `log_mel` sets the windows together.

The numbers are those of openl3 0.4.2 with kapre, and of YAMNet's published parameters.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

OPENL3_FLOOR_DB = -80.0
"""Decibels below the window's maximum where OpenL3's input ends (kapre: ``db_dynamic_range``)."""

OPENL3_SMALLEST = 1e-10
"""Amplitude below which OpenL3 takes no logarithm (kapre's ``db_amin``)."""

YAMNET_LOG_OFFSET = 1e-3
"""What YAMNet adds to amplitudes before the logarithm."""


@dataclass(frozen=True)
class FrontEnd:
    """One network's input: how a window of samples becomes a log-mel spectrogram.

    Attributes
    ----------
    name : str
        ``linear``, ``mel128``, ``mel256`` or ``yamnet``.
    sample_rate : int
        Hertz.
    window : int
        Samples that a window covers.
    frame_length, fft_length, frame_hop : int
        Samples in an STFT frame, in its transform, and between frames.
    n_frames : int
        STFT frames in a window. Those that reach beyond its end see zeros there, also where the
        clip goes on.
    n_bands : int
        Mel bands, or bins of the linear spectrogram.
    """

    name: str
    sample_rate: int
    window: int
    frame_length: int
    fft_length: int
    frame_hop: int
    n_frames: int
    n_bands: int

    @property
    def n_whole(self) -> int:
        """Frames that lie within the window: what other windows can share."""
        return min(self.n_frames, (self.window - self.frame_length) // self.frame_hop + 1)

    def bands(self) -> np.ndarray:
        """Return the matrix from DFT bins to bands [shape=(fft_length // 2 + 1, n_bands)]."""
        return _band_matrix(self)

    def taper(self) -> np.ndarray:
        """Return the periodic Hann window [shape=(frame_length,), dtype=float32]."""
        phase = 2 * np.pi * np.arange(self.frame_length) / self.frame_length
        return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)


FRONT_ENDS = {
    "linear": FrontEnd("linear", 48000, 48000, 512, 512, 242, 197, 257),
    "mel128": FrontEnd("mel128", 48000, 48000, 2048, 2048, 242, 199, 128),
    "mel256": FrontEnd("mel256", 48000, 48000, 2048, 2048, 242, 199, 256),
    "yamnet": FrontEnd("yamnet", 16000, 15600, 400, 512, 160, 96, 64),
}


@cache
def _band_matrix(front_end: FrontEnd) -> np.ndarray:
    if front_end.name == "linear":
        return np.eye(front_end.n_bands, dtype=np.float32)
    if front_end.name == "yamnet":
        return _htk_mel_matrix(front_end, lowest=125.0, highest=7500.0)
    import librosa

    mel = librosa.filters.mel(
        sr=front_end.sample_rate, n_fft=front_end.fft_length, n_mels=front_end.n_bands
    )
    return np.ascontiguousarray(mel.T, np.float32)


def _htk_mel_matrix(front_end: FrontEnd, lowest: float, highest: float) -> np.ndarray:
    """Return triangles straight on HTK's mel axis, as TensorFlow's are (librosa's are in hertz)."""

    def mel(hertz: Any) -> Any:
        return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)

    n_bins = front_end.fft_length // 2 + 1
    bins = mel(np.linspace(0.0, front_end.sample_rate / 2, n_bins))[:, None]
    edges = np.linspace(mel(lowest), mel(highest), front_end.n_bands + 2)
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (bins - lower) / (centre - lower), (upper - bins) / (upper - centre)
    matrix = np.maximum(0.0, np.minimum(rising, falling))
    matrix[0] = 0.0  # the constant part belongs to no band
    return matrix.astype(np.float32)


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
    """List the distinct frames of windows that start at the samples given."""
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
    stretch = np.zeros(end - first, np.float32)
    begin, stop = max(first, 0), min(end, len(audio))
    if begin < stop:
        stretch[begin - first : stop - first] = audio[begin:stop]
    frames = np.lib.stride_tricks.sliding_window_view(stretch, length)[table.starts - first]
    frames = frames * front_end.taper()
    for row in np.flatnonzero(table.lengths < length):
        frames[row, table.lengths[row] :] = 0.0
    return frames


def band_amplitudes(frames: Any, bands: Any, fft_length: int) -> Any:
    """Compute the amplitude in each band of tapered STFT frames.

    Parameters
    ----------
    frames : tensor [shape=(n, frame_length), dtype=float32]
    bands : tensor [shape=(fft_length // 2 + 1, n_bands), dtype=float32]
        `FrontEnd.bands`.
    fft_length : int
        Samples; frames are padded with zeros up to it.

    Returns
    -------
    tensor [shape=(n, n_bands), dtype=float32]
    """
    from keras import ops

    real, imaginary = ops.rfft(frames, fft_length)
    return ops.matmul(ops.sqrt(ops.square(real) + ops.square(imaginary)), bands)


def openl3_level(amplitudes: Any, reference: Any) -> Any:
    """Return decibels below a reference, at least −80: 10·log10 of the amplitudes' ratio.

    Parameters
    ----------
    amplitudes : tensor [dtype=float32]
    reference : tensor, broadcastable to `amplitudes`
        The window's largest amplitude.
    """
    from keras import ops

    def decibels(x: Any) -> Any:
        return 10.0 * ops.log10(ops.maximum(x, OPENL3_SMALLEST))

    return ops.maximum(decibels(amplitudes) - decibels(reference), OPENL3_FLOOR_DB)


def yamnet_level(amplitudes: Any) -> Any:
    """Return YAMNet's natural logarithm of amplitudes."""
    from keras import ops

    return ops.log(amplitudes + YAMNET_LOG_OFFSET)


def log_mel(amplitudes: Any, index: Any, front_end: FrontEnd, reference: Any = None) -> Any:
    """Set windows together from the amplitudes of their frames.

    Parameters
    ----------
    amplitudes : tensor [shape=(n_distinct, n_bands), dtype=float32]
    index : tensor [shape=(n_windows, n_frames), dtype=int32]
        `FrameTable.index`, or part of its rows.
    front_end : FrontEnd
    reference : tensor [shape=(n_windows,)], optional
        OpenL3's reference level; the maximum of each window by default. YAMNet has none.

    Returns
    -------
    tensor [shape=(n_windows, n_bands, n_frames, 1), dtype=float32]
        Decibels (OpenL3) or natural logarithms (YAMNet).
    """
    from keras import ops

    windows = ops.take(amplitudes, index, axis=0)
    if front_end.name == "yamnet":
        levels = yamnet_level(windows)
    else:
        if reference is None:
            reference = ops.max(windows, axis=(1, 2))
        levels = openl3_level(windows, ops.reshape(reference, (-1, 1, 1)))
    return ops.expand_dims(ops.transpose(levels, (0, 2, 1)), -1)
