"""The HEAR 2021 API. Input is checked here; tensors of the backend go in and out.

The API is described at https://hearbenchmark.com/hear-api.html.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from .audio.checks import checked_audio
from .errors import ModelTypeError
from .features import framing

if TYPE_CHECKING:
    from .model import HearModel


def get_timestamp_embeddings(
    audio: Any, model: HearModel, hop_size: float | None = None
) -> tuple[Any, Any]:
    """Embed clips at regular times.

    The embedding at time t is computed from a window centred at t. Outside the clip is silence.
    Timestamps are 0, hop, 2 × hop … below the clip's length.

    Parameters
    ----------
    audio : tensor or np.ndarray [shape=(n_sounds, n_samples), dtype=float16, 32 or 64]
        Mono, at ``model.sample_rate``, in [-1, 1]. A tensor of the backend, on any device.
    model : HearModel
        From `load_model`.
    hop_size : float, optional
        Milliseconds between timestamps; by default the model's own (`HearModel.hop_size`).

    Returns
    -------
    embeddings : tensor [shape=(n_sounds, n_timestamps, model.timestamp_embedding_size), \
dtype=float32]
    timestamps : tensor [shape=(n_sounds, n_timestamps), dtype=float32]
        Milliseconds.

    Raises
    ------
    AudioError
        If the audio is not 2-D, has no sounds or no samples, or contains NaN or infinity.
    AudioTypeError
        If the samples are not real floating-point numbers.
    ModelTypeError
        If the model is not from this package.
    BackendError
        In a forked process, if TensorFlow or JAX has computed before the fork; and inside of a
        TensorFlow graph.
    OptionError
        If the hop is not a finite number of milliseconds, is shorter than a sample or longer than
        an hour.

    Warns
    -----
    UserWarning
        If there are samples outside [-1, 1].
    """
    check_model(model)
    embeddings, timestamps = model.timestamp_embeddings(checked_audio(audio), hop_size)
    times = framing.repeated(timestamps, len(embeddings))
    return _tensor(embeddings, model), _tensor(times, model)


def get_scene_embeddings(audio: Any, model: HearModel, hop_size: float | None = None) -> Any:
    """Embed whole clips: the embeddings of windows at a coarser hop, pooled over time.

    Parameters
    ----------
    audio, model
        As for `get_timestamp_embeddings`.
    hop_size : float, optional
        Milliseconds between the windows that are pooled; by default the model's own
        (`HearModel.scene_hop_size`).

    Returns
    -------
    tensor [shape=(n_sounds, model.scene_embedding_size), dtype=float32]

    Raises
    ------
    AudioError, AudioTypeError, ModelTypeError, BackendError, OptionError
        As `get_timestamp_embeddings`.

    Warns
    -----
    UserWarning
        If there are samples outside [-1, 1].
    """
    check_model(model)
    return _tensor(model.scene_embeddings(checked_audio(audio), hop_size), model)


def check_model(model: Any) -> None:
    """Raise a `ModelTypeError` if a model is not from this package's ``load_model``."""
    module = sys.modules.get(f"{__package__}.model")  # not there: no model was ever loaded
    if module is None or not isinstance(model, module.HearModel):
        raise ModelTypeError(
            "model must be what hear_openl3_yamnet.load_model returned. "
            f"Received: {type(model).__module__}.{type(model).__qualname__}"
        )
    from .engine.backend import check_usable

    check_usable()


def _tensor(array: np.ndarray, model: HearModel) -> Any:
    from .engine.backend import as_tensor

    with model.ensemble.device_scope():
        return as_tensor(array)
