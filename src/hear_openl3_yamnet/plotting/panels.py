"""Single pictures of a clip over time, in seconds from left to right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from .axes import COLOUR_MAP, colour_bar, current_axes, time_extent, with_time
from .components import colours, common_scale, principal_components
from .spectrogram import SeenLogMel, seen_log_mel

if TYPE_CHECKING:
    from ..model import HearModel

BLUE, VERMILION, INK, PALE = "#0072B2", "#D55E00", "#222222", "#E8E8E8"  # Okabe and Ito (2008)
_MOST_PEAKS = 3000  # pairs of lowest and highest samples in the picture of a waveform
_KILOHERTZ = (0.125, 0.25, 0.5, 1, 2, 4, 8, 16)
_LINES: tuple[dict[str, Any], ...] = (  # they differ by dash and width as well as by colour
    {"color": INK, "linewidth": 1.8, "linestyle": "-"},
    {"color": BLUE, "linewidth": 1.3, "linestyle": "--"},
    {"color": VERMILION, "linewidth": 1.3, "linestyle": ":"},
)


def plot_waveform(audio: np.ndarray, sample_rate: int, axes: Axes | None = None) -> Axes:
    """Draw a waveform as the area between its lowest and its highest samples.

    Parameters
    ----------
    audio : np.ndarray [shape=(n_samples,)]
        Mono, in [-1, 1].
    sample_rate : int
        Hertz.
    axes : matplotlib.axes.Axes, optional
        The axes to draw on. Default: the current ones of pyplot, as in all functions here.

    Returns
    -------
    matplotlib.axes.Axes
    """
    axes = current_axes(axes)
    edges = np.linspace(0, len(audio), min(len(audio), _MOST_PEAKS) + 1).astype(int)
    lowest = np.minimum.reduceat(audio, edges[:-1])
    highest = np.maximum.reduceat(audio, edges[:-1])
    # each pair reaches to its neighbours, because single samples would leave gaps
    lowest[1:] = np.minimum(lowest[1:], highest[:-1])
    highest[1:] = np.maximum(highest[1:], lowest[:-1])
    times = edges[:-1] / sample_rate
    axes.fill_between(times, lowest, highest, color=INK, linewidth=0.6)
    axes.set_xlim(0, len(audio) / sample_rate)
    loudest = float(np.abs(audio).max()) or 1.0
    axes.set_ylim(-1.08 * loudest, 1.08 * loudest)
    axes.set_ylabel("amplitude")
    return with_time(axes)


def plot_log_mel(
    audio: np.ndarray,
    model: HearModel,
    hop_size: float | None = None,
    axes: Axes | None = None,
    *,
    network: int = 0,
) -> Axes:
    """Draw the log-mel that a network saw, each moment from the window around it.

    Parameters
    ----------
    audio : np.ndarray [shape=(n_samples,), dtype=float32]
        At ``model.sample_rate``.
    model : HearModel
    hop_size : float, optional
        Milliseconds between timestamps. Default: ``model.hop_size``.
    axes : matplotlib.axes.Axes, optional
    network : int
        Index of the network in a model of several.

    Returns
    -------
    matplotlib.axes.Axes
        The values and bands are those of the input of the network. Times without a window are
        blank.
    """
    return draw_log_mel(seen_log_mel(audio, model, hop_size)[network], current_axes(axes))


def draw_log_mel(seen: SeenLogMel, axes: Axes, limits: tuple[float, float] | None = None) -> Axes:
    """Draw a log-mel from `seen_log_mel`, with colours from `limits` [0] to `limits` [1]."""
    n_bands = len(seen.frequencies)
    image = axes.imshow(
        np.ma.masked_invalid(seen.levels.T),
        cmap=COLOUR_MAP,
        aspect="auto",
        origin="lower",
        extent=(0, seen.duration, -0.5, n_bands - 0.5),
        interpolation_stage="data",
    )
    if limits:
        image.set_clim(limits)
    ticks = [kilohertz for kilohertz in _KILOHERTZ if 1000 * kilohertz <= seen.frequencies[-1]]
    places = np.interp(1000 * np.array(ticks), seen.frequencies, np.arange(n_bands))
    # low bands are narrow: if labels would touch, the higher one is kept
    apart = np.append(np.diff(places) > 0.07 * n_bands, True)
    kept = [i for i in range(len(ticks)) if apart[i]]
    axes.set_yticks(places[kept], [f"{ticks[i]:g}" for i in kept])
    axes.set_ylabel("kHz")
    colour_bar(axes, image, seen.unit)
    return with_time(axes)


def plot_embeddings(
    embeddings: np.ndarray, timestamps: np.ndarray, axes: Axes | None = None
) -> Axes:
    """Draw embeddings over time as a heat map with one row for each value.

    Parameters
    ----------
    embeddings : np.ndarray [shape=(n_timestamps, size)]
        The embeddings of one clip.
    timestamps : np.ndarray [shape=(n_timestamps,)]
        Milliseconds.
    axes : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        The colours show each value minus its mean over the clip. They go from the 1st to the 99th
        percentile of all these differences.
    """
    axes = current_axes(axes)
    deviations = embeddings - embeddings.mean(axis=0)
    image = axes.imshow(
        deviations.T,
        cmap=COLOUR_MAP,
        aspect="auto",
        origin="lower",
        extent=(*time_extent(timestamps), -0.5, embeddings.shape[1] - 0.5),
        interpolation_stage="data",
    )
    image.set_clim(*np.percentile(deviations, [1, 99]))
    axes.set_xlim(0, image.get_extent()[1])
    axes.set_ylabel("value of the embedding")
    colour_bar(axes, image, "value − its mean")
    return with_time(axes)


def plot_components(
    embeddings: np.ndarray, timestamps: np.ndarray, axes: Axes | None = None
) -> Axes:
    """Draw the first three principal components over time, as colours and as lines.

    Parameters
    ----------
    embeddings : np.ndarray [shape=(n_timestamps, size)]
    timestamps : np.ndarray [shape=(n_timestamps,)]
        Milliseconds.
    axes : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        The strip on top has one colour per moment: the first component is its lightness, the
        second goes from blue to yellow, the third from green to red. Below are the same three
        components as lines on one scale, with their shares of the variance. The scale ends at the
        99th percentile of all absolute values. Larger values are drawn at its end, so that a click
        does not make the rest pale.
    """
    coordinates, shares = principal_components(embeddings, 3)
    return draw_components(coordinates, shares, timestamps, current_axes(axes))


def draw_components(
    coordinates: np.ndarray,
    shares: np.ndarray,
    timestamps: np.ndarray,
    axes: Axes,
    scale: float | None = None,
) -> Axes:
    """Draw three components from `principal_components`.

    Values of at least `scale` have the full height. Default: `common_scale` of the coordinates.
    """
    extent = time_extent(timestamps)
    shown = np.clip(coordinates / (scale or common_scale(coordinates)), -1, 1)
    strip = colours(shown)[None]
    axes.imshow(strip, aspect="auto", extent=(*extent, 1.15, 2.4))
    for number, style in enumerate(_LINES):
        label = f"{number + 1}: {100 * shares[number]:.0f} %"
        axes.plot(timestamps / 1000, shown[:, number], label=label, **style)
    axes.set_xlim(0, extent[1])
    axes.set_ylim(-1.1, 2.4)
    axes.set_yticks([])
    axes.set_ylabel("components", fontsize=9)
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(1, 0),
        frameon=False,
        fontsize=8,
        borderpad=0,
        labelspacing=0.2,
    )
    return with_time(axes)
