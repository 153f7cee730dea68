"""What the axes of several pictures share: a colour map, times, colour bars, defaults.

The colour map is cividis. It goes from dark to bright, also for colour-blind readers and in grey.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOUR_MAP = "cividis"


def new_figure(size: tuple[float, float]) -> Figure:
    """Return a new figure of pyplot, with width and height in inches."""
    from matplotlib import pyplot

    return pyplot.figure(figsize=size, layout="constrained")


def current_axes(axes: Axes | None) -> Axes:
    """Return the given axes, or the current ones of pyplot."""
    if axes is None:
        from matplotlib import pyplot

        return pyplot.gca()
    return axes


def with_time(axes: Axes) -> Axes:
    """Label the horizontal axis as time, and return the axes."""
    axes.set_xlabel("time [s]")
    return axes


def colour_bar(axes: Axes, image: Any, label: str) -> None:
    """Draw the colour bar of an image beside the axes, as high as they are."""
    place = axes.inset_axes((1.012, 0.0, 0.015, 1.0))
    axes.figure.colorbar(image, cax=place)
    place.tick_params(labelsize=8)
    place.set_ylabel(label, fontsize=8)


def time_extent(timestamps: np.ndarray) -> tuple[float, float]:
    """Return the limits of an image with one column per timestamp, in seconds.

    Each column is centred at its timestamp and as wide as the hop, or one second if there is only
    one timestamp.
    """
    seconds = timestamps / 1000
    hop = seconds[1] - seconds[0] if len(seconds) > 1 else 1.0
    return float(seconds[0] - hop / 2), float(seconds[-1] + hop / 2)
