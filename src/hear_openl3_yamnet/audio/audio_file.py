"""An audio file that is decoded from its beginning to its end, block by block, by libsndfile."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
import soundfile

from ..errors import AudioFileError
from .containers import find_loss, truncated

BLOCK_S = 10.0
"""Seconds of a block."""

_MOST_VALUES = 2**24
"""Largest number of values in a block: 67 MB. 10 s of 8 channels at 192 kHz are 61 MB."""

_UNKNOWN = 2**62
"""A header with this number of samples or more states no length: FLAC written to a pipe."""

_LOWEST_RATE = 100
"""Hertz. A minute at a lower rate would become an hour at the rate of a network."""

_SETTLING_S = 1.0
"""Seconds that are decoded before an excerpt of MP3. A frame needs bits of earlier frames."""

_FORMATS = "WAV, FLAC, OGG, MP3, AIFF or another format of libsndfile"

_NOTED = ("MAT4", "PAF", "WVE")
"""Formats in which libsndfile itself notes that a file is truncated."""

_TRUNCATED_NOTE = re.compile(r"truncated|Data length \d+ should be \d+")


class _Decoder(soundfile.SoundFile):
    """A decoder that continues where it stopped.

    The base class seeks to its own position after each read. Some files are not seekable
    (GSM 6.10, G.721, FLAC of unknown length), and MP3 is decoded wrongly after a seek.
    """

    def seekable(self) -> bool:
        return False


class AudioFile:
    """An open audio file.

    Parameters
    ----------
    path
        Any file that libsndfile reads.

    Attributes
    ----------
    path : Path
    sample_rate : int
        Hertz.
    n_channels : int
    n_samples : int or None
        Samples of each channel, as the header states them. If it does not state them, this is an
        estimate for MP3, and None for other formats.

    Raises
    ------
    AudioFileError
        If the file is missing, empty, not a regular file or not audio.
    """

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        _check_readable(self.path)
        self._decoder = self._open()
        self.sample_rate: int = self._decoder.samplerate
        self.n_channels: int = self._decoder.channels
        frames = self._decoder.frames
        self.n_samples: int | None = frames if frames < _UNKNOWN else None
        self._position = 0
        self._ended = False
        if self.sample_rate < _LOWEST_RATE:
            raise self._error(
                f"its header states {self.sample_rate} Hz, and {_LOWEST_RATE} Hz or more are "
                "expected. The header may be damaged."
            )

    def _open(self) -> _Decoder:
        # soundfile itself encodes strictly: a name that is not UTF-8 must be given as bytes
        name = self.path if os.name == "nt" else os.fsencode(self.path)
        try:
            return _Decoder(name)
        except soundfile.LibsndfileError as error:
            cause = error.error_string.rstrip(".") if error.code <= 4 else ""
            raise self._not_audio(cause) from error
        except TypeError as error:  # soundfile takes *.raw for samples without a header
            raise self._not_audio("a .raw file has no header") from error

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
        if self.n_samples is None:
            return None if self._read_on(target) else 0
        target = min(target, self.n_samples)
        if soundfile.SoundFile.seekable(self._decoder):
            settling = round(_SETTLING_S * self.sample_rate) if self._decoder.format == "MP3" else 0
            self._seek(max(self._position, target - settling))
        self._read_on(target)
        return self.n_samples - self._position

    def _read_on(self, target: int) -> bool:
        """Decode up to a position, and return whether it was reached."""
        while self._position < target and not self._ended:
            self._read(target - self._position)
        return not self._ended

    def _seek(self, position: int) -> None:
        """Go to a position, or to the beginning if the file is not seekable."""
        if position == self._position:
            return
        try:
            self._decoder.seek(position)
        except soundfile.LibsndfileError:  # DWVW claims to be seekable
            self._decoder.close()
            self._decoder, position = self._open(), 0
        self._position = position

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
            self._check_whole()
            if self._position == first:
                after = f" after {first / self.sample_rate:g} s" if first else ""
                raise self._error(f"holds no samples{after}; expected at least one.")

    def read_mono(self, n_samples: int | None = None) -> np.ndarray:
        """Decode from the current position on, as the mean of the channels.

        Parameters and errors are those of `blocks`.

        Returns
        -------
        np.ndarray [shape=(n_samples,), dtype=float32]
        """
        blocks = [downmix(block) for block in self.blocks(n_samples)]
        return np.concatenate([np.empty(0, np.float32), *blocks])

    def _read(self, n_samples: float) -> np.ndarray:
        """Decode at most `n_samples` samples. At the end of the file, the block is empty."""
        most = min(round(BLOCK_S * self.sample_rate), _MOST_VALUES // self.n_channels)
        if self.n_samples is not None:  # allocate no more than is left
            most = min(most, self.n_samples - self._position)
        n = int(max(0, min(n_samples, most)))
        with self._naming_damage():
            block = self._decoder.read(n, dtype="float32", always_2d=True)
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
        raise self._error(
            f"sample {self._position + sample} of channel {channel} is {block[sample, channel]}; "
            "expected finite samples. Find what wrote the file, or replace such samples."
        )

    def _check_whole(self) -> None:
        """Refuse a file that has less than it states, or more than was read."""
        form, n_samples, stated = self._decoder.format, self._position, self.n_samples
        if stated is not None and n_samples < stated and form != "MP3":
            raise self._error(truncated(f"{n_samples} samples where its header says {stated}"))
        with self._naming_damage():  # the file may have been removed meanwhile
            loss = find_loss(self.path, form, n_samples)
        if loss:
            raise self._error(loss)
        if form in _NOTED and (note := _TRUNCATED_NOTE.search(self._decoder.extra_info)):
            raise self._error(truncated(f"libsndfile notes: {note[0]}"))

    @contextmanager
    def _naming_damage(self) -> Iterator[None]:
        try:
            yield
        except soundfile.LibsndfileError as error:
            cause = error.error_string.removeprefix("Error : ").rstrip(".")
            raise self._error(f"damaged or truncated ({cause}). Get the file again.") from error
        except OSError as error:
            raise self._error(f"can no longer be read ({error.strerror}).") from error

    def _not_audio(self, cause: str) -> AudioFileError:
        because = f" ({cause})" if cause else ""
        return self._error(
            f"not audio that can be read{because}; "
            f"expected {_FORMATS}. Check the file, or convert it to FLAC."
        )

    def _error(self, what: str) -> AudioFileError:
        return AudioFileError(f"{self.path}: {what}")


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


def _check_readable(path: Path) -> None:
    """Refuse paths for which libsndfile reports a system error or waits for ever."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise AudioFileError(f"{path}: a folder; expected an audio file.")
        if not stat.S_ISREG(mode):
            raise AudioFileError(
                f"{path}: not a regular file, but a pipe, a socket or a device. Write the audio to "
                "a file first."
            )
        with path.open("rb") as file:
            empty = not file.read(1)
    except AudioFileError:
        raise  # it is an OSError, too
    except FileNotFoundError as error:
        raise AudioFileError(f"{path}: no such file. Check the path.") from error
    except (OSError, ValueError) as error:  # ValueError: the path has a null character
        cause = getattr(error, "strerror", None) or error
        raise AudioFileError(f"{path}: cannot be opened ({cause}).") from error
    if empty:
        raise AudioFileError(f"{path}: an empty file (0 bytes); expected {_FORMATS}.")
