"""Audio files → waveforms: decode, downmix, resample."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import AudioFileError

if TYPE_CHECKING:
    import soundfile

__all__ = ["load_audio"]

_FORMATS = "WAV, FLAC, OGG, MP3, AIFF or another format of libsndfile"

# libsndfile opens a truncated WAV, AIFF, AU or W64 as if nothing were missing: its log tells.
_DECLARED_BYTES = re.compile(r"(?:data|SSND|Data Size|riff)\s*: (\d+) \(should be (\d+)\)")
_OGG_WITHOUT_END = "lacks an end-of-stream bit"
# Programs that write a WAV to a pipe declare about 2 or 4 GiB, for they cannot know its length.
_UNKNOWN_LENGTH = 0x7FFF_0000


def load_audio(path: str | os.PathLike, sample_rate: int) -> np.ndarray:
    """Read an audio file as a mono waveform at the rate asked for.

    Parameters
    ----------
    path
        Any file that libsndfile reads: WAV, FLAC, OGG, MP3, AIFF and others, of any rate and
        any number of channels.
    sample_rate
        Rate of the waveform [Hz], as ``model.sample_rate`` says it.

    Returns
    -------
    np.ndarray [shape=(n_samples,)]
        float32; the mean of the channels.

    Raises
    ------
    AudioFileError
        The file is missing, empty, damaged, truncated, no audio, or has samples that are NaN or
        infinite.

    Notes
    -----
    libsndfile estimates the length of an MP3 of variable bit rate that lacks a Xing header, and
    reads no further than its estimate. Convert such files.

    Examples
    --------
    >>> waveform = load_audio("speech.flac", model.sample_rate)  # doctest: +SKIP
    >>> embeddings, timestamps = get_timestamp_embeddings(waveform[None], model)  # doctest: +SKIP
    """
    samples, file_rate = decode(path)
    return resample(downmix(samples), file_rate, sample_rate)


def decode(path: str | os.PathLike) -> tuple[np.ndarray, int]:
    """Read all samples of an audio file, at its own rate.

    Parameters
    ----------
    path
        Any file that libsndfile reads.

    Returns
    -------
    samples : np.ndarray [shape=(n_samples, n_channels)]
        float32; integer formats are scaled to [-1, 1].
    sample_rate : int
        The file's rate [Hz].

    Raises
    ------
    AudioFileError
        As `load_audio`.
    """
    with open_audio(path) as file:
        samples = read_samples(path, file)
        check_complete(path, file, len(samples))
        return samples, file.samplerate


def open_audio(path: str | os.PathLike) -> "soundfile.SoundFile":
    """Open an audio file, or say what it is instead.

    Raises
    ------
    AudioFileError
        The file is missing, empty or no audio.
    """
    path = Path(path)
    _check_readable(path)
    import soundfile

    # soundfile itself encodes strictly: a name that is not UTF-8 has to come as bytes
    name = path if os.name == "nt" else os.fsencode(path)
    try:
        return soundfile.SoundFile(name)
    except soundfile.LibsndfileError as error:
        raise _not_audio(path, error.error_string if error.code <= 4 else "") from error
    except TypeError as error:  # soundfile takes *.raw for samples without a header
        raise _not_audio(path, "a .raw file has no header") from error


def read_samples(
    path: str | os.PathLike, file: "soundfile.SoundFile", n_samples: int = -1
) -> np.ndarray:
    """Read the next samples of an open file.

    Parameters
    ----------
    path
        For errors to name.
    file : soundfile.SoundFile
    n_samples : int
        All that are left, by default.

    Returns
    -------
    np.ndarray [shape=(n_samples, n_channels), dtype=float32]
        Fewer where the file ends.

    Raises
    ------
    AudioFileError
        The file is damaged, or has samples that are NaN or infinite.
    """
    import soundfile

    first = file.tell()
    try:
        samples = file.read(n_samples, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        cause = error.error_string.removeprefix("Error : ").rstrip(".")
        raise AudioFileError(
            f"{path}: damaged or truncated ({cause}). Get the file anew."
        ) from error
    _check_finite(path, samples, first)
    return samples


def downmix(samples: np.ndarray) -> np.ndarray:
    """Return the mean of the channels.

    Parameters
    ----------
    samples : np.ndarray [shape=(n_samples, n_channels)]

    Returns
    -------
    np.ndarray [shape=(n_samples,)]
        float32.
    """
    if samples.shape[1] == 1:
        return samples[:, 0]
    return samples.mean(axis=1, dtype=np.float32)


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


def _check_readable(path: Path) -> None:
    """Say plainly what libsndfile would call a system error."""
    if os.path.isdir(path):
        raise AudioFileError(f"{path}: a folder; expected an audio file.")
    try:
        with path.open("rb") as file:
            empty = not file.read(1)
    except FileNotFoundError as error:
        raise AudioFileError(f"{path}: no such file. Check the path.") from error
    except OSError as error:
        raise AudioFileError(f"{path}: cannot be opened ({error.strerror}).") from error
    if empty:
        raise AudioFileError(f"{path}: an empty file (0 bytes); expected {_FORMATS}.")


def _not_audio(path: Path, cause: str) -> AudioFileError:
    because = f" ({cause.rstrip('.')})" if cause else ""
    return AudioFileError(
        f"{path}: not audio that can be read{because}; "
        f"expected {_FORMATS}. Check the file, or convert it to FLAC."
    )


def check_complete(path: str | os.PathLike, file: "soundfile.SoundFile", n_samples: int) -> None:
    """Refuse a file that ends before its own header says.

    Parameters
    ----------
    path
        For errors to name.
    file : soundfile.SoundFile
    n_samples : int
        How many the file has, as they were read to the end.

    Raises
    ------
    AudioFileError
        The file is truncated, or holds no samples.
    """
    log = file.extra_info
    if n_samples < file.frames:
        missing = f"{n_samples} samples where its header says {file.frames}"
    elif (size := _DECLARED_BYTES.search(log)) and int(size[2]) < int(size[1]) < _UNKNOWN_LENGTH:
        missing = f"{size[2]} bytes where its header says {size[1]}"
    elif _OGG_WITHOUT_END in log:
        missing = "its last page is not marked as the end"
    elif n_samples == 0:
        raise AudioFileError(f"{path}: holds no samples; expected at least one.")
    else:
        return
    raise AudioFileError(
        f"{path}: truncated ({missing}). Get the file anew, or convert what is left of it to FLAC."
    )


def _check_finite(path: str | os.PathLike, samples: np.ndarray, first: int) -> None:
    # the sum is NaN or infinite whenever a sample is, and needs no array of its own
    with np.errstate(all="ignore"):
        if np.isfinite(samples.sum(dtype=np.float64)):
            return
    sample, channel = np.argwhere(~np.isfinite(samples))[0]
    raise AudioFileError(
        f"{path}: sample {first + sample} of channel {channel} is {samples[sample, channel]}; "
        "expected finite samples. Find what wrote the file, or replace such samples."
    )
