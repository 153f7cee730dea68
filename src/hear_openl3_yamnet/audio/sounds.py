"""One sound in any form that libraries hand out → its rate, and its samples as mono blocks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from ..errors import AudioError, AudioFileError, AudioTypeError
from .audio_file import BLOCK_S, HIGHEST_RATE, LOWEST_RATE, AudioFile, downmix
from .checks import as_float32
from .files import LONGEST_WHOLE_S

_FORMS = (
    "a file (its path, its bytes, or opened), a 1-D array or tensor, an array or tensor (channels, "
    "samples), a pair of these and a sample rate, a dict with the keys array and sampling_rate, or "
    "an AudioDecoder of torchcodec"
)

_ARRAY = {"array", "sampling_rate"}

_DECODED = 2**15 * 45
"""Samples that torchcodec decodes at once: a multiple of the frames of PCM, FLAC, MP3, AAC, AC-3
and Opus. After a part that ends within a frame, it decodes again from the beginning of the file.
"""


class Sound(NamedTuple):
    """A sound that is read once, from its beginning to its end.

    Attributes
    ----------
    sample_rate : int
        Hertz.
    is_long : bool
        Whether it is longer than `LONGEST_WHOLE_S`, or may be.
    blocks : iterable of np.ndarray [shape=(n_samples,), dtype=float32]
        The mean of the channels.
    """

    sample_rate: int
    is_long: bool
    blocks: Iterable[np.ndarray]


def is_one_sound(audio: Any) -> bool:
    """Return whether something is one sound, and not a collection of sounds."""
    if isinstance(audio, Mapping) or _is_file(audio):
        return True
    if _is_pair(audio) or _is_decoder(audio) or _is_decoded(audio):
        return True
    is_array = hasattr(audio, "dtype") and getattr(audio, "ndim", None) == 1
    return is_array and getattr(audio.dtype, "kind", "f") not in "OSU"  # names of files


@contextmanager
def opened(item: Any, sample_rate: int) -> Iterator[Sound]:
    """Open one sound.

    Parameters
    ----------
    item
        An `AudioSource`; an array or tensor [shape=(n_samples,) or (n_channels, n_samples)]; a pair
        of it and its rate, as ``torchaudio.load`` returns; a dict with ``array`` and
        ``sampling_rate``, as rows of Hugging Face's ``datasets``, or with ``bytes`` or ``path``, as
        rows that are not decoded; torchcodec's ``AudioDecoder`` or ``AudioSamples``.
    sample_rate : int
        Rate of an array that comes without one [Hz].

    Yields
    ------
    Sound

    Raises
    ------
    AudioFileError
        If a file is missing, unreadable or holds no audio. Its later blocks may raise it, too.
    AudioError
        If a rate is missing or not a whole number of hertz from 100 to 20 million, or an array has
        more channels than samples.
    AudioTypeError
        If it is none of these forms, or the samples are not real floating-point numbers.
    """
    if isinstance(item, Mapping) and not _ARRAY.issubset(item):
        item = _file_of_row(item)
    if _is_file(item):
        with AudioFile(item) as file:
            n, rate = file.n_samples, file.sample_rate
            yield Sound(rate, n is None or n > LONGEST_WHOLE_S * rate, file.mono_blocks())
    elif _is_decoder(item):
        rate = _whole(item.metadata.sample_rate)
        is_long = (item.metadata.duration_seconds or 0.0) > LONGEST_WHOLE_S
        parts = _decoded_parts(item) if is_long else iter([_decoded(item)])
        yield Sound(rate, is_long, _blocks(parts, rate))
    else:
        array, rate = _array_and_rate(item, sample_rate)
        mono = _mono(array)
        yield Sound(rate, len(mono) > LONGEST_WHOLE_S * rate, _blocks([mono], rate))


def _blocks(parts: Iterable[np.ndarray], rate: int) -> Iterator[np.ndarray]:
    """Cut long parts of a sound into blocks."""
    size = round(BLOCK_S * rate)
    return (part[first : first + size] for part in parts for first in range(0, len(part), size))


def _array_and_rate(item: Any, sample_rate: int) -> tuple[Any, int]:
    if isinstance(item, Mapping):
        return _listed(item["array"]), _whole(item["sampling_rate"])
    if _is_pair(item):
        return item[0], _whole(item[1])
    if _is_decoded(item):
        return item.data, _whole(item.sample_rate)
    return _listed(item), _whole(sample_rate)


def _file_of_row(row: Mapping) -> Any:
    """Return the content or the path of a row of ``datasets`` that is not decoded."""
    file = row.get("bytes") or row.get("path")
    if not file:
        raise AudioError(
            "A dict must have the keys array and sampling_rate, or bytes, or path. Received: "
            f"{', '.join(map(str, row)) or 'no key'}"
        )
    return file


def _listed(array: Any) -> Any:
    """Return a list of numbers as an array, and anything else as it is."""
    return np.asarray(array) if isinstance(array, list) else array


def _mono(array: Any) -> np.ndarray:
    if not (hasattr(array, "dtype") and hasattr(array, "shape")):
        raise AudioTypeError(f"A sound must be {_FORMS}. Received: {type(array).__name__}")
    samples = as_float32(array)
    if samples.ndim not in (1, 2):
        raise AudioError(
            "A sound must be 1-D, (samples,), or 2-D, (channels, samples). Received: shape "
            f"{samples.shape}"
        )
    if samples.ndim == 1:
        return samples
    n_channels, n_samples = samples.shape
    if n_channels > n_samples or not n_channels:
        raise AudioError(
            "The channels of a sound come first: (channels, samples). Transpose it. Received: "
            f"shape {samples.shape}"
        )
    return downmix(samples.T)


def _whole(rate: Any) -> int:
    """Return a sample rate as an integer."""
    is_number = isinstance(rate, Real) and not isinstance(rate, bool)
    if not is_number or not LOWEST_RATE <= rate <= HIGHEST_RATE or rate != int(rate):
        raise AudioError(
            f"A sample rate must be a whole number of hertz, {LOWEST_RATE} to {HIGHEST_RATE}. "
            f"Received: {rate!r}"
        )
    return int(rate)


def _is_file(item: Any) -> bool:
    kinds = str | os.PathLike | bytes | bytearray | memoryview
    return isinstance(item, kinds) or callable(getattr(item, "read", None))


def _is_pair(item: Any) -> bool:
    is_two = isinstance(item, tuple | list) and len(item) == 2
    return is_two and isinstance(item[1], Integral | Real) and hasattr(item[0], "shape")


def _is_decoder(item: Any) -> bool:
    return hasattr(item, "get_all_samples") and hasattr(item, "metadata")


def _is_decoded(item: Any) -> bool:
    return hasattr(item, "sample_rate") and hasattr(item, "data")


def _decoded(decoder: Any, *seconds: float) -> np.ndarray:
    """Decode a whole file, or from some second on, or up to another one."""
    try:
        samples = decoder.get_samples_played_in_range(*seconds) if seconds else None
        return _mono((samples or decoder.get_all_samples()).data)
    except RuntimeError as error:  # FFmpeg's
        raise AudioFileError(f"torchcodec cannot decode it: {error}") from error


def _decoded_parts(decoder: Any) -> Iterator[np.ndarray]:
    """Decode a long file. The last part ends where the file ends, whatever its header states."""
    begin = decoder.metadata.begin_stream_seconds or 0.0
    end = begin + decoder.metadata.duration_seconds
    step = _DECODED / decoder.metadata.sample_rate
    for number in range(int(begin / step) + 1, int(end / step)):
        yield _decoded(decoder, begin, number * step)
        begin = number * step
    yield _decoded(decoder, begin)
