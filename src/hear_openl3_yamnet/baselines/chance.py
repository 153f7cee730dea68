"""Embeddings that do not depend on the sound: the scores of chance in heareval.

A module of the HEAR API for heareval: ``hear_openl3_yamnet.baselines.chance``. Its scores are above
zero because of the frequencies of the labels, and because heareval chooses the best epoch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..audio.checks import checked_audio
from ..engine.backend import as_tensor, module_type
from ..features import framing

__all__ = ["Chance", "get_scene_embeddings", "get_timestamp_embeddings", "load_model"]

SIZE = 32
TIMESTAMP_HOP = 800  # samples, 50 ms


class Chance(module_type()):  # type: ignore[misc]
    """The attributes that heareval needs, and a generator of random numbers.

    Parameters
    ----------
    seed : int
        The same seed and the same calls give the same numbers.
    """

    sample_rate = 16000
    timestamp_embedding_size = SIZE
    scene_embedding_size = SIZE

    def __init__(self, seed: int):
        super().__init__()
        self._rng = np.random.default_rng(seed)

    def draw(self, *shape: int) -> np.ndarray:
        """Draw normal numbers [shape=(*shape, 32), dtype=float32]."""
        return self._rng.standard_normal((*shape, SIZE), np.float32)


def load_model(model_file_path: str = "", seed: int = 0) -> Chance:
    """Return the model. There is no file to read."""
    return Chance(seed)


def get_timestamp_embeddings(audio: Any, model: Chance) -> tuple[Any, Any]:
    """Draw an embedding every 50 ms.

    Parameters
    ----------
    audio : tensor or np.ndarray [shape=(n_sounds, n_samples)]
        At 16 kHz. Only the shape has an effect.
    model : Chance

    Returns
    -------
    embeddings : tensor [shape=(n_sounds, n_timestamps, 32), dtype=float32]
    timestamps : tensor [shape=(n_sounds, n_timestamps), dtype=float32]
        Milliseconds.

    Raises
    ------
    AudioError, AudioTypeError
        As `hear_openl3_yamnet.get_timestamp_embeddings`.
    """
    n_sounds, n_samples = checked_audio(audio).shape
    n_timestamps = framing.count_windows(n_samples, TIMESTAMP_HOP)
    times = framing.timestamps(n_timestamps, TIMESTAMP_HOP, model.sample_rate)
    repeated = framing.repeated(times, n_sounds)
    return as_tensor(model.draw(n_sounds, n_timestamps)), as_tensor(repeated)


def get_scene_embeddings(audio: Any, model: Chance) -> Any:
    """Draw an embedding for each clip.

    Parameters
    ----------
    audio, model
        As for `get_timestamp_embeddings`.

    Returns
    -------
    tensor [shape=(n_sounds, 32), dtype=float32]

    Raises
    ------
    AudioError, AudioTypeError
        As `get_timestamp_embeddings`.
    """
    return as_tensor(model.draw(len(checked_audio(audio))))
