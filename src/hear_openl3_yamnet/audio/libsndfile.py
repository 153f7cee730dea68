"""A decoder of what libsndfile reads."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import soundfile

from ..errors import AudioFileError
from .containers import find_loss, find_truncation, truncated
from .sources import FORMATS, Source

_UNKNOWN = 2**62
"""A header with this number of samples or more states no length: FLAC written to a pipe."""

_SETTLING_S = 1.0
"""Seconds that are decoded before an excerpt of MP3. A frame needs bits of earlier frames."""

_NOTED = ("MAT4", "PAF", "WVE")
"""Formats in which libsndfile itself notes that a file is truncated."""

_NOTE = re.compile(r"truncated|Data length (?P<stated>\d+) should be (?P<present>\d+)")

_SAMPLE_BYTES = {
    "PCM_S8": 1, "PCM_U8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4, "DOUBLE": 8,
    "ULAW": 1, "ALAW": 1, "DPCM_8": 1, "DPCM_16": 2,
}  # fmt: skip
"""Bytes of a sample, of the subtypes in which all samples have the same size."""


class _File(soundfile.SoundFile):
    """A decoder that continues where it stopped.

    The base class seeks to its own position after each read. Some files are not seekable
    (GSM 6.10, G.721, FLAC of unknown length), and MP3 is decoded wrongly after a seek.
    """

    def seekable(self) -> bool:
        return False


class SndfileDecoder:
    """An open file, with the names of `audio_file.Decoder`."""

    def __init__(self, source: Source):
        self._source = source
        self._file = self._open()
        self.sample_rate: int = self._file.samplerate
        self.n_channels: int = self._file.channels
        frames = self._file.frames
        self.n_samples: int | None = frames if frames < _UNKNOWN else None

    def _open(self) -> _File:
        path = self._source.path
        # soundfile itself encodes strictly: a name that is not UTF-8 must be given as bytes
        file: Any = path if path and os.name == "nt" else path and os.fsencode(path)
        try:
            return _File(file or self._source.open())
        except soundfile.LibsndfileError as error:
            with self._source.open() as content:
                if loss := find_truncation(content):
                    raise self._source.error(loss) from error
            cause = error.error_string.rstrip(".") if error.code <= 4 else ""
            raise self._not_audio(cause) from error
        except TypeError as error:  # soundfile takes *.raw for samples without a header
            raise self._not_audio("a .raw file has no header") from error

    def read(self, n_samples: int) -> np.ndarray:
        """Decode the next samples."""
        with self._naming_damage():
            return self._file.read(n_samples, dtype="float32", always_2d=True)

    def seek(self, target: int, position: int) -> int:
        """Go to a later position or to one before it, and return it."""
        if self.n_samples is None or not soundfile.SoundFile.seekable(self._file):
            return position
        settling = round(_SETTLING_S * self.sample_rate) if self._file.format == "MP3" else 0
        if target - settling <= position:
            return position
        try:
            self._file.seek(target - settling)
        except soundfile.LibsndfileError:  # DWVW claims to be seekable
            self._file.close()
            self._file = self._open()
            return 0
        return target - settling

    def loss(self, n_samples: int) -> str | None:
        """Return what is missing, or not read, of a file of which so many samples were read."""
        form, stated = self._file.format, self.n_samples
        if stated is not None and n_samples < stated and form != "MP3":
            return truncated(f"{n_samples} samples where its header says {stated}")
        packed = (form, self._file.subtype) == ("PAF", "PCM_24")  # ten samples in 32 bytes
        block = 0 if packed else self.n_channels * _SAMPLE_BYTES.get(self._file.subtype, 0)
        with self._naming_damage(), self._source.open() as file:  # it may have been removed
            loss = find_loss(file, form, n_samples, block)
        if not loss and form in _NOTED:
            note = _NOTE.search(self._file.extra_info)
            if note and int(note["stated"] or 1) > int(note["present"] or 0):
                loss = truncated(f"libsndfile notes: {note[0]}")
        return loss

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @contextmanager
    def _naming_damage(self) -> Iterator[None]:
        try:
            yield
        except soundfile.LibsndfileError as error:
            cause = error.error_string.removeprefix("Error : ").rstrip(".")
            raise self._source.error(
                f"damaged or truncated ({cause}). Get the file again."
            ) from error
        except OSError as error:
            raise self._source.error(f"can no longer be read ({error.strerror}).") from error

    def _not_audio(self, cause: str) -> AudioFileError:
        because = f" ({cause})" if cause else ""
        return self._source.error(
            f"not audio that can be read{because}; "
            f"expected {FORMATS}. Check the file, or convert it to FLAC."
        )
