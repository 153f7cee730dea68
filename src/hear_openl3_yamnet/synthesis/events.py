"""Events of the world, each with parameters that are drawn anew every time."""

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
"""Each: ``(seconds, sample_rate, rng)`` → samples [shape=(n_samples,), dtype=float32].

Peaks are 0.9. A kind's sound may last less than `seconds`; the rest is then silent.
"""
