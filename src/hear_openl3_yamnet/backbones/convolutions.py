"""Convolutions and max pooling, with a version of their own for PyTorch on a GPU.

Maps have the order of axes (n, rows, columns, channels). On PyTorch, Keras copies them into
PyTorch's order, and then into the order in which cuDNN is fastest, which is the original one. The
functions for PyTorch on a GPU avoid both copies.
"""

from __future__ import annotations

from typing import Any

DATA_FORMAT = "channels_last"
"""The order of axes, for every function and layer of Keras that has this argument. Without it,
Keras takes the order that the user has set for all of Keras, for example in ``keras.json``."""


def on_gpu(tensor: Any) -> bool:
    """Whether a GPU computes with a tensor. Only on PyTorch this depends on the tensor."""
    import keras

    backend = keras.backend.backend()
    if backend == "torch":
        return bool(getattr(tensor, "is_cuda", False))
    if backend == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    import jax

    return jax.devices()[0].platform != "cpu"


def convolve(
    x: Any,
    kernel: Any,
    bias: Any,
    *,
    strides: int = 1,
    padding: str = "same",
    depthwise: bool = False,
    relu: bool = True,
) -> Any:
    """Convolve maps, add a bias, and apply a ReLU.

    Parameters
    ----------
    x : tensor [shape=(n, rows, columns, channels)]
    kernel : tensor [shape=(rows, columns, channels, channels_out)]
        Its last axis is 1 if `depthwise`.
    bias : tensor [shape=(channels_out,)]
    strides : int
        Of rows and of columns.
    padding : str
        ``same`` or ``valid``, as TensorFlow defines them.
    depthwise : bool
        Whether each channel is convolved by itself.
    relu : bool
        Whether values below zero become zero.

    Returns
    -------
    tensor [shape=(n, rows_out, columns_out, channels_out)]
    """
    from keras import ops

    if _torch_on_gpu(x):
        return torch_convolve(x, kernel, bias, strides, padding, depthwise, relu)
    apply = ops.depthwise_conv if depthwise else ops.conv
    x = ops.add(apply(x, kernel, strides, padding=padding, data_format=DATA_FORMAT), bias)
    return ops.relu(x) if relu else x


def max_pool(x: Any) -> Any:
    """Take the maximum of 2×2 cells; an odd last row or column is dropped.

    Parameters
    ----------
    x : tensor [shape=(n, rows, columns, channels)]

    Returns
    -------
    tensor [shape=(n, rows // 2, columns // 2, channels)]
    """
    from keras import ops

    if _torch_on_gpu(x):
        return torch_max_pool(x)
    return ops.max_pool(x, 2, strides=2, data_format=DATA_FORMAT)


def torch_convolve(
    x: Any, kernel: Any, bias: Any, strides: int, padding: str, depthwise: bool, relu: bool
) -> Any:
    """Compute `convolve` on PyTorch without copying the maps."""
    import torch
    from keras import ops
    from torch.nn import functional

    kernel, bias = map(ops.convert_to_tensor, (kernel, bias))
    kernel = kernel.permute((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
    kernel = kernel.contiguous(memory_format=torch.channels_last)
    x = x.permute(0, 3, 1, 2)
    groups = x.shape[1] if depthwise else 1
    around = [0, 0]
    if padding == "same":
        sizes = zip(x.shape[2:], kernel.shape[2:], strict=True)
        needed = [max(0, (-(-n // strides) - 1) * strides + taps - n) for n, taps in sizes]
        around = [n // 2 for n in needed]
        if any(n % 2 for n in needed):  # TensorFlow pads one more at the end
            rows, columns = ((n // 2, n - n // 2) for n in needed)
            x, around = functional.pad(x, (*columns, *rows)), [0, 0]
    cudnn = x.is_cuda and torch.backends.cudnn.enabled and not torch.version.hip
    if relu and not depthwise and cudnn:
        # cuDNN adds the bias and applies the ReLU in the kernel of the convolution
        apart, dilation = [strides, strides], [1, 1]
        x = torch.cudnn_convolution_relu(x, kernel, bias, apart, around, dilation, groups)
        return x.permute(0, 2, 3, 1)
    x = functional.conv2d(x, kernel, bias, strides, around, groups=groups)
    return (x.relu_() if relu else x).permute(0, 2, 3, 1)


def torch_max_pool(x: Any) -> Any:
    """Compute `max_pool` on PyTorch without copying the maps."""
    from torch.nn import functional

    return functional.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


def _torch_on_gpu(x: Any) -> bool:
    import keras

    return keras.backend.backend() == "torch" and on_gpu(x)
