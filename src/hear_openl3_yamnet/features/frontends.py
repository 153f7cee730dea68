"""STFT frames → log-mel, exactly as each network was trained.

`band_amplitudes` computes each STFT frame once (`frames` lists them), and `log_mel` assembles the
windows.

The numbers are those of openl3 0.4.2 with kapre, and of YAMNet's published parameters
(``params.py`` of https://github.com/tensorflow/models/tree/master/research/audioset/yamnet).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar

import numpy as np

OPENL3_FLOOR_DB = -80.0
"""Range of OpenL3's input, in decibels below the window's maximum (``db_dynamic_range`` of
kapre)."""

OPENL3_SMALLEST = 1e-10
"""Smallest amplitude in OpenL3's logarithm (kapre's ``db_amin``)."""

YAMNET_LOG_OFFSET = 1e-3
"""What YAMNet adds to amplitudes before the logarithm."""

YAMNET_LOWEST_HZ, YAMNET_HIGHEST_HZ = 125.0, 7500.0
"""The range of YAMNet's mel bands."""


@dataclass(frozen=True)
class FrontEnd(ABC):
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
        STFT frames in a window. Those that reach beyond its end see zeros there, even if the
        clip continues.
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

    unit: ClassVar[str]
    """Unit of the levels."""

    relative: ClassVar[bool]
    """Whether levels count from a reference, the largest amplitude of the window."""

    @property
    def n_whole(self) -> int:
        """Frames that lie within the window: what other windows can share."""
        return min(self.n_frames, (self.window - self.frame_length) // self.frame_hop + 1)

    def taper(self) -> np.ndarray:
        """Return the periodic Hann window [shape=(frame_length,), dtype=float32]."""
        phase = 2 * np.pi * np.arange(self.frame_length) / self.frame_length
        return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)

    def with_window(self, milliseconds: float) -> FrontEnd:
        """Return this front end with windows of another length."""
        window = round(milliseconds * self.sample_rate / 1000)
        n_frames = (window - self.frame_length) // self.frame_hop + 1
        return replace(self, window=window, n_frames=n_frames)

    @abstractmethod
    def bands(self) -> np.ndarray:
        """Return the matrix from DFT bins to bands [shape=(fft_length // 2 + 1, n_bands)]."""

    @abstractmethod
    def levels(self, amplitudes: Any, reference: Any) -> Any:
        """Return the network's input from amplitudes in bands.

        Parameters
        ----------
        amplitudes : tensor [dtype=float32]
        reference : tensor, broadcastable to `amplitudes`, or None
            The window's largest amplitude, if levels are `relative`.

        Returns
        -------
        tensor, of the shape of `amplitudes`
        """


class OpenL3FrontEnd(FrontEnd):
    """Decibels below the window's maximum, at least −80: 10·log10 of the amplitudes' ratio."""

    unit = "dB"
    relative = True

    def bands(self) -> np.ndarray:
        """Return Slaney's mel filters, or the identity if each bin is a band."""
        return _openl3_bands(self)

    def levels(self, amplitudes: Any, reference: Any) -> Any:
        """Return decibels below the reference."""
        from keras import ops

        def decibels(x: Any) -> Any:
            return 10.0 * ops.log10(ops.maximum(x, OPENL3_SMALLEST))

        return ops.maximum(decibels(amplitudes) - decibels(reference), OPENL3_FLOOR_DB)


class YamnetFrontEnd(FrontEnd):
    """Natural logarithms of amplitudes plus `YAMNET_LOG_OFFSET`."""

    unit = "ln amplitude"
    relative = False

    def bands(self) -> np.ndarray:
        """Return HTK's mel filters from 125 to 7500 Hz."""
        return _yamnet_bands(self)

    def levels(self, amplitudes: Any, reference: Any) -> Any:
        """Return natural logarithms; there is no reference."""
        from keras import ops

        return ops.log(amplitudes + YAMNET_LOG_OFFSET)


FRONT_ENDS: dict[str, FrontEnd] = {
    "linear": OpenL3FrontEnd("linear", 48000, 48000, 512, 512, 242, 197, 257),
    "mel128": OpenL3FrontEnd("mel128", 48000, 48000, 2048, 2048, 242, 199, 128),
    "mel256": OpenL3FrontEnd("mel256", 48000, 48000, 2048, 2048, 242, 199, 256),
    "yamnet": YamnetFrontEnd("yamnet", 16000, 15600, 400, 512, 160, 96, 64),
}


@cache
def _openl3_bands(front_end: FrontEnd) -> np.ndarray:
    """Return triangles that are straight in hertz and have equal areas, as librosa's are.

    Their corners are evenly spaced on the mel scale of M. Slaney, "Auditory Toolbox" (1998): 15
    mels up to 1 kHz, and above it 27 mels for each factor of 6.4.
    """
    n_bins = front_end.fft_length // 2 + 1
    if front_end.n_bands == n_bins:
        return np.eye(n_bins, dtype=np.float32)
    highest = front_end.sample_rate / 2
    highest_mel = 15 + 27 * np.log(highest / 1000) / np.log(6.4)
    mels = np.linspace(0.0, highest_mel, front_end.n_bands + 2)
    corners = np.where(mels < 15, mels * 200 / 3, 1000 * 6.4 ** ((mels - 15) / 27))
    matrix = _triangles(np.linspace(0.0, highest, n_bins), corners)
    return np.ascontiguousarray(matrix * 2 / (corners[2:] - corners[:-2]), np.float32)


@cache
def _yamnet_bands(front_end: FrontEnd) -> np.ndarray:
    """Return triangles of height 1 that are straight on HTK's mel axis, as TensorFlow's are."""

    def mel(hertz: Any) -> Any:
        return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)

    bins = mel(np.linspace(0.0, front_end.sample_rate / 2, front_end.fft_length // 2 + 1))
    corners = np.linspace(mel(YAMNET_LOWEST_HZ), mel(YAMNET_HIGHEST_HZ), front_end.n_bands + 2)
    matrix = _triangles(bins, corners)
    matrix[0] = 0.0  # the constant part belongs to no band
    return matrix.astype(np.float32)


def _triangles(places: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Return triangles of height 1 at some places [shape=(n_places, len(corners) - 2)].

    Each triangle begins at one corner, has its top at the next, and ends at the one after it.
    """
    places = places[:, None]
    lower, centre, upper = corners[:-2], corners[1:-1], corners[2:]
    rising, falling = (places - lower) / (centre - lower), (upper - places) / (upper - centre)
    return np.maximum(0.0, np.minimum(rising, falling))


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


def log_mel(amplitudes: Any, index: Any, front_end: FrontEnd, reference: Any = None) -> Any:
    """Assemble windows from the amplitudes of their frames.

    Parameters
    ----------
    amplitudes : tensor [shape=(n_distinct, n_bands), dtype=float32]
    index : tensor [shape=(n_windows, n_frames), dtype=int32]
        `frames.FrameTable.index`, or some of its rows.
    front_end : FrontEnd
    reference : tensor [shape=(n_windows,)], optional
        The reference of each window, if levels are relative. Default: its maximum.

    Returns
    -------
    tensor [shape=(n_windows, n_bands, n_frames, 1), dtype=float32]
        Decibels (OpenL3) or natural logarithms (YAMNet).
    """
    from keras import ops

    windows = ops.take(amplitudes, index, axis=0)
    if front_end.relative:
        if reference is None:
            reference = ops.max(windows, axis=(1, 2))
        reference = ops.reshape(reference, (-1, 1, 1))
    levels = front_end.levels(windows, reference)
    return ops.expand_dims(ops.transpose(levels, (0, 2, 1)), -1)
