"""A network as a Keras layer: clips in, embeddings out, to train a classifier on it or through it.

The numbers are those of the API; the way is another: all windows of a batch in one graph, through
which gradients flow, and none shared. For embeddings alone, the API is several times as fast.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from ..errors import AudioError, OptionError
from ..features import framing, frontends
from ..loading import load_model
from ..pooling.scenes import PERCENTILES

if TYPE_CHECKING:
    from ..model import HearModel

_SMALLEST = 1e-12  # variance: keeps the gradient of its root finite


def _mean(x: Any) -> Any:
    return ops.mean(x, axis=1)


def _max(x: Any) -> Any:
    return ops.max(x, axis=1)


def _percentiles(x: Any) -> Any:
    return ops.concatenate([ops.quantile(x, p / 100, axis=1) for p in PERCENTILES], axis=1)


_SCENE_POOLINGS: dict[str, Callable[[Any], Any]] = {
    "mean": _mean,
    "max": _max,
    "mean+max": lambda x: ops.concatenate([_mean(x), _max(x)], axis=1),
    "sum_max_mean": lambda x: _max(x) + _mean(x),
    "mean+std": lambda x: ops.concatenate(
        [_mean(x), ops.sqrt(ops.var(x, axis=1) + _SMALLEST)], axis=1
    ),
    "percentiles": _percentiles,
}
"""`scenes.ScenePooling` of tensors [shape=(n_sounds, n_windows, size)], by the same names."""


@keras.saving.register_keras_serializable(package="hear_openl3_yamnet")
class HearLayer(keras.layers.Layer):
    """Embeddings of clips of one length, as a layer. Frozen, unless ``trainable`` says otherwise.

    What is trained are the convolutions' kernels and biases, with the batch norms folded in as
    they were. The front end has no weights, and no gradient reaches the samples.

    Parameters
    ----------
    model : HearModel
        From `load_model`, of one network, ``framing="exact"`` and ``precision="float32"``. The
        layer copies its weights: training leaves the model as it was.
    timestamps : bool
        Give embeddings at regular times instead of a scene's.
    hop_size : float, optional
        Milliseconds between windows; by default the model's ``hop_size`` or ``scene_hop_size``.
    trainable : bool
        May be set later, too, before the surrounding model is compiled.
    **options
        Of `keras.layers.Layer`.

    Raises
    ------
    OptionError
        If the model is an ensemble, dense or of reduced precision, or its hop is not allowed.

    Examples
    --------
    >>> layer = HearLayer(load_model("yamnet"))  # doctest: +SKIP
    >>> classifier = keras.Sequential([layer, keras.layers.Dense(10)])  # doctest: +SKIP
    """

    def __init__(
        self,
        model: HearModel,
        *,
        timestamps: bool = False,
        hop_size: float | None = None,
        trainable: bool = False,
        **options: Any,
    ):
        super().__init__(trainable=trainable, **{"dtype": "float32", **options})
        self.supports_jit = False  # XLA makes these convolutions slower on CPUs
        if len(model.embedders) > 1:
            raise OptionError(
                "HearLayer takes a model of one network; concatenate a layer for each. "
                f"Received: {model.name}"
            )
        self._model, (self._embedder,) = model, model.embedders
        self._check_config()
        self._timestamps = timestamps
        if hop_size is None:
            hop_size = model.hop_size if timestamps else model.scene_hop_size
        self._hop_size = hop_size
        self._hop = framing.hop_samples(hop_size, model.sample_rate)

    def _check_config(self) -> None:
        config = self._embedder.config
        if config.framing != "exact" or self._embedder.precision != "float32":
            raise OptionError(
                "HearLayer takes framing='exact' and precision='float32'. Received: "
                f"framing={config.framing!r}, precision={self._embedder.precision!r}"
            )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Copy the model's weights, of the layers that its head needs."""
        self._n_timestamps(input_shape)
        self._network = {
            name: self.add_weight(
                shape=tensor.shape,
                dtype="float32",
                name=name.replace("/", "_"),
                initializer=keras.initializers.Constant(ops.convert_to_numpy(tensor)),
            )
            for name, tensor in self._embedder.encoder.tensors.items()
            if self._is_needed(name)
        }

    def _is_needed(self, weight: str) -> bool:
        """Whether a weight stands before the last of the layers that the head pools."""
        config = self._embedder.config
        layers = config.preset.network.backbone.LAYERS
        owner = re.split("[/_]", weight)[0]  # of conv1/kernel, of layer2_depthwise/bias
        return owner in layers and layers.index(owner) <= max(map(layers.index, config.layers))

    def call(self, audio: Any) -> Any:
        """Embed clips.

        Parameters
        ----------
        audio : tensor [shape=(n_sounds, n_samples), dtype=float32]
            Mono, at the model's ``sample_rate``, in [-1, 1]; not checked.

        Returns
        -------
        tensor [shape=(n_sounds, size) or (n_sounds, n_timestamps, size), dtype=float32]
        """
        config = self._embedder.config
        if self.trainable and config.pooling == "mean+std":
            raise OptionError(
                "pooling='mean+std' has no gradient where a channel is constant, as silent ones "
                "are. Take another pooling, or leave the layer frozen."
            )
        rows = self._embed(audio, self._n_timestamps(audio.shape))
        if not self._timestamps:
            rows = _SCENE_POOLINGS[config.scene_pooling](rows)
        if config.normalize == "l2":
            squares = ops.sum(ops.square(rows), axis=-1, keepdims=True)
            rows = rows / ops.sqrt(ops.maximum(squares, np.finfo(np.float32).tiny))
        return rows

    def _embed(self, audio: Any, n_timestamps: int) -> Any:
        """Embed windows of clips [shape=(n_sounds, n_timestamps, size)]."""
        embedder, config = self._embedder, self._embedder.config
        per_window = embedder.timestamps_per_window(self._hop)
        step = config.columns_per_timestamp(self._hop) if per_window > 1 else 1
        starts = embedder.window_starts(-(-n_timestamps // per_window), self._hop)
        table = frontends.frame_table(starts, config.front_end)
        frames = _cut_frames(audio, table, config.front_end)

        tensors = {**embedder.encoder.tensors, **self._network}
        n_sounds = ops.shape(audio)[0]
        amplitudes = ops.stop_gradient(embedder.encoder.compute_amplitudes(tensors, frames))
        offsets = ops.reshape(ops.arange(n_sounds, dtype="int32"), (-1, 1, 1)) * len(table.starts)
        index = ops.reshape(table.index[None] + offsets, (-1, table.index.shape[1]))
        rows = embedder.encoder.compute_plain(tensors, amplitudes, index)
        rows = rows[:, ::step][:, :per_window]
        rows = ops.reshape(rows, (n_sounds, len(starts) * per_window, rows.shape[2]))
        return rows[:, :n_timestamps]

    def _n_timestamps(self, input_shape: tuple[int | None, ...]) -> int:
        if len(input_shape) != 2 or not input_shape[1]:
            raise AudioError(
                "HearLayer takes clips (n_sounds, n_samples) of a length that is known: "
                f"keras.Input((n_samples,)). Received: shape {tuple(input_shape)}"
            )
        return framing.count_windows(int(input_shape[1]), self._hop)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the embeddings of clips of a shape."""
        if not self._timestamps:
            return input_shape[0], self._model.scene_embedding_size
        return input_shape[0], self._n_timestamps(input_shape), self._model.timestamp_embedding_size

    def get_config(self) -> dict[str, Any]:
        """Return what makes the layer anew, as plain data."""
        return {
            **super().get_config(),
            "model": self._model.config,
            "timestamps": self._timestamps,
            "hop_size": self._hop_size,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> HearLayer:
        """Load the model that the configuration names, weights included, and make its layer."""
        options = {key: value for key, value in config.items() if key != "model"}
        return cls(load_model(**config["model"]), **options)


def _cut_frames(audio: Any, table: frontends.FrameTable, front_end: frontends.FrontEnd) -> Any:
    """Cut and taper frames as `frontends.cut_frames` does, of tensors of clips.

    Returns
    -------
    tensor [shape=(n_sounds * n_distinct, frame_length), dtype=float32]
    """
    length = front_end.frame_length
    begin, end = int(table.starts.min()), int(table.starts.max()) + length
    before, after = max(0, -begin), max(0, end - int(audio.shape[1]))
    padded = ops.pad(audio, [(0, 0), (before, after)])
    place = np.arange(length, dtype=np.int32)
    frames = ops.take(padded, (table.starts + before)[:, None].astype(np.int32) + place, axis=1)
    within = place < table.lengths[:, None]
    frames = frames * (within * front_end.taper())
    return ops.reshape(frames, (-1, length))
