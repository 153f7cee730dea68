"""Embeddings without a network: frames of a spectrum, and their mean and deviation.

What is common to the baselines `log_mel_statistics` and `mfcc_statistics`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..audio.checks import checked_audio
from ..engine.backend import as_tensor, module_type
from ..features import framing

SAMPLE_RATE = 48_000
SCENE_HOP = 480  # samples, 10 ms
TIMESTAMP_HOP = 2400  # samples, 50 ms


class FrameStatistics(module_type()):  # type: ignore[misc]
    """A function of sounds, with the attributes that heareval needs.

    Parameters
    ----------
    size : int
        Values of a frame.
    frames_of : callable
        Takes a sound [shape=(n_samples,), dtype=float32] at `SAMPLE_RATE` and a hop in samples, and
        returns frames [shape=(n_frames, size), dtype=float32] centred at the hops.
    """

    sample_rate = SAMPLE_RATE

    def __init__(self, size: int, frames_of: Callable[[np.ndarray, int], np.ndarray]):
        super().__init__()
        self.timestamp_embedding_size = size
        self.scene_embedding_size = 2 * size
        self.frames_of = frames_of


def get_timestamp_embeddings(audio: Any, model: FrameStatistics) -> tuple[Any, Any]:
    """Return a frame every 50 ms.

    Parameters
    ----------
    audio : tensor or np.ndarray [shape=(n_sounds, n_samples)]
        Mono, at 48 kHz, in [-1, 1].
    model : FrameStatistics

    Returns
    -------
    embeddings : tensor [shape=(n_sounds, n_timestamps, size), dtype=float32]
    timestamps : tensor [shape=(n_sounds, n_timestamps), dtype=float32]
        Milliseconds.

    Raises
    ------
    AudioError, AudioTypeError
        As `hear_openl3_yamnet.get_timestamp_embeddings`.
    """
    samples = checked_audio(audio)
    n_timestamps = framing.count_windows(samples.shape[1], TIMESTAMP_HOP)
    frames = np.stack([model.frames_of(sound, TIMESTAMP_HOP)[:n_timestamps] for sound in samples])
    times = framing.timestamps(n_timestamps, TIMESTAMP_HOP, model.sample_rate)
    return as_tensor(frames), as_tensor(framing.repeated(times, len(samples)))


def get_scene_embeddings(audio: Any, model: FrameStatistics) -> Any:
    """Return the mean and the standard deviation of the frames of each clip, 10 ms apart.

    Parameters
    ----------
    audio, model
        As for `get_timestamp_embeddings`.

    Returns
    -------
    tensor [shape=(n_sounds, 2 * size), dtype=float32]

    Raises
    ------
    AudioError, AudioTypeError
        As `get_timestamp_embeddings`.
    """
    frames = [model.frames_of(sound, SCENE_HOP) for sound in checked_audio(audio)]
    return as_tensor(np.stack([np.concatenate([x.mean(axis=0), x.std(axis=0)]) for x in frames]))
