"""YAMNet: log-mel patches → feature maps and class scores.

MobileNet v1 in fourteen layers on patches of (frame, band). The layers, their order in the
published file, the batch norms' epsilon and TensorFlow's 'same' padding are those of YAMNet
(https://github.com/tensorflow/models/tree/master/research/audioset/yamnet); the architecture is
A. G. Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
Applications", 2017.

The functions take and return maps with OpenL3's axes, (band, frame). Inside, the axes are swapped.
`feature_maps` runs the network as it is used: batch norms folded into the convolutions (`fold`).
`keras_model` builds it as published, with separate batch norms, for training and comparison.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import convolutions, folding
from .convolutions import DATA_FORMAT
from .subsampling import STRIDES

if TYPE_CHECKING:
    import keras

NAME = "yamnet"
ORIGIN = "https://github.com/tensorflow/models/tree/master/research/audioset/yamnet"

NATIVE_HOP = 640
"""Samples (40 ms): an eighth of a frame of the last map. A whole frame, 320 ms, is too
coarse for events."""

ANY_WINDOW = True

SUBSAMPLINGS = tuple(STRIDES)

FASTEST_BATCH = 256
"""Measured on two cores."""

FASTEST_BATCH_GPU = 1024
"""It took 2.2 GB on an NVIDIA H100 (docs/performance.md). Other sizes were not compared."""

EPSILON = 1e-4
"""The batch norms' epsilon in the published parameters."""

N_CLASSES = 521
"""Classes of AudioSet that the published network scores."""


class Layer(NamedTuple):
    """One layer: its first is a full convolution, the others are depthwise + pointwise."""

    name: str
    stride: int
    channels: int


STEPS = tuple(
    Layer(f"layer{i}", stride, channels)
    for i, (stride, channels) in enumerate(
        [(2, 32), (1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512)]
        + [(1, 512)] * 5
        + [(2, 1024), (1, 1024)],
        start=1,
    )
)

LAYERS = ("logmel", *(step.name for step in STEPS), "predictions")
"""Names of the layers that can be tapped; ``predictions`` are the class scores."""

LAST_LAYER = "layer14"

FUSED_LAYERS: tuple[str, ...] = ("layer7", "layer14")
"""A middle and the last layer, as Niizumi et al. (2022) chose for VGGish and CNN14."""


def _weight_shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}

    def convolution(name: str, kernel: tuple[int, ...], channels: int) -> None:
        shapes[f"{name}/kernel"] = kernel
        for weight in ("beta", "moving_mean", "moving_variance"):  # published without gamma
            shapes[f"{name}_norm/{weight}"] = (channels,)

    convolution("layer1_conv", (3, 3, 1, STEPS[0].channels), STEPS[0].channels)
    channels_in = STEPS[0].channels
    for step in STEPS[1:]:
        convolution(f"{step.name}_depthwise", (3, 3, channels_in, 1), channels_in)
        convolution(f"{step.name}_pointwise", (1, 1, channels_in, step.channels), step.channels)
        channels_in = step.channels
    shapes["predictions/kernel"] = (channels_in, N_CLASSES)
    shapes["predictions/bias"] = (N_CLASSES,)
    return shapes


WEIGHT_SHAPES = _weight_shapes()
"""Names and shapes of the weights, in the order in which the published file stores them."""

CONVOLUTIONS = tuple(
    name.removesuffix("/kernel")
    for name in WEIGHT_SHAPES
    if "layer" in name and name.endswith("/kernel")
)


