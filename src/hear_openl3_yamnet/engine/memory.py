"""How many windows fit: a model of a network's activations.

While a convolution runs, its input and its output are in memory. The largest such pair of a
network is what one more window costs; the head and the front end stay far below it.
"""

from __future__ import annotations

import math
from itertools import pairwise

from ..config.options import Config

CPU_LIMIT = 2 * 2**30
"""Bytes of activations, by default: little beside what a laptop has."""

GPU_LIMIT = 12 * 2**30
"""The same on a GPU, or what is free on it if that is less."""

FASTEST_BATCH = {"openl3": 16, "yamnet": 256}
"""Windows in a batch that keep a CPU busy; more only take memory (measured on two cores)."""

FASTEST_BATCH_GPU = {"openl3": 256, "yamnet": 1024}
"""The same for a GPU; within its memory, and not measured on one yet."""

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


def activation_bytes(config: Config, precision: str = "float32") -> int:
    """Return the bytes of activations that one window takes at the most.

    Parameters
    ----------
    config : Config
    precision : str
        Of the convolutions: ``float32``, ``bfloat16`` or ``float16``.
    """
    values = [math.prod(config.map_shape(layer)) for layer in config.preset.network.backbone.LAYERS]
    largest = max(before + after for before, after in pairwise(values))
    log_mel = 3 * 4 * values[0]  # gathered, in decibels, transposed
    return BYTES[precision] * largest + log_mel + _tapped_bytes(config)


def tapped_share(config: Config) -> float:
    """Return the part of `activation_bytes` that the tapped layers' maps take."""
    return _tapped_bytes(config) / activation_bytes(config)


def _tapped_bytes(config: Config) -> int:
    return sum(4 * math.prod(config.map_shape(layer)) for layer in config.layers)


def windows_at_once(config: Config, precision: str, free_gpu_memory: int | None) -> int:
    """Return how many windows to compute at once.

    Parameters
    ----------
    config : Config
        Its `batch_size`, where given, is the answer; its `memory_limit` bounds it otherwise.
    precision : str
        Of the convolutions.
    free_gpu_memory : int or None
        Bytes; None on a CPU.
    """
    if config.batch_size is not None:
        return config.batch_size
    on_gpu = free_gpu_memory is not None
    fastest = (FASTEST_BATCH_GPU if on_gpu else FASTEST_BATCH)[config.preset.network.name]
    limit = config.memory_limit
    if limit is None:
        limit = min(GPU_LIMIT, free_gpu_memory) if free_gpu_memory is not None else CPU_LIMIT
    return max(1, min(fastest, limit // activation_bytes(config, precision)))
