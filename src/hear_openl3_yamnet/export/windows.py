"""Windows of samples → embeddings, in one graph of operations that every runtime has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import OptionError
from ..pooling import scenes
from . import fourier

if TYPE_CHECKING:
    from ..model import HearModel

INPUT = "samples"
"""Name of the input of an exported model [shape=(n_windows, window), dtype=float32]."""

OUTPUT = "embeddings"
"""Name of the output of an exported model [shape=(n_windows, size), dtype=float32]."""


def check_exportable(model: HearModel, file_format: str) -> None:
    """Refuse models that cannot be exported to a format.

    Parameters
    ----------
    model : HearModel
    file_format : str

    Raises
    ------
    OptionError
        If the model is an ensemble, keeps time, is dense or has reduced precision, if the format
        lacks an operation that it needs, or if the backend of Keras is not TensorFlow.
    """
    from ..engine.backend import BACKEND

    if BACKEND != "tensorflow":
        raise OptionError(
            "Models are exported from TensorFlow: set KERAS_BACKEND=tensorflow. The exported "
            f"numbers are the same. Received: KERAS_BACKEND={BACKEND}"
        )
    networks = model.ensemble.networks
    if len(networks) > 1:
        raise OptionError(
            "A file contains one network: export the networks of an ensemble one by one, and "
            f"concatenate their embeddings. Received: {model.name}"
        )
    (network,) = networks
    wanted = {"time": "window", "framing": "exact", "precision": "float32"}
    given = {
        "time": network.options.time,
        "framing": network.options.framing,
        "precision": network.precision,
    }
    if wrong := [name for name in wanted if given[name] != wanted[name]]:
        raise OptionError(
            "An exported model gives one embedding per window. It needs time='window', "
            "framing='exact' and precision='float32'. Received: "
            + ", ".join(f"{name}={given[name]!r}" for name in wrong)
        )
    if network.options.subsampling == "aps" and file_format != "saved_model":
        # the argmax of Keras sets bits, and the converters do not support this operation
        raise OptionError(
            "subsampling='aps' can be exported as a SavedModel only. 'max' and 'blur' can be "
            f"exported to all formats. Received: subsampling='aps', format {file_format}"
        )


@dataclass(frozen=True)
class WindowGraph:
    """The function of a model from windows to embeddings, with its weights.

    Attributes
    ----------
    embed : callable
        Takes the tensors of the network by name, and windows [shape=(n, window)]. Returns
        embeddings [shape=(n, size)].
    arrays : dict of np.ndarray
        The tensors of the network by name.
    window : int
        Samples in a window.
    """

    embed: Callable[[Mapping[str, Any], Any], Any]
    arrays: dict[str, np.ndarray]
    window: int


def window_graph(model: HearModel) -> WindowGraph:
    """Return the graph of a model that `check_exportable` accepts."""
    from keras import ops

    (network,) = model.ensemble.networks
    encoder, options = network.encoder, network.options
    front_end = options.front_end

    def embed(tensors: Mapping[str, Any], samples: Any) -> Any:
        frames = fourier.frames(samples, front_end)
        amplitudes = ops.matmul(fourier.amplitudes(frames), tensors["front_end/bands"])
        n_windows = ops.shape(samples)[0]
        index = ops.reshape(ops.arange(n_windows * front_end.n_frames), (-1, front_end.n_frames))
        rows = encoder.compute_plain(dict(tensors), amplitudes, index)[:, 0]
        return scenes.normalized_tensor(rows) if options.normalize == "l2" else rows

    arrays = {name: ops.convert_to_numpy(tensor) for name, tensor in encoder.tensors.items()}
    return WindowGraph(embed, arrays, front_end.window)
