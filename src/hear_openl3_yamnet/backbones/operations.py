"""How many floating-point operations a network needs for a window."""

from __future__ import annotations

import math
from collections.abc import Collection

from . import Backbone


def count(backbone: Backbone, layers: Collection[str], bands: int, frames: int) -> int:
    """Count the operations of convolutions for one window by itself.

    A multiplication with its addition is two operations. All other operations are below 2 %.

    Parameters
    ----------
    backbone : Backbone
        A kernel's name begins with the name of its layer, up to the first ``_`` or ``/``.
    layers : collection of str
        The layers that are tapped. Later ones are not computed.
    bands, frames : int
        Shape of the log-mel window.
    """
    deepest = max(backbone.LAYERS.index(layer) for layer in layers)
    total = 0
    for name, shape in backbone.WEIGHT_SHAPES.items():
        layer = name.split("/")[0].split("_")[0]
        computed = layer in backbone.LAYERS[: deepest + 1]
        if computed and name.endswith("/kernel") and len(shape) == 4:
            rows, columns, _ = backbone.map_shape(layer, bands, frames)
            total += 2 * rows * columns * math.prod(shape)
    return total
