"""Halving a map: the published maximum, and two shift-invariant ways.

With a stride of two, a shift of the input by one frame changes a network's output. BlurPool
(R. Zhang, "Making Convolutional Networks Shift-Invariant Again", ICML 2019) low-passes before it
drops every other value; adaptive polyphase sampling (A. Chaman and I. Dokmanić, "Truly
Shift-Invariant Convolutional Neural Networks", CVPR 2021) keeps, of the four grids of every other
value, the one with the largest norm. E. Fonseca, A. Ferraro and X. Serra, "Improving Sound Event
Classification by Increasing Shift Invariance in Convolutional Neural Networks" (2021), applied
both to log-mel spectrograms.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .convolutions import DATA_FORMAT, max_pool

_BINOMIAL = np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]).astype("float32") / 256


def dense_max(x: Any) -> Any:
    """Take the maximum of 2×2 cells at every position ('same' size): a max pool without stride."""
    from keras import ops

    return ops.max_pool(x, 2, strides=1, padding="same", data_format=DATA_FORMAT)


def low_pass(x: Any) -> Any:
    """Filter with the normalised 5×5 binomial ('same' size)."""
    from keras import ops

    kernel = ops.cast(np.repeat(_BINOMIAL[:, :, None, None], x.shape[-1], axis=2), x.dtype)
    padded = ops.pad(x, [[0, 0], [2, 2], [2, 2], [0, 0]])
    return ops.depthwise_conv(padded, kernel, 1, padding="valid", data_format=DATA_FORMAT)


def adaptive_polyphase(x: Any) -> Any:
    """Keep, window by window, the grid of every other row and column with the largest L2 norm.

    Shapes as in `max_pool`; rows and columns must be even in number.
    """
    from keras import ops

    grids = ops.stack([x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)], axis=1)
    norms = ops.sum(ops.square(ops.cast(grids, "float32")), axis=(2, 3, 4))
    chosen = ops.one_hot(ops.argmax(norms, axis=1), 4, dtype=x.dtype)
    return ops.sum(grids * ops.reshape(chosen, (-1, 4, 1, 1, 1)), axis=1)


def blur_pool(x: Any) -> Any:
    """Max pool without stride, low-pass, every other value. Shapes as in `max_pool`."""
    rows, columns = _even(x)
    return low_pass(dense_max(x))[:, :rows:2, :columns:2]


def aps_pool(x: Any) -> Any:
    """Max pool without stride, then `adaptive_polyphase`. Shapes as in `max_pool`."""
    rows, columns = _even(x)
    return adaptive_polyphase(dense_max(x)[:, :rows, :columns])


def blur_stride(x: Any) -> Any:
    """Low-pass, then those values on which a strided 'same' convolution centres its kernel.

    Parameters
    ----------
    x : tensor [shape=(n_windows, rows, columns, channels)]

    Returns
    -------
    tensor [shape=(n_windows, ceil(rows / 2), ceil(columns / 2), channels)]
    """
    first_row, first_column = (1 - n % 2 for n in x.shape[1:3])
    return low_pass(x)[:, first_row::2, first_column::2]


def aps_stride(x: Any) -> Any:
    """`adaptive_polyphase`, with zeros behind an odd last row or column.

    Shapes as in `blur_stride`.
    """
    from keras import ops

    odd_row, odd_column = (n % 2 for n in x.shape[1:3])
    return adaptive_polyphase(ops.pad(x, [[0, 0], [0, odd_row], [0, odd_column], [0, 0]]))


def _even(x: Any) -> tuple[int, int]:
    rows, columns = (n // 2 * 2 for n in x.shape[1:3])
    return rows, columns


POOLINGS: dict[str, Callable[[Any], Any]] = {
    "max": max_pool,
    "blur": blur_pool,
    "aps": aps_pool,
}
"""What replaces a 2×2 max pooling (OpenL3)."""

STRIDES: dict[str, Callable[[Any], Any] | None] = {
    "max": None,
    "blur": blur_stride,
    "aps": aps_stride,
}
"""What replaces the stride of two of a convolution (YAMNet). None keeps the stride."""
