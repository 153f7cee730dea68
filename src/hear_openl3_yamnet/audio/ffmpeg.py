"""A decoder of what phones and videos record, by FFmpeg (extra ``ffmpeg``).

A file is recognised by its first bytes, and FFmpeg is told its format. So FFmpeg never guesses the
format of a damaged file, and opens nothing else than this file.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np

from ..errors import AudioFileError, MissingExtraError, require
from .containers import find_loss, truncated
from .containers.boxes import asf_end
from .containers.tags import id3_size
from .sources import Source

NAMES = {
    "mov": "MPEG-4 or QuickTime (M4A, MP4, MOV, 3GP)",
    "matroska": "Matroska or WebM",
    "asf": "Windows Media (WMA, WMV)",
    "amr": "AMR",
    "aac": "AAC",
    "ac3": "AC-3",
    "eac3": "E-AC-3",
}
"""Formats, by FFmpeg's names of them."""

_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")
"""Names of the box that begins an MPEG-4 or QuickTime file, after its size."""

_MOST_DELAYED = 8
"""Packets of which nothing may be decoded: the delay of a codec."""

_MOST_STRETCHED = 1.2
"""How far the table of times may differ from the packets' own length: a recording may have gaps."""

_MOST_MISSING_S = 0.1
"""Seconds that may be missing at the end, beside 2 % of the length: headers are rounded."""