def fold(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Fold the batch norms into the convolutions.

    Parameters
    ----------
    weights : dict of np.ndarray
        The published weights, named and shaped as in `WEIGHT_SHAPES`.

    Returns
    -------
    dict of np.ndarray [dtype=float32]
        A kernel and a bias for each convolution and for ``predictions``.
    """
    folded = {name: weights[name] for name in ("predictions/kernel", "predictions/bias")}
    for name in CONVOLUTIONS:
        scale, offset = folding.batch_norm_affine(weights, f"{name}_norm", EPSILON)
        if name.endswith("depthwise"):  # its output channels are the kernel's third axis
            scale = scale[:, None]
        kernel, _ = folding.fold_convolution(weights[f"{name}/kernel"], 0.0, scale, 0.0)
        folded[f"{name}/kernel"], folded[f"{name}/bias"] = kernel, offset
    return {name: np.asarray(value, np.float32) for name, value in folded.items()}


def random_weights(seed: int) -> dict[str, np.ndarray]:
    """Draw the weights of an untrained network.

    He-normal kernels, and a first batch norm that takes out the mean and the spread of the
    log-mel values of audio at ordinary levels (about -3 and 2), as training does. Without it,
    every patch looks like one large negative constant.

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
    mean, deviation = -3.0, 2.0
    weights["layer1_conv_norm/moving_mean"][:] = mean * weights["layer1_conv/kernel"].sum(
        axis=(0, 1, 2)
    )
    weights["layer1_conv_norm/moving_variance"][:] = deviation**2
    return weights


def feature_maps(
    weights: dict[str, Any], logmel: Any, layers: Collection[str], *, subsampling: str = "max"
) -> dict[str, Any]:
    """Run the network on log-mel patches.

    Parameters
    ----------
    weights : dict of tensor
        Folded weights, from `fold`, as tensors of the backend. The network computes in the
        dtype of its kernels.
    logmel : tensor [shape=(n_windows, bands, frames, 1), dtype=float32]
        Natural logarithms.
    layers : collection of str
        Names out of `LAYERS`.
    subsampling : str
        The name of the function in `subsampling.STRIDES` that halves a map behind a convolution
        without stride; ``max`` keeps the published strides.

    Returns
    -------
    dict of tensor [shape=(n_windows, bands, frames, channels)]
        A map for each name asked for, after its ReLU. ``predictions`` is a map of one cell.
    """
    from keras import ops

    def swap(x: Any) -> Any:
        return ops.transpose(x, (0, 2, 1, 3))

    maps = {}
    stride = STRIDES[subsampling]
    last = "layer14" if "predictions" in layers else max(layers, key=LAYERS.index)
    x = ops.cast(swap(logmel), weights["layer1_conv/kernel"].dtype)
    for step in STEPS[: LAYERS.index(last)]:
        x = _apply(x, weights, step, stride)
        if step.name in layers:
            maps[step.name] = swap(x)
    if "logmel" in layers:
        maps["logmel"] = logmel
    if "predictions" in layers:
        mean = ops.mean(x, axis=(1, 2), keepdims=True)
        logits = ops.matmul(mean, weights["predictions/kernel"]) + weights["predictions/bias"]
        maps["predictions"] = ops.sigmoid(logits)
    return {name: maps[name] for name in layers}


def _apply(x: Any, weights: dict[str, Any], step: Layer, stride: Any) -> Any:
    def convolve(x: Any, kind: str, **options: Any) -> Any:
        name = f"{step.name}_{kind}"
        kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
        return convolutions.convolve(x, kernel, bias, **options)

    strides = 1 if stride else step.stride
    if step.name == "layer1":
        x = convolve(x, "conv", strides=strides)
    else:
        x = convolve(x, "depthwise", strides=strides, depthwise=True)
    if stride and step.stride == 2:
        x = stride(x)
    return x if step.name == "layer1" else convolve(x, "pointwise")


def map_shape(layer: str, bands: int, frames: int) -> tuple[int, int, int]:
    """Return (bands, frames, channels) of a layer's map for an input of that many bands, frames."""
    if layer == "predictions":
        return 1, 1, N_CLASSES
    channels = 1
    for step in STEPS[: LAYERS.index(layer)]:
        channels = step.channels
        if step.stride == 2:
            bands, frames = -(-bands // 2), -(-frames // 2)
    return bands, frames, channels


def frame_stride(layer: str) -> int:
    """Return how many input frames lie between two frames of a layer's map."""
    return math.prod(step.stride for step in STEPS[: LAYERS.index(layer)])


def frame_centres(layer: str, frames: int) -> np.ndarray:
    """Return the centre of each frame of a layer's map, in input frames (from 0, fractions).

    TensorFlow's 'same' padding puts a strided 3-tap convolution over an even length at frames
    0–2, 2–4, …: each halving moves the centres on by one.
    """
    centres = np.arange(frames, dtype=np.float64)
    for step in STEPS[: LAYERS.index(layer)]:
        if step.stride == 2:
            first = 1 if len(centres) % 2 == 0 else 0
            centres = centres[first::2]
    return centres


def keras_model(bands: int = 64, frames: int = 96) -> keras.Model:
    """Build the network as published: with separate batch norms, trainable, with new weights.

    Parameters
    ----------
    bands, frames : int
        Shape of the log-mel patch.

    Returns
    -------
    keras.Model
        From (n_windows, bands, frames, 1) to the scores (n_windows, 521).
        `folding.keras_weights` and `folding.set_keras_weights` exchange its weights with
        `WEIGHT_SHAPES`' names.
    """
    import keras

    def finish(x: Any, name: str) -> Any:
        norm = keras.layers.BatchNormalization(scale=False, epsilon=EPSILON, name=f"{name}_norm")
        return keras.layers.ReLU()(norm(x))

    conv = {"padding": "same", "use_bias": False, "data_format": DATA_FORMAT}
    inputs = keras.Input((bands, frames, 1))
    x = keras.layers.Permute((2, 1, 3))(inputs)
    for step in STEPS:
        if step.name == "layer1":
            name = "layer1_conv"
            x = keras.layers.Conv2D(step.channels, 3, step.stride, name=name, **conv)(x)
        else:
            name = f"{step.name}_depthwise"
            x = finish(keras.layers.DepthwiseConv2D(3, step.stride, name=name, **conv)(x), name)
            name = f"{step.name}_pointwise"
            x = keras.layers.Conv2D(step.channels, 1, name=name, **conv)(x)
        x = finish(x, name)
    x = keras.layers.GlobalAveragePooling2D(data_format=DATA_FORMAT)(x)
    scores = keras.layers.Dense(N_CLASSES, activation="sigmoid", name="predictions")(x)
    return keras.Model(inputs, scores, name="yamnet")
