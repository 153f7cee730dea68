"""OpenL3-lite: log-mel windows → maps like OpenL3's, at a sixteenth of the work.

The input (128 mel bands × 199 frames) and the last map (16 bands × 24 frames of 512 channels) have
the shapes and the frame centres of OpenL3's. Between them are separable convolutions (A. G. Howard
et al., "MobileNets", 2017) with residual sums (K. He et al., "Deep Residual Learning for Image
Recognition", CVPR 2016). The network is trained to give OpenL3's last map (weights/LITE.md).

Where OpenL3 pools 2×2 cells, this network has a 4×4 convolution with a stride of two and one zero
on each side. Like the pooling, it makes n // 2 frames of n, and the centre of frame j lies between
frames 2j and 2j + 1.

Windows of this network do not share convolutions. A frame of its last map depends on 162 frames of
the input; in OpenL3, on 68. So a window's own edges change 20 of the 24 frames of its last map, and
the strips that a window would compute for itself (`openl3_sharing`) are 47 % of its work.

`feature_maps` runs the network as it is used: batch norms folded into the convolutions (`fold`).
`keras_model` builds it with separate batch norms, for training and for comparison.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import convolutions, folding, openl3
from .convolutions import DATA_FORMAT

if TYPE_CHECKING:
    import keras

NAME = "openl3_lite"
ORIGIN = "weights/LITE.md"

NATIVE_HOP = openl3.NATIVE_HOP

ANY_WINDOW = False
"""It is trained on windows of 1 s."""

SUBSAMPLINGS: tuple[str, ...] = ("max",)
"""Its strides are learnt and replace OpenL3's max pooling. Nothing else can replace them."""

FASTEST_BATCH = 16
"""Measured on two cores."""

FASTEST_BATCH_GPU = 1024
"""It fits into memory. Its speed was not measured."""

EPSILON = 1e-3
"""Keras's default."""


class Step(NamedTuple):
    """One step: a full convolution (the first step), or a depthwise and a pointwise one.

    A ReLU follows each convolution but the last pointwise one, as in OpenL3. If ``residual``, the
    step's input is added before the step's last ReLU. A stride of two has a 4×4 kernel.
    """

    name: str
    stride: int
    channels: int
    residual: bool = False
    relu: bool = True

    @property
    def kernel(self) -> int:
        """Bands and frames of the first or the depthwise kernel."""
        return 4 if self.stride == 2 else 3


STEPS = (
    Step("conv1", 2, 32),
    Step("conv2", 1, 64),
    Step("conv3", 2, 128),
    Step("conv4", 1, 128, residual=True),
    Step("conv5", 2, 256),
    *(Step(f"conv{i}", 1, 256, residual=True) for i in range(6, 13)),
    Step("conv13", 1, 512, relu=False),
)

ALIASES = {"block1": "conv2", "block2": "conv4", "block3": "conv12", "block4": "conv13"}
"""OpenL3's names, for the maps of the same bands and frames."""

_DEPTHS = {"logmel": 0} | {step.name: i for i, step in enumerate(STEPS, start=1)}
_DEPTHS |= {alias: _DEPTHS[name] for alias, name in ALIASES.items()}

LAYERS = tuple(sorted(_DEPTHS, key=_DEPTHS.__getitem__))
"""Names of the layers that can be tapped, from the network's input to its last map."""

LAST_LAYER = "block4"

FUSED_LAYERS: tuple[str, ...] = openl3.FUSED_LAYERS


def _weight_shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}

    def batch_norm(name: str, size: int) -> None:
        for weight in ("gamma", "beta", "moving_mean", "moving_variance"):
            shapes[f"{name}/{weight}"] = (size,)

    batch_norm("input_norm", 1)
    first = STEPS[0]
    shapes["conv1/kernel"] = (first.kernel, first.kernel, 1, first.channels)
    batch_norm("conv1_norm", first.channels)
    channels_in = first.channels
    for step in STEPS[1:]:
        shapes[f"{step.name}_depthwise/kernel"] = (step.kernel, step.kernel, channels_in, 1)
        batch_norm(f"{step.name}_depthwise_norm", channels_in)
        shapes[f"{step.name}_pointwise/kernel"] = (1, 1, channels_in, step.channels)
        batch_norm(f"{step.name}_pointwise_norm", step.channels)
        channels_in = step.channels
    return shapes


WEIGHT_SHAPES = _weight_shapes()
"""Names and shapes of the weights, in the order in which a file stores them."""

CONVOLUTIONS = tuple(
    name.removesuffix("/kernel") for name in WEIGHT_SHAPES if name.endswith("/kernel")
)


