"""How many windows fit into memory.

While a convolution runs, its input and its output are in memory. The largest such pair of a
network is the memory of one more window. The head and the front end need far less.
"""

from __future__ import annotations

import math
from itertools import pairwise

from ..config import geometry
from ..config.options import Options

CPU_LIMIT = 2 * 2**30
"""Bytes of activations by default: a small share of a laptop's memory."""

GPU_LIMIT = 12 * 2**30
"""The same on a GPU, or less if less is free."""

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


def activation_bytes(options: Options, precision: str = "float32") -> int:
    """Return the most bytes of activations that one window takes.

    Parameters
    ----------
    options : Options
    precision : str
        Of the convolutions: ``float32``, ``bfloat16`` or ``float16``.
    """
    values = [math.prod(geometry.map_shape(options, layer)) for layer in options.backbone.LAYERS]
    largest = max(before + after for before, after in pairwise(values))
    log_mel = 3 * 4 * values[0]  # gathered, in decibels, transposed
    return BYTES[precision] * largest + log_mel + _tapped_bytes(options)


def tapped_share(options: Options) -> float:
    """Return the share of `activation_bytes` that the maps of the tapped layers take."""
    return _tapped_bytes(options) / activation_bytes(options)


def _tapped_bytes(options: Options) -> int:
    return sum(4 * math.prod(geometry.map_shape(options, layer)) for layer in options.layers)


def windows_at_once(options: Options, precision: str, free_gpu_memory: int | None) -> int:
    """Return how many windows to compute at once.

    Parameters
    ----------
    options : Options
        If `batch_size` is given, it is returned. Otherwise `memory_limit` bounds the number.
    precision : str
        Of the convolutions.
    free_gpu_memory : int or None
        Bytes; None on a CPU.
    """
    if options.batch_size is not None:
        return options.batch_size
    on_gpu = free_gpu_memory is not None
    backbone = options.backbone
    fastest = backbone.FASTEST_BATCH_GPU if on_gpu else backbone.FASTEST_BATCH
    limit = options.memory_limit
    if limit is None:
        limit = min(GPU_LIMIT, free_gpu_memory) if free_gpu_memory is not None else CPU_LIMIT
    return max(1, min(fastest, limit // activation_bytes(options, precision)))
