"""OpenL3's audio network: log-mel windows → feature maps.

Eight 3×3 convolutions in four blocks, on maps of (band, frame). The layers, their order in the
published files and the batch norms' epsilon are those of openl3 0.4.2
(https://github.com/marl/openl3); the network is described in J. Cramer, H.-H. Wu, J. Salamon and
J. P. Bello, "Look, Listen and Learn More: Design Choices for Deep Audio Embeddings", ICASSP 2019.

`feature_maps` runs the network as it is used: batch norms folded into the convolutions (`fold`).
`keras_model` builds it as published, with separate batch norms, for training and comparison.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import convolutions, folding
from .convolutions import DATA_FORMAT
from .subsampling import POOLINGS

if TYPE_CHECKING:
    import keras

NAME = "openl3"
ORIGIN = "https://github.com/marl/openl3"

NATIVE_HOP = 1936
"""Samples: one frame of the last map, which is eight STFT frames (40.33 ms)."""

ANY_WINDOW = False
"""OpenL3 is published only for windows of 1 s: its last pooling has that shape."""

SUBSAMPLINGS = tuple(POOLINGS)

FASTEST_BATCH = 16
"""Measured on two cores."""

FASTEST_BATCH_GPU = 256
"""Windows that share nothing took 6 GB in bfloat16 and 10 GB in float32 on an NVIDIA H100. 512 were
8 % faster and took 13 GB (docs/performance.md)."""

EPSILON = 1e-3
"""Keras's default, which the published network uses."""

CHANNELS = (64, 64, 128, 128, 256, 256, 512, 512)
"""Channels of conv1 … conv8."""


class Step(NamedTuple):
    """One step of the network: a convolution (``conv1`` …) or the pooling that ends a block."""

    name: str
    kind: str  # "conv" | "pool"
    channels: int
    relu: bool = True


STEPS = (
    Step("conv1", "conv", 64),
    Step("conv2", "conv", 64),
    Step("block1", "pool", 64),
    Step("conv3", "conv", 128),
    Step("conv4", "conv", 128),
    Step("block2", "pool", 128),
    Step("conv5", "conv", 256),
    Step("conv6", "conv", 256),
    Step("block3", "pool", 256),
    Step("conv7", "conv", 512),
    Step("conv8", "conv", 512, relu=False),  # published as `audio_embedding_layer`, bare
)

ALIASES = {"block4": "conv8"}
"""The last block has no pooling of its own: the embedding's head is its pooling."""

LAST_LAYER = "block4"

FUSED_LAYERS: tuple[str, ...] = ("block2", "block4")
"""A middle and the last layer, as Niizumi et al. (2022) chose for VGGish and CNN14."""

LAYERS = ("logmel", *(step.name for step in STEPS), *ALIASES)
"""Names of the layers that can be tapped, from the network's input to its last map."""


def _weight_shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}

    def batch_norm(name: str, size: int) -> None:
        for weight in ("gamma", "beta", "moving_mean", "moving_variance"):
            shapes[f"{name}/{weight}"] = (size,)

    batch_norm("input_norm", 1)
    channels_in = 1
    for i, channels in enumerate(CHANNELS, start=1):
        shapes[f"conv{i}/kernel"] = (3, 3, channels_in, channels)
        shapes[f"conv{i}/bias"] = (channels,)
        if i < len(CHANNELS):
            batch_norm(f"norm{i}", channels)
        channels_in = channels
    return shapes


WEIGHT_SHAPES = _weight_shapes()
"""Names and shapes of the weights, in the order in which the published files store them."""


