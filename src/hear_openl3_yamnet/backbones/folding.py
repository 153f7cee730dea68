"""Weights of convolutional networks: batch norms folded, untrained weights drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras


def batch_norm_affine(
    weights: Mapping[str, np.ndarray], name: str, epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the scale and offset [dtype=float64] that a trained batch norm amounts to.

    A batch norm without ``gamma`` has a gamma of one.
    """
    mean = weights[f"{name}/moving_mean"].astype(np.float64)
    variance = weights[f"{name}/moving_variance"].astype(np.float64)
    gamma = weights.get(f"{name}/gamma", np.ones_like(mean))
    scale = gamma / np.sqrt(variance + epsilon)
    return scale, weights[f"{name}/beta"] - mean * scale


def fold_convolution(
    kernel: np.ndarray,
    bias: np.ndarray | float,
    scale: np.ndarray,
    offset: np.ndarray | float,
) -> tuple[np.ndarray, np.ndarray]:
    """Fold an affine map of the output channels (the kernel's last axis) into a convolution."""
    return kernel.astype(np.float64) * scale, bias * scale + offset


def random_weights(shapes: Mapping[str, tuple[int, ...]], seed: int) -> dict[str, np.ndarray]:
    """Draw He-normal kernels; biases and means are 0, gammas and variances 1.

    A weight depends only on the seed and on its position in `shapes`, through NumPy's PCG64.
    """
    weights = {}
    for index, (name, shape) in enumerate(shapes.items()):
        layer, kind = name.rsplit("/", 1)
        if kind == "kernel":
            fan_in = np.prod(shape[:2] if layer.endswith("depthwise") else shape[:-1])
            rng = np.random.Generator(np.random.PCG64([seed, index]))
            value = rng.standard_normal(shape) * np.sqrt(2.0 / fan_in)
        else:
            value = np.full(shape, float(kind in ("gamma", "moving_variance")))
        weights[name] = value.astype(np.float32)
    return weights


def keras_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """Return the weights of a backbone's ``keras_model``, named as in its ``WEIGHT_SHAPES``."""
    from keras import ops

    return {
        f"{layer.name}/{weight.name}": ops.convert_to_numpy(weight)
        for layer in model.layers
        for weight in layer.weights
    }


def set_keras_weights(model: keras.Model, weights: Mapping[str, np.ndarray]) -> None:
    """Give a backbone's ``keras_model`` weights named as in its ``WEIGHT_SHAPES``."""
    for layer in model.layers:
        for weight in layer.weights:
            weight.assign(weights[f"{layer.name}/{weight.name}"])
