"""`embed`: sounds in any form, one or many → NumPy arrays. The friendly face beside HEAR's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from .audio.checks import checked_samples
from .audio.files import resample, resample_blocks
from .errors import AudioError, AudioTypeError, HearError
from .features import framing
from .hear import check_model

if TYPE_CHECKING:
    from .audio.sounds import Sound
    from .model import HearModel

BATCH_S = 60
"""Seconds of clips that are embedded together."""


def embed(
    audio: Any,
    model: HearModel,
    *,
    sample_rate: int | None = None,
    timestamps: bool = False,
    hop_size: float | None = None,
) -> Any:
    """Embed one sound or many, in any form and at any rate, and return NumPy arrays.

    The values are those of `get_scene_embeddings` and `get_timestamp_embeddings`. The lengths of
    the sounds may differ: no sound is padded to the length of another. A sound of more than a
    minute is read and embedded block by block, unless the model has ``framing="dense"``.

    Parameters
    ----------
    audio
        One sound, or an iterable of sounds. A sound is

        - an audio file: its path, its bytes, or an open binary file;
        - a NumPy array or a tensor [shape=(n_samples,)]. In a collection it may also be
          [shape=(n_channels, n_samples)];
        - a pair of such an array, of either shape, and its rate, as ``torchaudio.load`` returns;
        - a dict with ``array`` and ``sampling_rate``, or with ``bytes`` or ``path``, or a dict with
          such a dict as ``audio``: a row of Hugging Face's ``datasets``;
        - torchcodec's ``AudioDecoder``, or its ``AudioSamples``.

        A 2-D array by itself is a collection, (n_sounds, n_samples), as in the HEAR API. Channels
        are mixed to mono. Samples are floating-point numbers in [-1, 1].
    model : HearModel
        From `load_model`.
    sample_rate : int, optional
        Rate of arrays and tensors that come without one [Hz]; by default ``model.sample_rate``.
    timestamps : bool
        Return embeddings at regular times instead of one embedding for each sound.
    hop_size : float, optional
        Milliseconds between timestamps, or between the windows that a scene pools; by default
        those of the model.

    Returns
    -------
    embeddings : np.ndarray [shape=(size,) or (n_sounds, size), dtype=float32]
        With `timestamps`: an array [shape=(n_timestamps, size)], or a list of such arrays.
    timestamps : np.ndarray [shape=(n_timestamps,), dtype=float64]
        Milliseconds, or a list of such arrays. Only with `timestamps`.

    Raises
    ------
    AudioFileError
        If a file is missing, unreadable or holds no audio.
    AudioError
        If a sound has no samples, NaN or infinity, a rate that is not a whole number of hertz, or
        more channels than samples; or if there are no sounds.
    AudioTypeError
        If a sound has none of these forms, or its samples are not real floating-point numbers.
        Every error in a collection begins with the number of the sound, counted from 0.
    ModelTypeError, OptionError
        As `get_timestamp_embeddings`.

    Warns
    -----
    UserWarning
        If there are samples outside [-1, 1].

    Examples
    --------
    >>> scene = embed("dog.wav", model)  # doctest: +SKIP
    >>> scenes = embed(dataset["audio"], model)  # doctest: +SKIP
    >>> embeddings, times = embed(torchaudio.load("dog.wav"), model, \
timestamps=True)  # doctest: +SKIP
    """
    from .audio.sounds import is_one_sound

    check_model(model)
    rate = model.sample_rate if sample_rate is None else sample_rate
    face = (_Times if timestamps else _Scenes)(model, hop_size)
    audio = _of_row(audio)
    if is_one_sound(audio):
        return next(_embed_each([(None, audio)], rate, face))
    embedded = list(_embed_each(_numbered(audio), rate, face))
    if not embedded:
        raise AudioError("There must be at least one sound. Received: none")
    if timestamps:
        return [values for values, _ in embedded], [times for _, times in embedded]
    return np.stack(embedded)


class _Scenes:
    """One embedding for each sound."""

    def __init__(self, model: HearModel, hop_size: float | None):
        self.model, self._hop_size = model, hop_size

    def together(self, clips: Sequence[np.ndarray]) -> Iterable[Any]:
        return self.model.scene_embeddings(clips, self._hop_size)

    def long(self, blocks: Iterable[np.ndarray]) -> Any:
        stream = self.model.scene_stream(self._hop_size)
        for block in blocks:
            stream.push(block)
        return stream.flush()


class _Times:
    """Embeddings of each sound at regular times, and these times."""

    def __init__(self, model: HearModel, hop_size: float | None):
        self.model, self._hop_size = model, hop_size
        self._hop = model.ensemble.hop(model.hop_size if hop_size is None else hop_size)

    def together(self, clips: Sequence[np.ndarray]) -> Iterable[Any]:
        rate = self.model.sample_rate
        for values in self.model.ensemble.embed(clips, self._hop):
            yield values, framing.timestamps(len(values), self._hop, rate)

    def long(self, blocks: Iterable[np.ndarray]) -> Any:
        stream = self.model.stream(self._hop_size)
        parts = [*map(stream.push, blocks), stream.flush()]
        values, times = zip(*parts, strict=True)
        return np.concatenate(values), np.concatenate(times)


def _embed_each(
    items: Iterable[tuple[int | None, Any]], rate: int, face: _Scenes | _Times
) -> Iterator[Any]:
    """Embed numbered sounds in their order: short ones together, a long one by itself."""
    from .audio.sounds import opened

    to_rate = face.model.sample_rate
    batch: list[np.ndarray] = []
    for number, item in items:
        with _naming(number), opened(_of_row(item), rate) as sound:
            if sound.is_long and not face.model.ensemble.is_dense:
                yield from face.together(batch) if batch else ()
                batch = []
                yield face.long(resample_blocks(sound.blocks, sound.sample_rate, to_rate))
                continue
            clip = _whole(sound, to_rate)
        if batch and sum(map(len, batch)) + len(clip) > BATCH_S * to_rate:
            yield from face.together(batch)
            batch = []
        batch.append(clip)
    yield from face.together(batch) if batch else ()


def _whole(sound: Sound, to_rate: int) -> np.ndarray:
    samples = np.concatenate([np.empty(0, np.float32), *sound.blocks])
    if len(samples) == 0:
        raise AudioError("A sound must have at least one sample. Received: none")
    return checked_samples(resample(samples, sound.sample_rate, to_rate))


def _of_row(audio: Any) -> Any:
    """Return what a row of a data set has as ``audio``, and anything else as it is."""
    return audio["audio"] if isinstance(audio, Mapping) and "audio" in audio else audio


def _numbered(audio: Any) -> Iterable[tuple[int, Any]]:
    try:
        return enumerate(audio)
    except TypeError:
        raise AudioTypeError(
            f"audio must be a sound, or a collection of sounds. Received: {type(audio).__name__}"
        ) from None


@contextmanager
def _naming(number: int | None) -> Iterator[None]:
    """Begin the message of an error of this package with the number of the sound."""
    try:
        yield
    except HearError as error:
        if number is None:
            raise
        raise type(error)(f"sound {number}: {error}") from error
