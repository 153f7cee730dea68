"""Single pictures of a clip, each on axes of its own: time runs from left to right, in seconds.

Their colour map, cividis, goes from dark to bright for readers of any colour vision, and in grey.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from .components import colours, common_scale, principal_components
from .spectrogram import SeenLogMel, seen_log_mel

if TYPE_CHECKING:
    from ..model import HearModel

COLOUR_MAP = "cividis"
BLUE, VERMILION, INK, PALE = "#0072B2", "#D55E00", "#222222", "#E8E8E8"  # Okabe and Ito (2008)
MOST_MOMENTS = 1200
"""Rows of a similarity matrix; of a longer clip neighbouring moments are averaged."""

_MOST_PEAKS = 3000  # pairs of lowest and highest samples that a waveform is drawn with
_KILOHERTZ = (0.125, 0.25, 0.5, 1, 2, 4, 8, 16)
_LINES: tuple[dict[str, Any], ...] = (  # told apart by dash and width as well as colour
    {"color": INK, "linewidth": 1.8, "linestyle": "-"},
    {"color": BLUE, "linewidth": 1.3, "linestyle": "--"},
    {"color": VERMILION, "linewidth": 1.3, "linestyle": ":"},
)


def plot_waveform(audio: np.ndarray, sample_rate: int, axes: Axes | None = None) -> Axes:
    """Draw a waveform: between its lowest and its highest samples.

    Parameters
    ----------
    audio : np.ndarray [shape=(n_samples,)]
        Mono, in [-1, 1].
    sample_rate : int
        Hertz.
    axes : matplotlib.axes.Axes, optional
        To draw on; pyplot's current ones by default, as in all functions here.

    Returns
    -------
    matplotlib.axes.Axes
    """
    axes = current_axes(axes)
    edges = np.linspace(0, len(audio), min(len(audio), _MOST_PEAKS) + 1).astype(int)
    lowest = np.minimum.reduceat(audio, edges[:-1])
    highest = np.maximum.reduceat(audio, edges[:-1])
    # each reaches to its neighbours, or else single samples would leave gaps
    lowest[1:] = np.minimum(lowest[1:], highest[:-1])
    highest[1:] = np.maximum(highest[1:], lowest[:-1])
    times = edges[:-1] / sample_rate
    axes.fill_between(times, lowest, highest, color=INK, linewidth=0.6)
    axes.set_xlim(0, len(audio) / sample_rate)
    loudest = float(np.abs(audio).max()) or 1.0
    axes.set_ylim(-1.08 * loudest, 1.08 * loudest)
    axes.set_ylabel("amplitude")
    return _timed(axes)


def plot_log_mel(
    audio: np.ndarray,
    model: HearModel,
    hop_size: float | None = None,
    axes: Axes | None = None,
    *,
    network: int = 0,
) -> Axes:
    """Draw the log-mel that a network saw, each moment as in the window around it.

    Parameters
    ----------
    audio : np.ndarray [shape=(n_samples,), dtype=float32]
        At the model's rate.
    model : HearModel
    hop_size : float, optional
        Milliseconds between timestamps; the model's own by default.
    axes : matplotlib.axes.Axes, optional
    network : int
        Which one, of several side by side.

    Returns
    -------
    matplotlib.axes.Axes
        Blank where no window lies. The values are the network's input, with its own bands.
    """
    return draw_log_mel(seen_log_mel(audio, model, hop_size)[network], current_axes(axes))


def draw_log_mel(seen: SeenLogMel, axes: Axes, limits: tuple[float, float] | None = None) -> Axes:
    """Draw a log-mel that was computed before, between the levels of `limits`."""
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
    # low bands are narrow: of labels that would touch, the higher stays
    apart = np.append(np.diff(places) > 0.07 * n_bands, True)
    kept = [i for i in range(len(ticks)) if apart[i]]
    axes.set_yticks(places[kept], [f"{ticks[i]:g}" for i in kept])
    axes.set_ylabel("kHz")
    _colour_bar(axes, image, seen.unit)
    return _timed(axes)


def plot_embeddings(
    embeddings: np.ndarray, timestamps: np.ndarray, axes: Axes | None = None
) -> Axes:
    """Draw embeddings over time as a heat map, a row for each value.

    Parameters
    ----------
    embeddings : np.ndarray [shape=(n_timestamps, size)]
        Of one clip.
    timestamps : np.ndarray [shape=(n_timestamps,)]
        Milliseconds.
    axes : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        A value is shown as its distance from its mean over the clip, all on one scale that ends
        at the 1st and the 99th percentile.
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
    _colour_bar(axes, image, "value − its mean")
    return _timed(axes)


