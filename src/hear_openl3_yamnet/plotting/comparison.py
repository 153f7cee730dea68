"""Two clips on one page, on common scales."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..audio.checks import checked_audio
from . import panels
from .axes import new_figure
from .components import common_scale, principal_components
from .similarity import plot_similarity
from .spectrogram import SeenLogMel, seen_log_mel
from .texts import describe, plain_text

if TYPE_CHECKING:
    from matplotlib.figure import SubFigure

    from ..model import HearModel

SIZE = (15.0, 9.6)  # inches


class _Clip(NamedTuple):
    name: str
    audio: np.ndarray
    seen: SeenLogMel
    embeddings: np.ndarray
    timestamps: np.ndarray


def plot_comparison(
    first: np.ndarray,
    second: np.ndarray,
    model: HearModel,
    hop_size: float | None = None,
    figure: Figure | SubFigure | None = None,
    *,
    names: tuple[str, str] = ("A", "B"),
) -> dict[str, Axes]:
    """Draw two clips one above the other, and how alike their moments are.

    Parameters
    ----------
    first, second : np.ndarray [shape=(n_samples,)]
        Mono, at ``model.sample_rate``, in [-1, 1]. The lengths may differ.
    model : HearModel
    hop_size : float, optional
        Milliseconds between timestamps. Default: ``model.hop_size``.
    figure : matplotlib.figure.Figure, optional
        The figure to draw on. Default: a new one of pyplot.
    names : (str, str)
        Names of the clips.

    Returns
    -------
    dict of matplotlib.axes.Axes
        ``waveform 1``, ``log-mel 1`` and ``components 1`` of the first clip, the same with 2 of
        the second clip, and ``similarity``. The time axis, the colours of the levels, the
        principal components and their scale are common to both clips. If the model has several
        networks, the log-mel is that of the first one.

    Raises
    ------
    AudioError, AudioTypeError, OptionError
        As `get_timestamp_embeddings`.
    """
    names = (plain_text(names[0]), plain_text(names[1]))
    clips = [
        _listen(name, audio, model, hop_size)
        for name, audio in zip(names, (first, second), strict=True)
    ]
    drawn = _lay_out(figure or new_figure(SIZE))
    lengths = [len(clip.audio) for clip in clips]
    together = np.concatenate([clip.embeddings for clip in clips])
    coordinates, shares = principal_components(together, 3)
    scale = common_scale(coordinates)
    levels = np.concatenate([clip.seen.levels.ravel() for clip in clips])
    limits = (float(np.nanmin(levels)), float(np.nanmax(levels)))
    of_clips = np.split(coordinates, [len(clips[0].embeddings)])
    for number, (clip, own) in enumerate(zip(clips, of_clips, strict=True), start=1):
        waveform, log_mel, components = (
            drawn[f"{panel} {number}"] for panel in ("waveform", "log-mel", "components")
        )
        panels.plot_waveform(clip.audio, model.sample_rate, waveform)
        panels.draw_log_mel(clip.seen, log_mel, limits)
        panels.draw_components(own, shares, clip.timestamps, components, scale)
        waveform.set_title(f"{'AB'[number - 1]}: {clip.name}", loc="left", fontsize=10)
        for axes in (waveform, log_mel):
            axes.set_xlabel("")
            axes.tick_params(labelbottom=False)
        for axes in (waveform, log_mel, components):  # the panels are low: small letters
            axes.yaxis.label.set_fontsize(8)
            axes.tick_params(labelsize=8)
    drawn["waveform 1"].set_xlim(0, max(lengths) / model.sample_rate)  # all six panels share it
    loudest = max(float(np.abs(clip.audio).max()) for clip in clips) or 1.0
    drawn["waveform 1"].set_ylim(-1.08 * loudest, 1.08 * loudest)
    drawn["waveform 2"].set_ylim(-1.08 * loudest, 1.08 * loudest)
    _draw_similarity(drawn["similarity"], clips, model)
    heading = f"{names[0]} and {names[1]}: {describe(model.name, model.weights_id)}"
    drawn["waveform 1"].figure.suptitle(heading, x=0.01, ha="left", fontsize=12)
    return drawn


def _listen(name: str, audio: np.ndarray, model: HearModel, hop_size: float | None) -> _Clip:
    checked = checked_audio(np.asarray(audio)[None])
    embeddings, timestamps = model.timestamp_embeddings(checked, hop_size)
    seen = seen_log_mel(checked[0], model, hop_size)[0]
    return _Clip(name, checked[0], seen, embeddings[0], timestamps)


def _lay_out(figure: Figure | SubFigure) -> dict[str, Axes]:
    """Arrange the panels of both clips in a column, and the similarity beside them."""
    grid = figure.add_gridspec(2, 2, width_ratios=[1.25, 1])
    drawn: dict[str, Axes] = {}
    for number in (1, 2):
        # a grid for each clip keeps its panels close together
        own = grid[number - 1, 0].subgridspec(3, 1, height_ratios=[0.7, 1.6, 1.1], hspace=0.02)
        for row, panel in enumerate(("waveform", "log-mel", "components")):
            first = drawn.get("waveform 1")
            drawn[f"{panel} {number}"] = figure.add_subplot(own[row], sharex=first)
    drawn["similarity"] = figure.add_subplot(grid[:, 1])
    return drawn


def _draw_similarity(axes: Axes, clips: list[_Clip], model: HearModel) -> None:
    first, second = clips
    plot_similarity(
        first.embeddings, first.timestamps, (second.embeddings, second.timestamps), axes
    )
    axes.set_ylabel(f"A: {first.name}, time [s]")
    axes.set_xlabel(f"B: {second.name}, time [s]")
    scenes = model.scene_embeddings([clip.audio for clip in clips])
    lengths = np.linalg.norm(scenes, axis=1)
    cosine = float(scenes[0] @ scenes[1] / max(lengths[0] * lengths[1], 1e-30))
    axes.set_title(
        f"Moments of A with moments of B. Cosine of the two scenes: {cosine:.3f}",
        loc="left",
        fontsize=10,
    )
