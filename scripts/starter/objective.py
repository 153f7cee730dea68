"""The training objective: each network with its training heads, their losses and weights."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hear_openl3_yamnet.backbones import openl3, yamnet

from .batches import HEIGHT, TAGS
from .splits import CLASSES

if TYPE_CHECKING:
    import keras

CONTRAST = "contrast"
LENGTH = "length"
_MOMENTUM = 0.97  # of batch norms, low because trainings are short
_TEMPERATURE = 0.2  # of the contrastive term


@dataclass(frozen=True)
class TrainingSettings:
    """Settings of one network's training."""

    front_end: str
    n_bands: int
    n_frames: int
    """Length of the crops. OpenL3's head is a maximum over the map, so that crops can be shorter
    than its windows."""
    n_clips: int
    """Number of clips in a batch."""
    learning_rate: float
    settles: float
    """Share of the steps after which the statistics of the network's batch norms are fixed.

    In training, a batch norm divides an unusual clip by a variance that the clip itself increases.
    In use it does not, and in YAMNet, which has a norm after every layer, the maps of such a clip
    grow from layer to layer. Training with fixed statistics at the end prevents this.
    """
    even_lengths: float
    """Weight of the loss term that makes embeddings equally long."""


SETTINGS = {
    "openl3": TrainingSettings("mel128", 128, 48, 16, 7e-4, 0.6, 0.0),
    "yamnet": TrainingSettings("yamnet", 64, 96, 64, 1e-3, 0.6, 0.5),
}

LOSS_WEIGHTS = {
    "type": 1.0,
    "pitch": 2.5,
    "program": 0.4,
    "word": 1.0,
    "voice": 0.3,
    HEIGHT: 0.5,
    TAGS: 10.0,
    CONTRAST: 0.1,
}


def chance_levels() -> dict[str, float]:
    """Return the loss of each head at chance level."""
    levels = {name: float(np.log(n)) for name, n in CLASSES.items()}
    share = 1.3 / CLASSES["type"]  # about 1.3 tags a clip
    tags = -(share * np.log(share) + (1 - share) * np.log(1 - share))
    return {**levels, HEIGHT: 1.0, TAGS: float(tags)}


def build(
    network: str, contrast: bool = False, n_frames: int | None = None, *, settled: bool = False
):
    """Build and compile a network with its training heads.

    Keras' dtype policy applies to the network; the heads compute in float32.

    Parameters
    ----------
    network : str
        ``openl3`` or ``yamnet``.
    contrast : bool
        Add the self-supervised head.
    n_frames : int, optional
        Length of the crops; by default that of the settings.
    settled : bool
        The statistics of the network's batch norms are fixed.

    Returns
    -------
    backbone, model : keras.Model
        The published network alone, and with the heads.
    """
    import keras

    settings = SETTINGS[network]
    if network == "openl3":
        backbone = openl3.keras_model(settings.n_bands, n_frames or settings.n_frames)
        # the published embedding is a max pooling over the whole map
        embedding = keras.layers.GlobalMaxPooling2D(name="embedding")(backbone.output)
    else:
        backbone = yamnet.keras_model(settings.n_bands, n_frames or settings.n_frames)
        embedding = backbone.get_layer("predictions").input
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = _MOMENTUM
    inputs = keras.Input(backbone.input.shape[1:])
    features = keras.Model(backbone.input, embedding)
    embedding = (settling(features) if settled else features)(inputs)
    embedding = keras.ops.cast(embedding, "float32")  # only convolutions use mixed precision
    scaled = keras.layers.BatchNormalization(momentum=_MOMENTUM, name="scaled", dtype="float32")(
        embedding
    )
    sizes = {**CLASSES, HEIGHT: 1, TAGS: CLASSES["type"]}
    outputs = {
        name: keras.layers.Dense(size, name=name, dtype="float32")(scaled)
        for name, size in sizes.items()
    }
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    losses = dict.fromkeys(CLASSES, cross_entropy)
    losses[HEIGHT] = keras.losses.MeanSquaredError()
    losses[TAGS] = keras.losses.BinaryCrossentropy(from_logits=True)
    weights = {name: LOSS_WEIGHTS[name] for name in outputs}
    if settings.even_lengths:
        squares = keras.ops.sum(keras.ops.square(embedding), axis=1, keepdims=True)
        outputs[LENGTH] = keras.ops.log(squares + 1e-6) / 2
        losses[LENGTH] = deviation_from_mean
        weights[LENGTH] = settings.even_lengths
    if contrast:
        hidden = keras.layers.Dense(256, "relu", name="projected", dtype="float32")(scaled)
        outputs[CONTRAST] = keras.layers.Dense(128, name=CONTRAST, dtype="float32")(hidden)
        losses[CONTRAST] = contrastive_loss
        weights[CONTRAST] = LOSS_WEIGHTS[CONTRAST]
    model = keras.Model(inputs, outputs)
    optimizer = keras.optimizers.AdamW(settings.learning_rate, weight_decay=0.01, clipnorm=5.0)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.compile(optimizer, loss=losses, loss_weights=weights, jit_compile=False)
    return backbone, model


def settling(features: "keras.Model") -> "keras.Layer":
    """Return a layer that always runs a network in inference mode. Its weights are trainable."""
    import keras

    class Settled(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.features = features

        def call(self, inputs):
            # the outer model would override an argument of the functional call
            return self.features(inputs, training=False)

    return Settled()


def deviation_from_mean(targets, values):
    """Return the squared distance of each value from the batch's mean. Targets are not used."""
    from keras import ops

    return ops.square(values - ops.mean(values))[:, 0]


def contrastive_loss(targets, projections):
    """Return the cross-entropy of finding the crop of the same clip in the batch (NT-Xent).

    A. Saeed, D. Grangier and N. Zeghidour, "Contrastive Learning of General-Purpose Audio
    Representations", ICASSP 2021, with the cosine similarity of T. Chen et al., "A Simple
    Framework for Contrastive Learning of Visual Representations", ICML 2020.

    Parameters
    ----------
    targets : tensor [shape=(n_clips,)]
        Index of the other crop of the same clip.
    projections : tensor [shape=(n_clips, 128)]

    Returns
    -------
    tensor [shape=(n_clips,)]
    """
    import keras
    from keras import ops

    length = ops.sqrt(ops.sum(ops.square(projections), axis=1, keepdims=True) + 1e-9)
    unit = projections / length
    similarity = ops.matmul(unit, ops.transpose(unit)) / _TEMPERATURE
    similarity = similarity - 1e9 * ops.eye(ops.shape(unit)[0])
    return keras.losses.sparse_categorical_crossentropy(
        ops.reshape(targets, (-1,)), similarity, from_logits=True
    )


def add_labelless(
    targets: dict, masks: dict, settings: TrainingSettings, contrast: bool = False
) -> None:
    """Add the targets and masks of the heads without labels to a batch."""
    everywhere = np.ones_like(masks[TAGS])
    if settings.even_lengths:
        targets[LENGTH], masks[LENGTH] = 0 * everywhere, everywhere
    if contrast:
        targets[CONTRAST], masks[CONTRAST] = np.arange(len(everywhere)) ^ 1, everywhere
