"""Networks of separable convolutions, given as tables of steps.

A separable convolution is a depthwise and a pointwise one (A. G. Howard et al., "MobileNets",
2017). Steps may add their input (K. He et al., "Deep Residual Learning for Image Recognition", CVPR
2016). `openl3_lite` and `holistic` are such tables, and these functions do what a `Backbone` does.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import convolutions, folding, openl3
from .convolutions import DATA_FORMAT

if TYPE_CHECKING:
    import keras

EPSILON = 1e-3
"""Keras's default."""

SUBSAMPLINGS: tuple[str, ...] = ("max",)
"""The strides are learnt and replace OpenL3's max pooling. Nothing else can replace them."""


class Step(NamedTuple):
    """One step: a full convolution, or a depthwise and a pointwise one.

    A batch norm follows each convolution, and a ReLU each but the last one if not ``relu``. If
    ``residual``, the step's input is added before the step's last ReLU. A stride of two takes
    n // 2 frames of n, with one zero on each side and a kernel of four. If ``all_bands``, the
    kernel covers all bands of the map, and one is left.
    """

    name: str
    channels: int
    kernel: tuple[int, int] = (3, 3)
    stride: int = 1
    separable: bool = True
    residual: bool = False
    relu: bool = True
    all_bands: bool = False
    alias: str | None = None
    """Another name of the step's map."""

    @property
    def convolutions(self) -> tuple[str, ...]:
        """Names of the step's convolutions."""
        if not self.separable:
            return (self.name,)
        return (f"{self.name}_depthwise", f"{self.name}_pointwise")


def layer_names(steps: Sequence[Step]) -> tuple[str, ...]:
    """Return the names of the layers, from the input ``logmel`` to the last map."""
    names = [(step.name, step.alias) for step in steps]
    return ("logmel", *(name for pair in names for name in pair if name))


def weight_shapes(steps: Sequence[Step]) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of the weights, in the order in which a file stores them."""
    shapes: dict[str, tuple[int, ...]] = {}

    def batch_norm(name: str, size: int) -> None:
        for weight in ("gamma", "beta", "moving_mean", "moving_variance"):
            shapes[f"{name}/{weight}"] = (size,)

    batch_norm("input_norm", 1)
    channels_in = 1
    for step in steps:
        if step.separable:
            depthwise, pointwise = step.convolutions
            shapes[f"{depthwise}/kernel"] = (*step.kernel, channels_in, 1)
            batch_norm(f"{depthwise}_norm", channels_in)
            shapes[f"{pointwise}/kernel"] = (1, 1, channels_in, step.channels)
            batch_norm(f"{pointwise}_norm", step.channels)
        else:
            shapes[f"{step.name}/kernel"] = (*step.kernel, channels_in, step.channels)
            batch_norm(f"{step.name}_norm", step.channels)
        channels_in = step.channels
    return shapes


def fold(steps: Sequence[Step], weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Fold the batch norms into the convolutions. The input's stays a scale and an offset.

    Parameters
    ----------
    steps : sequence of Step
    weights : dict of np.ndarray
        Named and shaped as `weight_shapes` says.

    Returns
    -------
    dict of np.ndarray [dtype=float32]
        ``input/scale``, ``input/offset``, and a kernel and a bias for each convolution.
    """
    scale, offset = folding.batch_norm_affine(weights, "input_norm", EPSILON)
    folded = {"input/scale": scale, "input/offset": offset}
    for name in (name for step in steps for name in step.convolutions):
        scale, offset = folding.batch_norm_affine(weights, f"{name}_norm", EPSILON)
        if name.endswith("depthwise"):  # its output channels are the kernel's third axis
            scale = scale[:, None]
        kernel, _ = folding.fold_convolution(weights[f"{name}/kernel"], 0.0, scale, 0.0)
        folded[f"{name}/kernel"], folded[f"{name}/bias"] = kernel, offset
    return {name: np.asarray(value, np.float32) for name, value in folded.items()}


def random_weights(steps: Sequence[Step], seed: int) -> dict[str, np.ndarray]:
    """Draw the weights of an untrained network, as `openl3.random_weights` does.

    The initial scale of residual branches is small. Otherwise each sum would double the variance.

    Parameters
    ----------
    steps : sequence of Step
    seed : int
        The same seed gives the same weights, on every machine and backend.

    Returns
    -------
    dict of np.ndarray [dtype=float32]
        Named and shaped as `weight_shapes` says.
    """
    weights = folding.random_weights(weight_shapes(steps), seed)
    weights["input_norm/moving_mean"][:] = -45.0
    weights["input_norm/moving_variance"][:] = 20.0**2
    for step in steps:
        if step.residual:
            weights[f"{step.convolutions[-1]}_norm/gamma"][:] = 0.3
    return weights


