"""Check in the bytes of an audio file whether a decoder has read all of it.

libsndfile opens truncated files of most formats as if nothing were missing. It also ignores what
follows the audio that a header states. So this package compares header and content itself.

IRCAM, PAF, PVF, SD2 and most XI files do not state their length. There, and in streams of frames
(AAC, AC-3, AMR), a loss is detected only if a sample or a frame is incomplete.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import BinaryIO

from . import flac, mpeg
from .blocks import blocks_end
from .boxes import asf_end, matroska_end, mpeg4_end
from .chunks import MAGIC, aiff_end, caf_end, riff_end, wave64_end
from .frames import aac_end, ac3_end, amr_end
from .headers import au_end, avr_end, mat4_end, mat5_end, mpc2k_end, nist_end, sds_end, voc_end
from .ogg import ogg_end

_ENDS: dict[str, Callable[[BinaryIO, int], int | None]] = {
    "AIFF": aiff_end,
    "AU": au_end,
    "AVR": avr_end,
    "CAF": caf_end,
    "FLAC": flac.flac_end,
    "MAT4": mat4_end,
    "MAT5": mat5_end,
    "MPC2K": mpc2k_end,
    "NIST": nist_end,
    "OGG": ogg_end,
    "RF64": riff_end,
    "SDS": sds_end,
    "SVX": aiff_end,
    "VOC": voc_end,
    "W64": wave64_end,
    "WAV": riff_end,
    "WAVEX": riff_end,
    "aac": aac_end,
    "ac3": ac3_end,
    "amr": amr_end,
    "asf": asf_end,
    "eac3": ac3_end,
    "matroska": matroska_end,
    "mov": mpeg4_end,
}
"""By libsndfile's name of a format in capitals, or FFmpeg's name."""

_FORMS = {b"caff": "CAF", b"OggS": "OGG", b"RIFF": "WAV", b"riff": "W64", b"FORM": "AIFF"}
"""Formats by the first bytes of a file, of which libsndfile does not open some truncated ones."""

_UNSTATED = ("IRCAM", "PAF", "PVF", "SD2", "XI")

_MOST_TRAILING, _MOST_TRAILING_SAMPLES = 4096, 2048
"""Bytes after the end that may be tags, if their audio would have at most so many samples."""

_TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN")
"""First bytes of tags: such bytes are no audio, however many samples they would be."""

_MPEG_TOLERANCE = 8 * 1152
"""Samples that an MPEG decoder may drop: its delay, padding, and frames that need others."""


def find_loss(file: BinaryIO, form: str, n_samples: int, block: int = 0) -> str | None:
    """Compare a file with what was read of it.

    Parameters
    ----------
    file : BinaryIO
    form : str
        Format, as ``soundfile.SoundFile.format`` or FFmpeg names it.
    n_samples : int
        Samples that were read.
    block : int
        Bytes of a sample of all channels. 0 if the samples are not of one size.

    Returns
    -------
    str or None
        What was not read, and what to do. None if nothing is missing, or if the format does not
        state its length.
    """
    size = file.seek(0, io.SEEK_END)
    if form == "MP3":
        return _mpeg_loss(mpeg.count_samples(file, size), n_samples)
    if form == "FLAC" and (present := flac.count_samples(file, size)) > n_samples:
        return _unread(f"{n_samples} of {present} samples, because its header states no more")
    if form in _UNSTATED:
        end = blocks_end(file, size, form, block)
    else:
        end = _ENDS[form](file, size) if form in _ENDS else None
    if end is None:
        # libsndfile reads only the first block of GSM 6.10 in a W64 file without a length
        first_only = form == "W64" and block == 0 and size > 8 * n_samples + 1024
        return _unread(f"{n_samples} samples of {size} bytes") if first_only else None
    if size < end:
        return truncated(f"{size} bytes, of at least {end}")
    trailing = size - end
    if _is_audio(file, end, trailing, trailing * n_samples / max(1, end)):
        return _unread(f"{end} of {size} bytes, because its header accounts for no more")
    return None


def find_truncation(file: BinaryIO) -> str | None:
    """Return why a file that libsndfile does not open is truncated, or None if it is not known."""
    form = _FORMS.get(file.read(4))
    size = file.seek(0, io.SEEK_END)
    end = _ENDS[form](file, size) if form else None
    return truncated(f"{size} bytes, of at least {end}") if end is not None and size < end else None


def _mpeg_loss(count: mpeg.Count, n_samples: int) -> str | None:
    """Compare the frames of a file with what its header states, and with what was read."""
    if count.stated is not None and count.present < count.stated:
        return truncated(f"{count.present} samples, of {count.stated}")
    if n_samples + _MPEG_TOLERANCE < count.present:
        return _unread(f"{n_samples} of about {count.present} samples")
    return None


def truncated(what: str) -> str:
    """Return the words for a file that ends too early."""
    return f"truncated ({what}). Get the file again, or convert what is left of it to FLAC."


def _unread(what: str) -> str:
    return (
        f"would not be read as a whole ({what}). Split it if several recordings were joined, or "
        "convert it to FLAC with a program that reads all of it, such as ffmpeg."
    )


def _is_audio(file: BinaryIO, first: int, n_bytes: int, n_samples: float) -> bool:
    """Return whether the last bytes of a file may be audio: a joined file, or many non-zeros."""
    file.seek(first)
    head = file.read(16)
    if head[:4] in MAGIC or head[4:8] == b"ftyp":
        return True
    may_be_tags = n_samples <= _MOST_TRAILING_SAMPLES or head.startswith(_TAGS)
    file.seek(first)
    return not (n_bytes <= _MOST_TRAILING and may_be_tags) and any(
        block.strip(b"\0") for block in iter(lambda: file.read(2**20), b"")
    )
