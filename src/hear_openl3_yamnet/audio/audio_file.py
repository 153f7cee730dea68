"""An audio file that is decoded from its beginning to its end, block by block."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from types import TracebackType
from typing import Protocol

import numpy as np

from ..errors import SilentDownmixWarning
from .ffmpeg import FfmpegDecoder, recognise
from .libsndfile import SndfileDecoder
from .sources import AudioSource, Source

BLOCK_S = 10.0
"""Seconds of a block."""

_MOST_VALUES = 2**24
"""Largest number of values in a block: 67 MB. 10 s of 8 channels at 192 kHz are 61 MB."""

LOWEST_RATE, HIGHEST_RATE = 100, 20_000_000
"""Hertz. A minute at a lower rate would become an hour at the rate of a network. The highest is
above that of hydrophones, and of one-bit recordings (11.3 MHz)."""

_SILENT = 1e-4
"""Share of the channels' mean power below which their mean is silent: −40 dB. That of channels
without any relation is −3 dB."""


class Decoder(Protocol):
    """What `AudioFile` needs of a library that decodes.

    Attributes
    ----------
    sample_rate : int
    n_channels : int
    n_samples : int or None
        As those of `AudioFile`.
    """

    sample_rate: int
    n_channels: int
    n_samples: int | None

    def read(self, n_samples: int) -> np.ndarray:
        """Decode the next samples [shape=(n_samples, n_channels), dtype=float32]. None: the end."""

    def seek(self, target: int, position: int) -> int:
        """Go to a later position than the current one, or to any before it, and return it."""

    def loss(self, n_samples: int) -> str | None:
        """Return what is missing, or not read, of a file of which so many samples were read."""

    def close(self) -> None:
        """Close the file."""


class AudioFile:
    """An open audio file.

    Parameters
    ----------
    audio : AudioSource
        The path, the open file or the bytes of any file that libsndfile reads, or, with the extra
        ``ffmpeg``, one of `ffmpeg.NAMES`.

    Attributes
    ----------
    sample_rate : int
        Hertz.
    n_channels : int
    n_samples : int or None
        Samples of each channel, as the header states them. If it does not state them exactly, this
        is an estimate for MP3, and None for other formats.

    Raises
    ------
    AudioFileError
        If the file is missing, empty, not a regular file or not audio.
    AudioTypeError
        If the audio is of another type.
    """

    def __init__(self, audio: AudioSource):
        self._source = Source(audio)
        with self._source.open() as file:
            form = recognise(file)
        self._decoder: Decoder = (
            FfmpegDecoder(self._source, form) if form else SndfileDecoder(self._source)
        )
        self.sample_rate = self._decoder.sample_rate
        self.n_channels = self._decoder.n_channels
        self.n_samples = self._decoder.n_samples
        self._position = 0
        self._ended = False
        if not LOWEST_RATE <= self.sample_rate <= HIGHEST_RATE:
            self._decoder.close()
            raise self._source.error(
                f"its header states {self.sample_rate} Hz, and {LOWEST_RATE} Hz to "
                f"{HIGHEST_RATE:.0e} Hz are expected. The header may be damaged."
            )

    def __enter__(self) -> AudioFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._decoder.close()

    def skip(self, n_samples: int) -> int | None:
        """Go to a later position, or to the end of the file.

        Returns
        -------
        int or None
            How many samples are left. None if the header does not state the length, and the end
            is not reached.

        Raises
        ------
        AudioFileError
            If the file is damaged.
        """
        target = self._position + n_samples
        if self.n_samples is not None:
            target = min(target, self.n_samples)
        if target > self._position:
            self._position = self._decoder.seek(target, self._position)
        while self._position < target and not self._ended:
            self._read(target - self._position)
        if self.n_samples is None:
            return 0 if self._ended else None
        return self.n_samples - self._position

    def blocks(self, n_samples: int | None = None) -> Iterator[np.ndarray]:
        """Decode from the current position on.

        Parameters
        ----------
        n_samples : int, optional
            Default: to the end of the file.

        Yields
        ------
        np.ndarray [shape=(n_samples, n_channels), dtype=float32]
            At most 10 s. Integer formats are scaled to [-1, 1].

        Raises
        ------
        AudioFileError
            If the next block is damaged, or has samples that are NaN or infinite. At the end, if
            no sample was read, if the file is truncated, or if it has more content.
        """
        first = self._position
        end = np.inf if n_samples is None else first + n_samples
        while self._position < end and not self._ended:
            block = self._read(end - self._position)
            if len(block):
                yield block
        if self._ended or self._position == self.n_samples:
            if loss := self._decoder.loss(self._position):
                raise self._source.error(loss)
            if self._position == first:
                after = f" after {first / self.sample_rate:g} s" if first else ""
                raise self._source.error(f"holds no samples{after}; expected at least one.")

    def mono_blocks(self, n_samples: int | None = None) -> Iterator[np.ndarray]:
        """Decode from the current position on, as the mean of the channels.

        Parameters and errors are those of `blocks`.

        Yields
        ------
        np.ndarray [shape=(n_samples,), dtype=float32]
            At most 10 s.

        Warns
        -----
        SilentDownmixWarning
            At the end, if the channels cancel each other out.
        """
        power = mixed = 0.0
        for block in self.blocks(n_samples):
            mono = downmix(block)
            if self.n_channels > 1:
                power += float(np.vdot(block, block)) / self.n_channels
                mixed += float(np.vdot(mono, mono))
            yield mono
        if mixed < _SILENT * power:
            warnings.warn(
                f"{self._source.name}: its {self.n_channels} channels cancel each other out, so "
                "that their mean is silent. One of them may be inverted. Write a file with one "
                "channel, or invert one, and use that file.",
                SilentDownmixWarning,
                stacklevel=2,
            )

    def read_mono(self, n_samples: int | None = None) -> np.ndarray:
        """Decode from the current position on, as the mean of the channels.

        Parameters, errors and the warning are those of `mono_blocks`.

        Returns
        -------
        np.ndarray [shape=(n_samples,), dtype=float32]
        """
        return np.concatenate([np.empty(0, np.float32), *self.mono_blocks(n_samples)])

    def _read(self, n_samples: float) -> np.ndarray:
        """Decode at most `n_samples` samples. At the end of the file, the block is empty."""
        most = max(1, min(round(BLOCK_S * self.sample_rate), _MOST_VALUES // self.n_channels))
        if self.n_samples is not None:  # allocate no more than is left
            most = min(most, self.n_samples - self._position)
        n = int(max(0, min(n_samples, most)))
        block = self._decoder.read(n)
        self._check_finite(block)
        self._position += len(block)
        self._ended = len(block) == 0
        return block

    def _check_finite(self, block: np.ndarray) -> None:
        # the sum is NaN or infinite whenever a sample is, and needs no array of its own
        with np.errstate(all="ignore"):
            if np.isfinite(block.sum(dtype=np.float64)):
                return
        sample, channel = np.argwhere(~np.isfinite(block))[0]
        raise self._source.error(
            f"sample {self._position + sample} of channel {channel} is {block[sample, channel]}; "
            "expected finite samples. Find what wrote the file, or replace such samples."
        )


def downmix(samples: np.ndarray) -> np.ndarray:
    """Return the mean of the channels.

    Parameters
    ----------
    samples : np.ndarray [shape=(n_samples, n_channels)]

    Returns
    -------
    np.ndarray [shape=(n_samples,), dtype=float32]
    """
    if samples.shape[1] == 1:
        return samples[:, 0]
    return samples.mean(axis=1, dtype=np.float32)