def recognise(file: BinaryIO) -> str | None:
    """Return FFmpeg's name of a file's format, or None if it is none of `NAMES`."""
    head = file.read(16)
    if head[4:8] in _BOXES:
        return "mov"
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return "matroska"
    if head.startswith(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"):
        return "asf"
    if head.startswith(b"#!AMR"):
        return "amr"
    if head.startswith(b"\x0b\x77") and len(head) > 5:
        return "ac3" if head[5] >> 3 <= 10 else "eac3"  # the version of the bit stream
    file.seek(id3_size(head))
    head = file.read(2)
    if len(head) == 2 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "aac"
    return None


class FfmpegDecoder:
    """An open file, with the names of `audio_file.Decoder`. Of several audio tracks, the first.

    The header's length is used only to find a loss: it may be rounded, or about the pictures.
    """

    n_samples: int | None = None

    def __init__(self, source: Source, form: str):
        self._source, self._form = source, form
        try:
            self._av: Any = require("av", extra="ffmpeg")
        except MissingExtraError as error:
            raise source.error(f"{NAMES[form]} is read by FFmpeg. {error}") from error
        self._file = source.open()
        self._rest = np.empty((0, 0), np.float32)
        self._n_packets, self._n_frames, self._stated_s, self._end_s = 0, 0, 0.0, 0.0
        try:
            first = self._first_frame()
        except BaseException as error:
            self._file.close()
            loss = self._outer_loss(0) if isinstance(error, AudioFileError) else None
            if loss and loss.startswith("truncated"):  # it says more
                raise source.error(loss) from error
            raise
        self.sample_rate: int = first.sample_rate
        self.n_channels: int = first.layout.nb_channels
        self._rest = _samples(first)

    def _first_frame(self) -> Any:
        with self._naming_damage():
            self._container = self._av.open(self._file, format=self._form)
        self._track = self._first_track()
        self._frames = self._decoded()
        first = next(self._frames, None)
        if first is None:
            n = self._track.frames
            listed = f" of the {n} packets that its header lists" if n else ""
            raise self._source.error(f"holds no samples{listed}; expected at least one.")
        return first

    def read(self, n_samples: int) -> np.ndarray:
        """Decode the next samples."""
        parts, missing = [], n_samples
        while missing > 0:
            if not len(self._rest):
                frame = next(self._frames, None)
                if frame is None:
                    break
                self._check_alike(frame)
                self._rest = _samples(frame)
            parts.append(self._rest[:missing])
            self._rest = self._rest[missing:]
            missing -= len(parts[-1])
        return np.concatenate([np.empty((0, self.n_channels), np.float32), *parts])

    def seek(self, target: int, position: int) -> int:
        """Stay: positions in such files are not exact."""
        return position

    def loss(self, n_samples: int) -> str | None:
        """Return what is missing, or not read, of a file of which so many samples were read."""
        loss = self._outer_loss(n_samples) or self._skipped(n_samples)
        stated_s = self._stated_end()
        if not loss and stated_s and self._end_s < 0.98 * stated_s - _MOST_MISSING_S:
            loss = truncated(f"{self._end_s:.3g} s, of {stated_s:.3g} s that its header states")
        return loss

    def _stated_end(self) -> float | None:
        """Return at which second the audio ends, or None if the header does not state it."""
        stated = self._container.duration
        if stated is None or len(self._container.streams) > 1:  # that of the longest track
            return None
        if self._form == "matroska":
            stated_at_all = self._track.duration is None  # FFmpeg has estimated it otherwise
        elif self._form == "asf":
            with self._source.open() as file:
                stated_at_all = asf_end(file, file.seek(0, io.SEEK_END)) is not None
        else:
            stated_at_all = self._form == "mov"
        return stated / 1e6 if stated_at_all else None

    def _outer_loss(self, n_samples: int) -> str | None:
        """Find what is missing in the container."""
        with self._naming_damage(), self._source.open() as file:
            return find_loss(file, self._form, n_samples)

    def _skipped(self, n_samples: int) -> str | None:
        """Find a damaged table of times: FFmpeg drops what it places outside of the track."""
        n_listed, n_packets, n_frames = self._track.frames, self._n_packets, self._n_frames
        dropped = max(n_listed - n_packets, n_packets - n_frames)
        if dropped <= _MOST_DELAYED or not self._stated_s:
            return None
        packets_s = n_packets / n_frames * n_samples / self.sample_rate
        if packets_s / _MOST_STRETCHED < self._stated_s < packets_s * _MOST_STRETCHED:
            return None
        return (
            f"damaged (its header gives {self._stated_s:.3g} s to {n_packets} packets that have "
            f"{packets_s:.3g} s, so that {dropped} packets are dropped). Get the file again."
        )

    def close(self) -> None:
        """Close the file."""
        self._container.close()
        self._file.close()

    def _first_track(self) -> Any:
        streams = self._container.streams
        if not streams.audio:
            others = ", ".join(sorted({stream.type for stream in streams})) or "nothing"
            raise self._source.error(
                f"has no audio track; it holds {others}. Expected a sound or a video with sound."
            )
        track = streams.audio[0]
        if track.codec_context is None:
            raise self._source.error("its audio is coded in a way that FFmpeg does not know.")
        track.codec_context.options = {"err_detect": "crccheck+explode"}
        return track

    def _decoded(self) -> Iterator[Any]:
        """Yield the frames of the track."""
        with self._naming_damage():
            for packet in self._container.demux(self._track):
                if packet.is_corrupt:
                    raise self._source.error(
                        "truncated (its last packet is incomplete). Get the file again, or convert "
                        "what is left of it to FLAC."
                    )
                if packet.size:
                    self._n_packets += 1
                    duration = packet.duration or 0
                    self._stated_s += float(duration * packet.time_base)
                    if packet.pts is not None:
                        end_s = float((packet.pts + duration) * packet.time_base)
                        self._end_s = max(self._end_s, end_s)
                for frame in packet.decode():
                    self._n_frames += 1
                    if frame.samples:
                        yield frame

    def _check_alike(self, frame: Any) -> None:
        rate, n_channels = frame.sample_rate, frame.layout.nb_channels
        if (rate, n_channels) != (self.sample_rate, self.n_channels):
            raise self._source.error(
                f"changes from {self.sample_rate} Hz and {self.n_channels} channels to {rate} Hz "
                f"and {n_channels} channels. Convert it to FLAC, for example with ffmpeg."
            )

    @contextmanager
    def _naming_damage(self) -> Iterator[None]:
        try:
            yield
        except AudioFileError:
            raise
        except (self._av.error.FFmpegError, OSError, ValueError) as error:
            cause = getattr(error, "strerror", None) or error
            raise self._source.error(
                f"damaged or truncated ({cause}). Get the file again."
            ) from error


def _samples(frame: Any) -> np.ndarray:
    """Return a frame as (n_samples, n_channels) of float32, integers scaled to [-1, 1]."""
    values: np.ndarray = frame.to_ndarray()
    n_channels = frame.layout.nb_channels
    values = values.T if frame.format.is_planar else values.reshape(-1, n_channels)
    if values.dtype == np.uint8:
        return (values.astype(np.float32) - 128) / 128
    if values.dtype.kind == "i":
        return (values / 2.0 ** (8 * values.dtype.itemsize - 1)).astype(np.float32)
    return values.astype(np.float32)
