"""What Keras's backends do differently: the types of models, compiling, devices, memory.

The networks themselves are written in `keras.ops` and know no backend. ``KERAS_BACKEND`` chooses
it, as everywhere in Keras.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..environment import importing_keras

with importing_keras():
    import keras

from ..backbones import convolutions
from ..errors import BackendError

BACKEND: str = keras.backend.backend()
"""``tensorflow``, ``torch`` or ``jax``."""

TENSOR_ALIGNMENT = 64
"""Bytes. Some operations of TensorFlow crash on tensors that are not aligned to this."""


_process: int | None = None
"""The process in which the backend first computed for a network."""


def check_usable() -> None:
    """Check that the backend can compute in this process, at this place. Call it before it does.

    Raises
    ------
    BackendError
        In a process that was forked from one in which TensorFlow or JAX has computed: their threads
        are not there, and it would wait for them for ever. Also where TensorFlow builds a graph
        instead of computing.
    """
    global _process
    if BACKEND == "torch":
        return
    if _process is None:
        _process = os.getpid()
    if _process != os.getpid():
        raise BackendError(
            f"This process was forked from one in which {BACKEND} has computed already, and would "
            "wait for ever for threads that were not copied. Start processes with "
            'multiprocessing.get_context("spawn"), or load no model before you fork.'
        )
    if BACKEND == "tensorflow":
        import tensorflow as tf

        if not tf.executing_eagerly():
            raise BackendError(
                "TensorFlow builds a graph here and computes no embeddings. Call this outside of "
                "tf.function and tf.Graph, and leave out tf.compat.v1.disable_eager_execution() "
                "and tf.compat.v1.disable_v2_behavior(). Into a graph, put a layer: "
                "hear_openl3_yamnet.integrations.keras_layer.HearLayer."
            )


def module_type() -> type:
    """Return the type by which HEAR's tools recognise a model of this backend."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.Module
    if BACKEND == "torch":
        import torch

        return torch.nn.Module
    return object


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile ``function(weights, *arrays)`` as the backend does it best.

    TensorFlow: one graph for every number of rows, without XLA, which makes these convolutions
    slower on CPU. JAX: jit, once for each shape. PyTorch: not compiled, without gradients.

    Parameters
    ----------
    function : callable
        Of a dict of tensors, the same ones at every call, and of arrays any number of whose rows it
        takes.
    """
    if BACKEND == "tensorflow":
        import tensorflow as tf

        graphs: dict[tuple, Any] = {}

        def call(weights: Mapping[str, Any], *arrays: Any) -> Any:
            rows = tuple(tf.TensorSpec((None, *x.shape[1:]), x.dtype) for x in arrays)
            if rows not in graphs:
                # weights that are arguments would be checked at each call, which takes 3 ms
                graphs[rows] = tf.function(
                    partial(function, weights), input_signature=rows, autograph=False
                )
            return graphs[rows](*arrays)

        return call
    if BACKEND == "jax":
        import jax

        return jax.jit(function)
    import torch

    return torch.no_grad()(function)


def padded_length(n: int, tensor: Any) -> int:
    """Return how many rows to compute if `n` are wanted, on the device that a tensor lies on.

    JAX compiles once for each shape, and PyTorch's cuDNN prepares its kernels once for each: there
    lengths are rounded up to an eighth of a power of two.
    """
    each_shape_costs = BACKEND == "jax" or (BACKEND == "torch" and convolutions.on_gpu(tensor))
    if not each_shape_costs or n <= 8:
        return n
    step = 1 << ((n - 1).bit_length() - 4)
    return -(-n // step) * step


def pad_rows(x: np.ndarray, tensor: Any) -> np.ndarray:
    """Pad an array with copies of its first row up to `padded_length`."""
    missing = padded_length(len(x), tensor) - len(x)
    return np.concatenate([x, np.repeat(x[:1], missing, axis=0)]) if missing else x


def device_scope(tensor: Any) -> AbstractContextManager:
    """Return a scope in which Keras computes on the device that a PyTorch tensor lies on.

    A PyTorch model may have been moved; TensorFlow and JAX place work themselves.
    """
    return keras.device(str(tensor.device)) if BACKEND == "torch" else nullcontext()


def aligned_empty(shape: tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
    """Allocate an array that `as_tensor` can hand over without a copy."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    room = np.empty(size + TENSOR_ALIGNMENT, np.uint8)
    first = -room.ctypes.data % TENSOR_ALIGNMENT
    return room[first : first + size].view(dtype).reshape(shape)


