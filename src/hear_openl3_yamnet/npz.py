"""Embeddings of audio files as ``.npz`` files: their names, what they hold, and the writing."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .audio.files import load_audio
from .errors import OptionError, naming_what_cannot_be_written
from .files import written_whole
from .hear import get_scene_embeddings, get_timestamp_embeddings
from .version import __version__

if TYPE_CHECKING:
    from .model import HearModel


@dataclass(frozen=True)
class Embedded:
    """What `embed_file` wrote.

    Attributes
    ----------
    path : Path
        The ``.npz`` file.
    shape : tuple of int
        Of the embeddings.
    timestamps : (float, float) or None
        The first and the last one, in milliseconds. None for a scene.
    duration : float
        Seconds of audio.
    seconds : float
        Time that the embedding took, without reading and writing.
    """

    path: Path
    shape: tuple[int, ...]
    timestamps: tuple[float, float] | None
    duration: float
    seconds: float


def embed_file(audio: Path, path: Path, model: HearModel, *, scene: bool = False) -> Embedded:
    """Embed an audio file and write the embeddings.

    The file holds ``embeddings``, ``timestamps`` (not of a scene) and ``hop_size`` in
    milliseconds, and what they come from: ``model``, ``weights_id``, ``sample_rate``, ``config``
    (JSON), ``version`` and ``audio``.

    Parameters
    ----------
    audio : Path
        The audio file.
    path : Path
        The ``.npz`` file. An existing one is replaced.
    model : HearModel
    scene : bool
        Write one embedding of the whole file, not one at each timestamp.

    Returns
    -------
    Embedded

    Raises
    ------
    AudioFileError
        If the audio file is missing, unreadable, or holds no audio.
    HearError
        If the ``.npz`` file cannot be written.
    """
    from keras.ops import convert_to_numpy

    waveform = load_audio(audio, model.sample_rate)
    began = time.perf_counter()
    if scene:
        embeddings, timestamps = get_scene_embeddings(waveform[None], model), None
    else:
        embeddings, timestamps = get_timestamp_embeddings(waveform[None], model)
    arrays = {"embeddings": convert_to_numpy(embeddings[0])}
    ends = None
    if timestamps is not None:
        arrays["timestamps"] = convert_to_numpy(timestamps[0])
        ends = (float(arrays["timestamps"][0]), float(arrays["timestamps"][-1]))
    seconds = time.perf_counter() - began
    with naming_what_cannot_be_written(path):
        save_npz(
            path,
            **arrays,
            hop_size=model.scene_hop_size if scene else model.hop_size,
            model=model.name,
            weights_id=model.weights_id,
            sample_rate=model.sample_rate,
            config=json.dumps(model.config),
            version=__version__,
            audio=str(audio),
        )
    shape = arrays["embeddings"].shape
    return Embedded(path, shape, ends, len(waveform) / model.sample_rate, seconds)


def output_paths(audio: Sequence[Path], out: Path) -> list[Path]:
    """Name the ``.npz`` file of each audio file.

    Parameters
    ----------
    audio : sequence of Path
        The audio files.
    out : Path
        A folder, or for one audio file a name that ends in ``.npz``.

    Returns
    -------
    list of Path
        ``out/STEM.npz`` for each audio file, in order.

    Raises
    ------
    OptionError
        If two audio files would be written to the same place.
    """
    if out.suffix == ".npz":
        if len(audio) > 1:
            raise OptionError(
                f"{len(audio)} audio files cannot be written to one file, {out}. Name a folder."
            )
        return [out]
    writer_of: dict[str, Path] = {}
    paths = [out / f"{file.stem}.npz" for file in audio]
    for file, path in zip(audio, paths, strict=True):
        first = writer_of.setdefault(os.path.normcase(path), file)
        if first is not file:
            raise OptionError(
                f"{first} and {file} would both be written to {path}. "
                "Rename one, or write them to two folders."
            )
    return paths


def save_npz(path: Path, **arrays: np.ndarray | str | float) -> None:
    """Write an ``.npz`` file as `written_whole` does.

    Parameters
    ----------
    path : Path
        The file. An existing one is replaced.
    **arrays
        What to store under which name. Texts and numbers become arrays without dimensions.

    Raises
    ------
    OSError
        If the folder cannot be written to, or the disk is full.
    """
    with written_whole(path) as partial, partial.open("wb") as file:
        # the checker takes the names for savez's own allow_pickle
        np.savez(file, **arrays)  # type: ignore[arg-type]
