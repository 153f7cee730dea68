"""Audio files → waveforms at one rate."""

import os

import numpy as np

__all__ = ["load_audio"]

AUDIO_SUFFIXES = frozenset(
    f".{name}"
    for names in ("aif aifc aiff au caf flac m4a mp1 mp2 mp3", "oga ogg opus rf64 snd w64 wav wave")
    for name in names.split()
)
"""Endings of the files of a folder that count as audio. libsndfile cannot read some of these
formats. Such a file raises an `AudioFileError`, so that no file is left out without a message."""


def load_audio(path: str | os.PathLike, sample_rate: int) -> np.ndarray:
    """Read an audio file as a mono waveform at the given rate.

    Parameters
    ----------
    path
        Any file that libsndfile reads: WAV, FLAC, OGG, MP3, AIFF and others, of any rate and
        any number of channels.
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
        NaN or infinite, or if libsndfile would read only the first part of it: several recordings
        that were joined, or more audio than the header states. A pipe is refused, too.

    Notes
    -----
    IRCAM, PAF, PVF, SD2 and XI files do not state their length. If such a file is truncated, the
    rest of it is read without an error.

    Examples
    --------
    >>> waveform = load_audio("speech.flac", model.sample_rate)  # doctest: +SKIP
    >>> embeddings, timestamps = get_timestamp_embeddings(waveform[None], model)  # doctest: +SKIP
    """
    from .audio_file import AudioFile

    with AudioFile(path) as file:
        waveform = file.read_mono()
    return resample(waveform, file.sample_rate, sample_rate)


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