def feature_maps(
    steps: Sequence[Step],
    weights: dict[str, Any],
    logmel: Any,
    layers: Collection[str],
    *,
    subsampling: str = "max",
) -> dict[str, Any]:
    """Run a network on log-mel windows.

    Parameters
    ----------
    steps : sequence of Step
    weights : dict of tensor
        Folded weights, from `fold`, as tensors of the backend. The network computes in the dtype of
        its kernels.
    logmel : tensor [shape=(n_windows, bands, frames, 1), dtype=float32]
        Decibels below the window's maximum.
    layers : collection of str
        Names out of `layer_names`.
    subsampling : str
        One of `SUBSAMPLINGS`, which `config.checks` ensures: there is nothing to choose.

    Returns
    -------
    dict of tensor [shape=(n_windows, bands, frames, channels)]
        A map for each name asked for, after its ReLU (the last one has none).
    """
    maps = {"logmel": logmel}
    x = openl3.normalize_input(logmel, weights)
    for step in steps[: max(len(_up_to(steps, layer)) for layer in layers)]:
        x = _apply(x, weights, step)
        for name in (step.name, step.alias):
            if name and name in layers:  # PyTorch keeps a tensor while a name refers to it
                maps[name] = x
    return {name: maps[name] for name in layers}


def _apply(x: Any, weights: dict[str, Any], step: Step) -> Any:
    """Apply a folded step to maps [shape=(n_windows, bands, frames, channels)]."""
    from keras import ops

    def convolve(x: Any, name: str, **options: Any) -> Any:
        kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
        return convolutions.convolve(x, kernel, bias, **options)

    padding = "valid" if step.all_bands else "same"
    before = x
    if step.stride == 2:  # one zero on each side, which 'same' does not guarantee
        x, padding = ops.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)]), "valid"
    placed = {"strides": step.stride, "padding": padding}
    if not step.separable:
        return convolve(x, step.name, relu=step.relu, **placed)
    depthwise, pointwise = step.convolutions
    x = convolve(x, depthwise, depthwise=True, **placed)
    if not step.residual:
        return convolve(x, pointwise, relu=step.relu)
    x = ops.add(convolve(x, pointwise, relu=False), before)
    return ops.relu(x) if step.relu else x


def map_shape(steps: Sequence[Step], layer: str, bands: int, frames: int) -> tuple[int, int, int]:
    """Return (bands, frames, channels) of a layer's map for an input of that many bands, frames."""
    channels = 1
    for step in _up_to(steps, layer):
        channels = step.channels
        bands, frames = bands // step.stride, frames // step.stride
        if step.all_bands:
            bands = bands - step.kernel[0] + 1
    return bands, frames, channels


def frame_stride(steps: Sequence[Step], layer: str) -> int:
    """Return how many input frames lie between two frames of a layer's map."""
    return math.prod(step.stride for step in _up_to(steps, layer))


def frame_centres(steps: Sequence[Step], layer: str, frames: int) -> np.ndarray:
    """Return the centre of each frame of a layer's map, in input frames (from 0, fractions).

    A convolution with a stride of one keeps centres. One with a stride of two averages two of them.
    """
    centres = np.arange(frames, dtype=np.float64)
    for step in _up_to(steps, layer):
        if step.stride == 2:
            whole = len(centres) // 2 * 2
            centres = centres[:whole].reshape(-1, 2).mean(axis=1)
    return centres


def _up_to(steps: Sequence[Step], layer: str) -> Sequence[Step]:
    """Return the steps from the input to a layer."""
    if layer == "logmel":
        return ()
    last = next(i for i, step in enumerate(steps) if layer in (step.name, step.alias))
    return steps[: last + 1]


def keras_model(
    steps: Sequence[Step], name: str, bands: int = 128, frames: int = 199
) -> keras.Model:
    """Build a network with separate batch norms, trainable, with new weights.

    Parameters
    ----------
    steps : sequence of Step
    name : str
    bands, frames : int
        Shape of the log-mel window.

    Returns
    -------
    keras.Model
        From (n_windows, bands, frames, 1) in dB to the last map. `folding.keras_weights` and
        `folding.set_keras_weights` exchange its weights with the names of `weight_shapes`.
    """
    import keras

    def norm(x: Any, name: str) -> Any:
        return keras.layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_norm")(x)

    x = inputs = keras.Input((bands, frames, 1))
    # decibels are normalised before they may be rounded, as in `openl3.normalize_input`
    x = keras.layers.BatchNormalization(name="input_norm", dtype="float32")(x)
    for step in steps:
        valid = step.stride == 2 or step.all_bands
        options = {"use_bias": False, "data_format": DATA_FORMAT}
        options["padding"] = "valid" if valid else "same"
        before = x
        if step.stride == 2:
            x = keras.layers.ZeroPadding2D(1, data_format=DATA_FORMAT)(x)
        size = (step.kernel, step.stride)
        last = step.convolutions[-1]
        if step.separable:
            depthwise = step.convolutions[0]
            x = keras.layers.DepthwiseConv2D(*size, name=depthwise, **options)(x)
            x = keras.layers.ReLU()(norm(x, depthwise))
            size = ((1, 1), 1)
        x = norm(keras.layers.Conv2D(step.channels, *size, name=last, **options)(x), last)
        if step.residual:
            x = keras.layers.Add()([x, before])
        if step.relu:
            x = keras.layers.ReLU()(x)
    return keras.Model(inputs, x, name=name)
