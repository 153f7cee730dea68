"""Audio files → waveforms at one rate."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from ..errors import OptionError

if TYPE_CHECKING:
    from .sources import AudioSource

__all__ = ["load_audio"]


LONGEST_WHOLE_S = 60.0
"""Seconds of the longest clip that is decoded as a whole. Longer ones are decoded in blocks."""


def load_audio(audio: AudioSource, sample_rate: int) -> np.ndarray:
    """Read an audio file as a mono waveform at the given rate.

    Parameters
    ----------
    audio : str, os.PathLike, bytes or binary file
        The path, the content, or an open file, which is read from its position to its end. Any
        file that libsndfile reads: WAV, FLAC, OGG, MP3, AIFF and others, of any rate and any
        number of channels. With the extra ``ffmpeg`` also M4A, MP4, MOV, 3GP, WebM, Matroska, WMA,
        AMR, AAC and AC-3: of a video, the first audio track.
    sample_rate : int
        Rate of the waveform [Hz], usually ``model.sample_rate``.

    Returns
    -------
    np.ndarray [shape=(n_samples,), dtype=float32]
        The mean of the channels.

    Raises
    ------
    AudioFileError
        If the file is missing, empty, damaged, truncated or not audio, if it has samples that are
        NaN or infinite, or if only the first part of it would be read: several recordings that
        were joined, or more audio than the header states. The path of a pipe is refused, too.
    AudioTypeError
        If `audio` is of another type, or a file that was opened as text.
    OptionError
        If the rate is not a whole number of hertz from 100 to 20 million.

    Warns
    -----
    SilentDownmixWarning
        If the channels cancel each other out, so that their mean is silent.

    Notes
    -----
    IRCAM, PAF, PVF, SD2 and most XI files do not state their length, and neither do streams of AAC,
    AC-3 and AMR. If such a file is cut between two samples or frames, the rest of it
    is read without an error.

    Examples
    --------
    >>> waveform = load_audio("speech.flac", model.sample_rate)  # doctest: +SKIP
    >>> embeddings, timestamps = get_timestamp_embeddings(waveform[None], model)  # doctest: +SKIP
    """
    from .audio_file import AudioFile

    sample_rate = _checked_rate(sample_rate)
    with AudioFile(audio) as file:
        waveform = file.read_mono()
    return resample(waveform, file.sample_rate, sample_rate)


def _checked_rate(sample_rate: int) -> int:
    from .audio_file import HIGHEST_RATE, LOWEST_RATE

    try:
        checked = operator.index(sample_rate)
    except TypeError:
        checked = 0
    if not LOWEST_RATE <= checked <= HIGHEST_RATE:
        raise OptionError(
            f"sample_rate must be a whole number of hertz, {LOWEST_RATE} to {HIGHEST_RATE}. "
            f"Received: {sample_rate!r}"
        )
    return checked


def resample(waveform: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Resample a waveform with the quality "HQ" of soxr, as ``librosa.resample`` does by default.

    Parameters
    ----------
    waveform : np.ndarray [shape=(n_samples,)]
    from_rate, to_rate : int
        Sample rates [Hz]. If they are equal, the waveform itself is returned.

    Returns
    -------
    np.ndarray [shape=(ceil(n_samples * to_rate / from_rate),)]
        Of the same dtype. soxr rounds the length; a missing last sample is 0.
    """
    if from_rate == to_rate:
        return waveform
    import soxr

    n_samples = -(-len(waveform) * to_rate // from_rate)
    resampled = soxr.resample(waveform, from_rate, to_rate, quality="HQ")[:n_samples]
    return np.pad(resampled, (0, n_samples - len(resampled)))


def resample_blocks(
    blocks: Iterable[np.ndarray], from_rate: int, to_rate: int
) -> Iterator[np.ndarray]:
    """Resample a waveform that comes in blocks.

    Parameters
    ----------
    blocks : iterable of np.ndarray [shape=(n_samples,), dtype=float32]
    from_rate, to_rate : int
        Sample rates [Hz].

    Yields
    ------
    np.ndarray [shape=(n_samples,), dtype=float32]
        Joined, they equal what `resample` returns for the whole waveform.
    """
    if from_rate == to_rate:
        yield from blocks
        return
    import soxr

    stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", quality="HQ")
    n_in = n_out = 0
    for block in blocks:
        resampled = stream.resample_chunk(block)
        n_in, n_out = n_in + len(block), n_out + len(resampled)
        yield resampled
    left = -(-n_in * to_rate // from_rate) - n_out
    resampled = stream.resample_chunk(np.empty(0, np.float32), last=True)[:left]
    yield np.pad(resampled, (0, left - len(resampled)))
