"""Kinds of sound events. Each call draws new parameters."""

from collections.abc import Callable

import numpy as np

from . import alarms, animals, impacts, machines, nature

__all__ = ["KINDS"]

Event = Callable[[float, int, np.random.Generator], np.ndarray]

KINDS: dict[str, Event] = {
    **machines.KINDS,
    **alarms.KINDS,
    **animals.KINDS,
    **nature.KINDS,
    **impacts.KINDS,
}
"""Functions ``(seconds, sample_rate, rng)`` → samples [shape=(n_samples,), dtype=float32].

The peak is 0.9. A sound may be shorter than `seconds`; the rest is then silent.
"""
