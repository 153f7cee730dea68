"""A network as a Keras layer: clips in, embeddings out, frozen or trained with a classifier.

The embeddings are those of the API. The layer computes all windows of a batch in one graph with
gradients, and windows share no computation. To compute embeddings only, the API is several times as
fast.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..environment import importing_keras

with importing_keras():
    import keras
    from keras import ops

from ..audio.checks import check_axes, check_container
from ..config import geometry
from ..errors import AudioError, OptionError
from ..features import frames, framing
from ..loading import load_model
from ..pooling import scenes

if TYPE_CHECKING:
    from ..model import HearModel


@keras.saving.register_keras_serializable(package="hear_openl3_yamnet")
class HearLayer(keras.layers.Layer):
    """Embeddings of clips of one length, as a layer. It is frozen unless ``trainable`` is set.

    Training changes the kernels and biases of the convolutions, in which the batch norms are
    folded. The front end has no weights, and no gradient reaches the samples.

    Parameters
    ----------
    model : HearModel
        From `load_model`, of one network, with ``framing="exact"`` and ``precision="float32"``.
        The layer copies its weights. Training does not change the model.
    timestamps : bool
        Return embeddings at regular times instead of scene embeddings.
    hop_size : float, optional
        Milliseconds between windows. Default: ``hop_size`` or ``scene_hop_size`` of the model.
    trainable : bool
        Can also be set later, before the surrounding model is compiled.
    **options
        Options of `keras.layers.Layer`.

    Raises
    ------
    OptionError
        If the model is an ensemble, is dense or has reduced precision, or if the hop is not
        allowed.

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
        networks = model.ensemble.networks
        if len(networks) > 1:
            raise OptionError(
                "HearLayer takes a model of one network. Concatenate one layer per network. "
                f"Received: {model.name}"
            )
        self._model, (self._embedder,) = model, networks
        self._check_options()
        self._timestamps = timestamps
        if hop_size is None:
            hop_size = model.hop_size if timestamps else model.scene_hop_size
        self._hop_size = hop_size
        self._hop = framing.hop_samples(hop_size, model.sample_rate)

    def _check_options(self) -> None:
        options = self._embedder.options
        if options.framing != "exact" or self._embedder.precision != "float32":
            raise OptionError(
                "HearLayer takes framing='exact' and precision='float32'. Received: "
                f"framing={options.framing!r}, precision={self._embedder.precision!r}"
            )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Copy the weights of those layers of the model that its head needs."""
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
        """Return whether a weight belongs to a layer up to the last one that the head pools."""
        options = self._embedder.options
        layers = options.backbone.LAYERS
        owner = re.split("[/_]", weight)[0]  # of conv1/kernel, of layer2_depthwise/bias
        return owner in layers and layers.index(owner) <= max(map(layers.index, options.layers))

    def __call__(self, audio: Any, *args: Any, **options: Any) -> Any:
        """Check the container of the clips, before Keras makes a tensor of it, and embed them."""
        check_container(audio)
        return super().__call__(audio, *args, **options)

    def call(self, audio: Any) -> Any:
        """Embed clips.

        Parameters
        ----------
        audio : tensor [shape=(n_sounds, n_samples), dtype=float32]
            Mono, at the ``sample_rate`` of the model, in [-1, 1]. The samples are not checked.

        Returns
        -------
        tensor [shape=(n_sounds, size) or (n_sounds, n_timestamps, size), dtype=float32]
        """
        options = self._embedder.options
        if self.trainable and options.pooling == "mean+std":
            raise OptionError(
                "pooling='mean+std' has no gradient if a channel is constant, for example silent. "
                "Use another pooling, or leave the layer frozen."
            )
        rows = self._embed(audio, self._n_timestamps(audio.shape))
        if not self._timestamps:
            rows = scenes.pool_tensor(rows, options.scene_pooling)
        return scenes.normalized_tensor(rows) if options.normalize == "l2" else rows

    def _embed(self, audio: Any, n_timestamps: int) -> Any:
        """Embed windows of clips [shape=(n_sounds, n_timestamps, size)]."""
        embedder, options = self._embedder, self._embedder.options
        per_window = embedder.timestamps_per_window(self._hop)
        step = geometry.frames_per_timestamp(options, self._hop) if per_window > 1 else 1
        starts = embedder.window_starts(-(-n_timestamps // per_window), self._hop)
        table = frames.frame_table(starts, options.front_end)
        cut = frames.cut_frames_of_tensors(audio, table, options.front_end)

        tensors = {**embedder.encoder.tensors, **self._network}
        n_sounds = ops.shape(audio)[0]
        amplitudes = ops.stop_gradient(embedder.encoder.compute_amplitudes(tensors, cut))
        offsets = ops.reshape(ops.arange(n_sounds, dtype="int32"), (-1, 1, 1)) * len(table.starts)
        index = ops.reshape(table.index[None] + offsets, (-1, table.index.shape[1]))
        rows = embedder.encoder.compute_plain(tensors, amplitudes, index)
        rows = rows[:, ::step][:, :per_window]
        rows = ops.reshape(rows, (n_sounds, len(starts) * per_window, rows.shape[2]))
        return rows[:, :n_timestamps]

    def _n_timestamps(self, input_shape: tuple[int | None, ...]) -> int:
        if len(input_shape) != 2 or not input_shape[1]:
            raise AudioError(
                "HearLayer takes clips (n_sounds, n_samples) of a known length: "
                f"keras.Input((n_samples,)). Received: shape {tuple(input_shape)}"
            )
        check_axes(input_shape)
        return framing.count_windows(int(input_shape[1]), self._hop)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Return the shape of the embeddings for a shape of clips."""
        if not self._timestamps:
            return input_shape[0], self._model.scene_embedding_size
        return input_shape[0], self._n_timestamps(input_shape), self._model.timestamp_embedding_size

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the layer as JSON types."""
        return {
            **super().get_config(),
            "model": self._model.config,
            "timestamps": self._timestamps,
            "hop_size": self._hop_size,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> HearLayer:
        """Load the model of the configuration with its weights, and return its layer."""
        options = {key: value for key, value in config.items() if key != "model"}
        return cls(load_model(**config["model"]), **options)
