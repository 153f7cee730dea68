"""The sounds of a page: MP3 files inside it, or links to the audio files."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np

from ..audio.files import resample

_MP3_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_COMPRESSION = 0.8  # on the scale of libsndfile: 96 kbit/s at 44.1 kHz
_BYTES_PER_SECOND = 12_500 * 4 / 3  # of such an MP3 in base64


@dataclass(frozen=True)
class Sounds:
    """The sounds of the points of a page.

    Attributes
    ----------
    addresses : list of str
        Without repetitions: ``data:`` addresses, or paths from the page.
    of : list of int or None
        For each point the index of its address. None if there is no file.
    starts, ends : list of float or None
        Seconds in the sound at the address. None for its beginning or end.
    embedded : bool
        Whether the sounds are in the page.
    missing : dict of str to str
        The files without a sound, and why.
    """

    addresses: list[str]
    of: list[int | None]
    starts: list[float | None]
    ends: list[float | None]
    embedded: bool
    missing: dict[str, str]


def sounds_of_page(
    paths: Sequence[str],
    starts: Sequence[float | None],
    durations: Sequence[float | None],
    page: Path,
    embed_below: float,
) -> Sounds:
    """Embed the sounds of a page if they take at most so many bytes. Otherwise link them.

    Parameters
    ----------
    paths, starts, durations
        As `embed_sounds`.
    page : Path
        The path of the page.
    embed_below : float
        Bytes.

    Returns
    -------
    Sounds
    """
    if embedded_size(durations) <= embed_below:
        return embed_sounds(paths, starts, durations)
    return link_sounds(paths, starts, durations, page)


def embedded_size(durations: Sequence[float | None]) -> float:
    """Return how many bytes sounds take in a page at most."""
    return _BYTES_PER_SECOND * sum(duration or 0.0 for duration in durations)


def embed_sounds(
    paths: Sequence[str], starts: Sequence[float | None], durations: Sequence[float | None]
) -> Sounds:
    """Encode the excerpt of each point for the page: mono, MP3, 96 kbit/s or less.

    Parameters
    ----------
    paths : sequence of str
    starts, durations : sequence of float or None
        The excerpt of each file in seconds. None for the beginning and for the rest of the file.

    Returns
    -------
    Sounds
    """
    addresses: list[str] = []
    of: list[int | None] = []
    missing: dict[str, str] = {}
    for path, start, duration in zip(paths, starts, durations, strict=True):
        try:
            mp3 = _as_mp3(path, start or 0.0, duration)
        except Exception as error:  # the file was moved or changed after the corpus was made
            of.append(None)
            missing[path] = str(error)
            continue
        of.append(len(addresses))
        addresses.append(f"data:audio/mpeg;base64,{base64.b64encode(mp3).decode()}")
    whole: list[float | None] = [None] * len(of)
    return Sounds(addresses, of, whole, whole, True, missing)


def link_sounds(
    paths: Sequence[str],
    starts: Sequence[float | None],
    durations: Sequence[float | None],
    page: Path,
) -> Sounds:
    """Link files by their paths from the folder of the page.

    Parameters
    ----------
    paths, starts, durations
        As `embed_sounds`.
    page : Path
        The path of the page.

    Returns
    -------
    Sounds
    """
    addresses: dict[str, int] = {}
    of: list[int | None] = []
    missing: dict[str, str] = {}
    for path in paths:
        if os.path.isfile(path):
            of.append(addresses.setdefault(_address(Path(path), page), len(addresses)))
        else:
            of.append(None)
            missing[path] = f"{path}: no such file."
    ends = [
        None if start is None or duration is None else start + duration
        for start, duration in zip(starts, durations, strict=True)
    ]
    return Sounds(list(addresses), of, list(starts), ends, False, missing)


def _address(path: Path, page: Path) -> str:
    try:
        from_page = os.path.relpath(path, page.parent)
    except ValueError:  # the file is on another drive
        return path.absolute().as_uri()
    return quote(Path(from_page).as_posix())


def _as_mp3(path: str, start: float, duration: float | None) -> bytes:
    import soundfile

    from ..audio.audio_file import AudioFile

    with AudioFile(path) as file:
        rate = file.sample_rate
        file.skip(round(start * rate))
        waveform = file.read_mono(None if duration is None else round(duration * rate))
    playable = rate if rate in _MP3_RATES else 44_100
    waveform = np.clip(resample(waveform, rate, playable), -1, 1)
    mp3 = io.BytesIO()
    soundfile.write(
        mp3,
        waveform,
        playable,
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=_COMPRESSION,
        bitrate_mode="CONSTANT",
    )
    return mp3.getvalue()