def fold(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Fold the batch norms into the convolutions.

    The input's batch norm stays a scale and an offset: its offset reaches into the zero padding of
    the first convolution, which no kernel can express.

    Parameters
    ----------
    weights : dict of np.ndarray
        The published weights, named and shaped as in `WEIGHT_SHAPES`.

    Returns
    -------
    dict of np.ndarray [dtype=float32]
        ``input/scale``, ``input/offset`` and ``convN/kernel``, ``convN/bias``.
    """
    scale, offset = folding.batch_norm_affine(weights, "input_norm", EPSILON)
    folded = {"input/scale": scale, "input/offset": offset}
    for i in range(1, len(CHANNELS) + 1):
        kernel, bias = weights[f"conv{i}/kernel"], weights[f"conv{i}/bias"]
        if i < len(CHANNELS):
            norm = folding.batch_norm_affine(weights, f"norm{i}", EPSILON)
            kernel, bias = folding.fold_convolution(kernel, bias, *norm)
        folded[f"conv{i}/kernel"], folded[f"conv{i}/bias"] = kernel, bias
    return {name: np.asarray(value, np.float32) for name, value in folded.items()}


def random_weights(seed: int) -> dict[str, np.ndarray]:
    """Draw the weights of an untrained network.

    He-normal kernels, and an input batch norm that brings decibels in [-80, 0] to about zero mean
    and unit variance, as training does. Without it, the first layer sees only large negatives.

    Parameters
    ----------
    seed : int
        The same seed gives the same weights, on every machine and backend.

    Returns
    -------
    dict of np.ndarray [dtype=float32]
        Named and shaped as in `WEIGHT_SHAPES`.
    """
    weights = folding.random_weights(WEIGHT_SHAPES, seed)
    weights["input_norm/moving_mean"][:] = -45.0
    weights["input_norm/moving_variance"][:] = 20.0**2
    return weights


def apply_convolution(x: Any, weights: dict[str, Any], step: Step, padding: str = "same") -> Any:
    """Apply one folded convolution to maps [shape=(..., bands, frames, channels)]."""
    kernel, bias = weights[f"{step.name}/kernel"], weights[f"{step.name}/bias"]
    return convolutions.convolve(x, kernel, bias, padding=padding, relu=step.relu)


def normalize_input(logmel: Any, weights: dict[str, Any]) -> Any:
    """Apply the input's batch norm to log-mel spectrograms in dB.

    Decibels are normalised in float32 before they are brought to the dtype of the convolutions:
    bfloat16 has steps of half a decibel at -80 dB.
    """
    from keras import ops

    normalized = logmel * weights["input/scale"] + weights["input/offset"]
    return ops.cast(normalized, weights["conv1/kernel"].dtype)


def feature_maps(
    weights: dict[str, Any],
    logmel: Any,
    layers: Collection[str],
    *,
    subsampling: str = "max",
) -> dict[str, Any]:
    """Run the network on log-mel windows.

    Parameters
    ----------
    weights : dict of tensor
        Folded weights, from `fold`, as tensors of the backend. The network computes in the
        dtype of its kernels.
    logmel : tensor [shape=(n_windows, bands, frames, 1), dtype=float32]
        Decibels below the window's maximum.
    layers : collection of str
        Names out of `LAYERS`.
    subsampling : str
        The name of the function in `subsampling.POOLINGS` that halves bands and frames.

    Returns
    -------
    dict of tensor [shape=(n_windows, bands, frames, channels)]
        A map for each name asked for. Convolutions are tapped after their ReLU (the last has
        none), blocks after their pooling.
    """
    wanted = {ALIASES.get(name, name) for name in layers}
    maps = {"logmel": logmel}
    pool = POOLINGS[subsampling]
    x = normalize_input(logmel, weights)
    for step in STEPS[: max(map(LAYERS.index, wanted))]:
        x = pool(x) if step.kind == "pool" else apply_convolution(x, weights, step)
        if step.name in wanted:  # PyTorch keeps a tensor in memory as long as a name refers to it
            maps[step.name] = x
    return {name: maps[ALIASES.get(name, name)] for name in layers}


def map_shape(layer: str, bands: int, frames: int) -> tuple[int, int, int]:
    """Return (bands, frames, channels) of a layer's map for an input of that many bands, frames."""
    name = ALIASES.get(layer, layer)
    channels = 1
    for step in STEPS[: LAYERS.index(name)]:
        channels = step.channels
        if step.kind == "pool":
            bands, frames = bands // 2, frames // 2
    return bands, frames, channels


def frame_stride(layer: str) -> int:
    """Return how many input frames lie between two frames of a layer's map."""
    pools = [
        step for step in STEPS[: LAYERS.index(ALIASES.get(layer, layer))] if step.kind == "pool"
    ]
    return 2 ** len(pools)


def frame_centres(layer: str, frames: int) -> np.ndarray:
    """Return the centre of each frame of a layer's map, in input frames (from 0, fractions).

    A 3×3 'same' convolution keeps centres, a 2×2 pooling averages two.
    """
    centres = np.arange(frames, dtype=np.float64)
    for step in STEPS[: LAYERS.index(ALIASES.get(layer, layer))]:
        if step.kind == "pool":
            whole = len(centres) // 2 * 2
            centres = centres[:whole].reshape(-1, 2).mean(axis=1)
    return centres


def keras_model(bands: int = 256, frames: int = 199) -> keras.Model:
    """Build the network as published: with separate batch norms, trainable, with new weights.

    Parameters
    ----------
    bands, frames : int
        Shape of the log-mel window. The weights do not depend on it.

    Returns
    -------
    keras.Model
        From (n_windows, bands, frames, 1) in dB to the last map. `folding.keras_weights` and
        `folding.set_keras_weights` exchange its weights with `WEIGHT_SHAPES`' names.
    """
    import keras

    x = inputs = keras.Input((bands, frames, 1))
    # decibels are normalised before they may be rounded, as in `normalize_input`
    x = keras.layers.BatchNormalization(name="input_norm", dtype="float32")(x)
    for step in STEPS:
        if step.kind == "pool":
            x = keras.layers.MaxPooling2D(2, data_format=DATA_FORMAT, name=step.name)(x)
            continue
        x = keras.layers.Conv2D(
            step.channels,
            3,
            padding="same",
            data_format=DATA_FORMAT,
            kernel_initializer="he_normal",
            name=step.name,
        )(x)
        if step.relu:
            x = keras.layers.BatchNormalization(name=step.name.replace("conv", "norm"))(x)
            x = keras.layers.ReLU()(x)
    return keras.Model(inputs, x, name="openl3")