def fold(weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Fold the batch norms into the convolutions. The input's stays a scale and an offset.

    Parameters
    ----------
    weights : dict of np.ndarray
        Named and shaped as in `WEIGHT_SHAPES`.

    Returns
    -------
    dict of np.ndarray [dtype=float32]
        ``input/scale``, ``input/offset``, and a kernel and a bias for each convolution.
    """
    scale, offset = folding.batch_norm_affine(weights, "input_norm", EPSILON)
    folded = {"input/scale": scale, "input/offset": offset}
    for name in CONVOLUTIONS:
        scale, offset = folding.batch_norm_affine(weights, f"{name}_norm", EPSILON)
        if name.endswith("depthwise"):  # its output channels are the kernel's third axis
            scale = scale[:, None]
        kernel, _ = folding.fold_convolution(weights[f"{name}/kernel"], 0.0, scale, 0.0)
        folded[f"{name}/kernel"], folded[f"{name}/bias"] = kernel, offset
    return {name: np.asarray(value, np.float32) for name, value in folded.items()}


def random_weights(seed: int) -> dict[str, np.ndarray]:
    """Draw the weights of an untrained network, as `openl3.random_weights` does.

    The initial scale of residual branches is small. Otherwise each sum would double the variance.

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
    for step in STEPS:
        if step.residual:
            weights[f"{step.name}_pointwise_norm/gamma"][:] = 0.3
    return weights


def feature_maps(
    weights: dict[str, Any], logmel: Any, layers: Collection[str], *, subsampling: str = "max"
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
        One of `SUBSAMPLINGS`. `config.checks` ensures this.

    Returns
    -------
    dict of tensor [shape=(n_windows, bands, frames, channels)]
        A map for each name asked for, after its ReLU (the last one has none).
    """
    wanted = {ALIASES.get(name, name) for name in layers}
    maps = {"logmel": logmel}
    x = openl3.normalize_input(logmel, weights)
    for step in STEPS[: max(map(_DEPTHS.__getitem__, layers))]:
        x = _apply(x, weights, step)
        if step.name in wanted:  # PyTorch keeps a tensor in memory as long as a name refers to it
            maps[step.name] = x
    return {name: maps[ALIASES.get(name, name)] for name in layers}


def _apply(x: Any, weights: dict[str, Any], step: Step) -> Any:
    """Apply a folded step to maps [shape=(n_windows, bands, frames, channels)]."""
    from keras import ops

    def convolve(x: Any, name: str, **options: Any) -> Any:
        kernel, bias = weights[f"{name}/kernel"], weights[f"{name}/bias"]
        return convolutions.convolve(x, kernel, bias, **options)

    padding = "same"
    before = x
    if step.stride == 2:  # one zero on each side, which 'same' does not guarantee
        x, padding = ops.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)]), "valid"
    if step is STEPS[0]:
        return convolve(x, step.name, strides=step.stride, padding=padding)
    name = step.name
    x = convolve(x, f"{name}_depthwise", strides=step.stride, padding=padding, depthwise=True)
    if not step.residual:
        return convolve(x, f"{name}_pointwise", relu=step.relu)
    x = ops.add(convolve(x, f"{name}_pointwise", relu=False), before)
    return ops.relu(x) if step.relu else x


def map_shape(layer: str, bands: int, frames: int) -> tuple[int, int, int]:
    """Return (bands, frames, channels) of a layer's map for an input of that many bands, frames."""
    channels = 1
    for step in STEPS[: _DEPTHS[layer]]:
        channels = step.channels
        bands, frames = bands // step.stride, frames // step.stride
    return bands, frames, channels


def frame_stride(layer: str) -> int:
    """Return how many input frames lie between two frames of a layer's map."""
    return math.prod(step.stride for step in STEPS[: _DEPTHS[layer]])


def frame_centres(layer: str, frames: int) -> np.ndarray:
    """Return the centre of each frame of a layer's map, in input frames (from 0, fractions).

    A 3×3 convolution keeps centres. A 4×4 one with a stride of two averages two of them.
    """
    centres = np.arange(frames, dtype=np.float64)
    for step in STEPS[: _DEPTHS[layer]]:
        if step.stride == 2:
            whole = len(centres) // 2 * 2
            centres = centres[:whole].reshape(-1, 2).mean(axis=1)
    return centres


def keras_model(bands: int = 128, frames: int = 199) -> keras.Model:
    """Build the network with separate batch norms, trainable, with new weights.

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

    def norm(x: Any, name: str) -> Any:
        return keras.layers.BatchNormalization(epsilon=EPSILON, name=f"{name}_norm")(x)

    x = inputs = keras.Input((bands, frames, 1))
    # decibels are normalised before they may be rounded, as in `openl3.normalize_input`
    x = keras.layers.BatchNormalization(name="input_norm", dtype="float32")(x)
    for step in STEPS:
        padding = "same" if step.stride == 1 else "valid"
        options = {"use_bias": False, "data_format": DATA_FORMAT, "padding": padding}
        before = x
        if step.stride == 2:
            x = keras.layers.ZeroPadding2D(1, data_format=DATA_FORMAT)(x)
        size = (step.kernel, step.stride)
        if step is STEPS[0]:
            x = keras.layers.Conv2D(step.channels, *size, name=step.name, **options)(x)
            x = keras.layers.ReLU()(norm(x, step.name))
            continue
        name = f"{step.name}_depthwise"
        x = keras.layers.DepthwiseConv2D(*size, name=name, **options)(x)
        x = keras.layers.ReLU()(norm(x, name))
        name = f"{step.name}_pointwise"
        x = keras.layers.Conv2D(step.channels, 1, name=name, **options)(x)
        x = norm(x, name)
        if step.residual:
            x = keras.layers.Add()([x, before])
        if step.relu:
            x = keras.layers.ReLU()(x)
    return keras.Model(inputs, x, name=NAME)