def plot_similarity(
    embeddings: np.ndarray,
    timestamps: np.ndarray,
    other: tuple[np.ndarray, np.ndarray] | None = None,
    axes: Axes | None = None,
) -> Axes:
    """Draw how alike the moments of a clip are, to each other or to those of another.

    Parameters
    ----------
    embeddings : np.ndarray [shape=(n_timestamps, size)]
    timestamps : np.ndarray [shape=(n_timestamps,)]
        Milliseconds.
    other : (np.ndarray, np.ndarray), optional
        Embeddings and timestamps of another clip, whose time is the horizontal axis.
    axes : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        Cosines, bright where alike: of a clip with itself from the lowest that there is up to 1,
        of two clips from the lowest to the highest, or else two that are little alike would be
        one dark plane. Both axes are times in seconds, on one scale.
    """
    axes = current_axes(axes)
    down, down_times = _thinned(embeddings, timestamps)
    across, across_times = _thinned(*other) if other else (down, down_times)
    cosines = _directions(down) @ _directions(across).T
    highest = float(cosines.max()) if other else 1.0
    image = axes.imshow(
        cosines,
        cmap=COLOUR_MAP,
        origin="upper",
        extent=(*time_extent(across_times), *time_extent(down_times)[::-1]),
        interpolation_stage="data",
        vmin=min(float(cosines.min()), highest - 0.001),  # less is rounding
        vmax=highest,
    )
    axes.set_xlim(left=0)
    axes.set_ylim(top=0)
    axes.set_ylabel("time [s]")
    axes.set_xlabel("time [s]")
    _colour_bar(axes, image, "cosine")
    return axes


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
        The strip on top has one colour a moment: the first component is its lightness, the second
        goes from blue to yellow, the third from green to red. Below, the same three as lines on
        one scale, with their shares of the variance. The scale ends at the 99th percentile of
        all distances from zero, and what lies beyond is drawn at its end: a click in a clip
        leaves the rest its colours.
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
    """Draw three components that were computed before, `scale` and all beyond at full height.

    By default it is the 99th percentile of the absolute coordinates, see `common_scale`.
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
    return _timed(axes)


def time_extent(timestamps: np.ndarray) -> tuple[float, float]:
    """Return from where to where moments reach that lie around their timestamps, in seconds."""
    seconds = timestamps / 1000
    hop = seconds[1] - seconds[0] if len(seconds) > 1 else 1.0
    return float(seconds[0] - hop / 2), float(seconds[-1] + hop / 2)


def _thinned(embeddings: np.ndarray, timestamps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average neighbours so that at most `MOST_MOMENTS` are left."""
    together = -(-len(embeddings) // MOST_MOMENTS)
    if together == 1:
        return embeddings, timestamps
    whole = len(embeddings) // together * together
    return (
        embeddings[:whole].reshape(-1, together, embeddings.shape[1]).mean(axis=1),
        timestamps[:whole].reshape(-1, together).mean(axis=1),
    )


def _directions(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


def plain_text(text: str) -> str:
    """Keep matplotlib from reading names as mathematics, or as labels to leave out."""
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def current_axes(axes: Axes | None) -> Axes:
    """Return the axes given, or else pyplot's current ones."""
    if axes is None:
        from matplotlib import pyplot

        return pyplot.gca()
    return axes


def _timed(axes: Axes) -> Axes:
    axes.set_xlabel("time [s]")
    return axes


def _colour_bar(axes: Axes, image: Any, label: str) -> None:
    """Draw a bar as high as the axes, beside them."""
    place = axes.inset_axes((1.012, 0.0, 0.015, 1.0))
    axes.figure.colorbar(image, cax=place)
    place.tick_params(labelsize=8)
    place.set_ylabel(label, fontsize=8)
