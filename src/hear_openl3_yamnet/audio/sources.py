"""Where audio comes from: a file by its path, an open file, or bytes."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from ..errors import AudioFileError, AudioTypeError

AudioSource: TypeAlias = str | os.PathLike | bytes | bytearray | memoryview | BinaryIO
"""What `load_audio` reads. Bytes are the content of a file, not its path."""

FORMATS = "WAV, FLAC, OGG, MP3, AIFF or another format of libsndfile"


class Source:
    """An audio file that can be opened again and again.

    Parameters
    ----------
    audio : AudioSource
        An open file is read from its position to its end, into memory. It is not closed.

    Attributes
    ----------
    name : str
        Begins the messages of errors.
    path : Path or None

    Raises
    ------
    AudioFileError
        If there is no such file, or it is empty, not regular, or cannot be opened or read.
    AudioTypeError
        If the audio is of another type, or a file that was opened as text.
    """

    def __init__(self, audio: AudioSource):
        self.path: Path | None = None
        self._content: bytes | None = None
        if isinstance(audio, str | os.PathLike):
            self.path = Path(os.fsdecode(audio))
            self.name = str(self.path)
            self._check_readable(self.path)
            return
        if isinstance(audio, bytes | bytearray | memoryview):
            self.name, self._content = "<bytes>", bytes(audio)
        elif callable(getattr(audio, "read", None)):
            self.name = _name(audio)
            self._content = self._read(audio)
        else:
            raise AudioTypeError(
                "audio must be a path, an open binary file, or the bytes of a file. Received: "
                f"{type(audio).__name__}"
            )
        if not self._content:
            raise self.error(
                f"no bytes are left to read; expected {FORMATS}. If the file was just written or "
                "read, go back to its beginning: file.seek(0)."
            )

    def open(self) -> BinaryIO:
        """Open the file anew, for reading from its beginning."""
        if self._content is not None:
            return io.BytesIO(self._content)
        assert self.path is not None
        return self.path.open("rb", buffering=2**16)

    def error(self, what: str) -> AudioFileError:
        """Return an error that names the file."""
        return AudioFileError(f"{self.name}: {what}")

    def _read(self, file: Any) -> bytes:
        try:
            content = file.read()
        except Exception as error:  # whatever the object is, its failure is that of a file
            raise self.error(f"cannot be read ({str(error).rstrip('.')}).") from error
        if not isinstance(content, bytes):
            raise AudioTypeError(
                f"{self.name}: an open file must give bytes. Open it with open(path, 'rb'). "
                f"Received: {type(content).__name__}"
            )
        return content

    def _check_readable(self, path: Path) -> None:
        """Refuse paths for which libsndfile reports a system error or waits for ever."""
        try:
            mode = os.stat(path).st_mode
            if stat.S_ISDIR(mode):
                raise self.error("a folder; expected an audio file.")
            if not stat.S_ISREG(mode):
                raise self.error(
                    "not a regular file, but a pipe, a socket or a device. Write the audio to a "
                    "file first, or give it as an open file or as bytes."
                )
            with path.open("rb") as file:
                empty = not file.read(1)
        except AudioFileError:
            raise  # it is an OSError, too
        except FileNotFoundError as error:
            raise self.error("no such file. Check the path.") from error
        except (OSError, ValueError) as error:  # ValueError: the path has a null character
            cause = getattr(error, "strerror", None) or error
            raise self.error(f"cannot be opened ({cause}).") from error
        if empty:
            raise self.error(f"an empty file (0 bytes); expected {FORMATS}.")


def _name(file: Any) -> str:
    name = getattr(file, "name", None)
    return name if isinstance(name, str) else f"<{type(file).__name__}>"