def as_tensor(array: np.ndarray) -> Any:
    """Convert an array to a tensor without a copy. The caller gives up the array.

    On a CPU, TensorFlow takes it over as it is; its own conversion holds it three times. PyTorch
    takes it over too, or moves it to the GPU; Keras would copy it first.
    """
    if BACKEND == "tensorflow":
        import tensorflow as tf

        if not tf.config.list_physical_devices("GPU"):
            if array.ctypes.data % TENSOR_ALIGNMENT:
                aligned = aligned_empty(array.shape, array.dtype)
                aligned[...] = array
                array = aligned
            return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
    if BACKEND == "torch":
        import torch

        return keras.ops.convert_to_tensor(torch.from_numpy(array))
    return keras.ops.convert_to_tensor(array)


def resolve_precision(precision: str) -> str:
    """Return what ``auto`` stands for here; other precisions as they are.

    float32 on a CPU without bfloat16 instructions and on a GPU older than Ampere, else bfloat16.
    float16 is never chosen: its range ends at 65504, and no activation is checked for that.
    """
    if precision != "auto":
        return precision
    if (modern := _gpu_with_bfloat16()) is None:
        modern = _cpu_has_bfloat16()
    return "bfloat16" if modern else "float32"


def gpu_arithmetic(tensor: Any, precision: str) -> str | None:
    """Return what a GPU rounds the factors of its convolutions to; None on a CPU.

    Parameters
    ----------
    tensor : tensor
        One of the model's.
    precision : str
        ``float32``, ``bfloat16`` or ``float16``.

    Returns
    -------
    str or None
        The precision, or ``tf32``: GPUs since Ampere have it, and every backend computes float32
        convolutions in it by default. Only PyTorch is asked whether this was changed.
    """
    if not convolutions.on_gpu(tensor):
        return None
    if precision != "float32":
        return precision
    if BACKEND == "torch":
        import torch

        modern = torch.cuda.get_device_capability(tensor.device) >= (8, 0)
        return "tf32" if modern and _torch_allows_tf32() else "float32"
    return "tf32"


def _torch_allows_tf32() -> bool:
    import torch

    cudnn = torch.backends.cudnn
    if hasattr(cudnn, "conv"):  # PyTorch 2.9; `allow_tf32` raises where only this one was set
        return bool(cudnn.conv.fp32_precision == "tf32")
    return bool(cudnn.allow_tf32)


def _gpu_with_bfloat16() -> bool | None:
    """Whether the GPU in use computes in bfloat16; None without a GPU."""
    if BACKEND == "torch":
        import torch

        return torch.cuda.is_bf16_supported() if torch.cuda.is_available() else None
    if BACKEND == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
        return details.get("compute_capability", (0, 0)) >= (8, 0) if gpus else None
    device = _jax_gpu()
    if device is None:
        return None
    return float(getattr(device, "compute_capability", None) or 8.0) >= 8.0


def _jax_gpu() -> Any:
    """Return JAX's device, if it is not the CPU."""
    import jax

    device = jax.devices()[0]
    return None if device.platform == "cpu" else device


def _cpu_has_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:  # not Linux: unknown
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def free_gpu_memory(tensor: Any) -> int | None:
    """Return the free bytes of the GPU that computes; None on a CPU.

    Parameters
    ----------
    tensor : tensor
        One of the model's. PyTorch computes on its device.
    """
    if BACKEND == "torch":
        import torch

        if not tensor.is_cuda:
            return None
        free, _ = torch.cuda.mem_get_info(tensor.device)
        # PyTorch keeps the memory that it frees, and uses it again
        kept = torch.cuda.memory_reserved(tensor.device)
        return free + kept - torch.cuda.memory_allocated(tensor.device)
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return sys.maxsize if tf.config.list_physical_devices("GPU") else None  # unknown
    device = _jax_gpu()
    if device is None:
        return None
    stats = device.memory_stats() or {}
    return stats.get("bytes_limit", sys.maxsize) - stats.get("bytes_in_use", 0)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that a device has no memory left."""
    kind = type(error).__name__
    return kind in ("ResourceExhaustedError", "OutOfMemoryError") or any(
        sign in str(error) for sign in ("RESOURCE_EXHAUSTED", "can't allocate memory")
    )
