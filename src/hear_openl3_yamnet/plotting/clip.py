"""One clip on one page: waveform, input of the network, embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..audio.checks import checked_audio
from . import panels
from .axes import new_figure
from .similarity import plot_similarity
from .spectrogram import seen_log_mel
from .texts import describe, plain_text

if TYPE_CHECKING:
    from matplotlib.figure import SubFigure

    from ..model import HearModel

SIZE = (14.0, 8.4)  # inches


def plot_clip(
    audio: np.ndarray,
    model: HearModel,
    hop_size: float | None = None,
    figure: Figure | SubFigure | None = None,
    *,
    title: str = "",
) -> dict[str, Axes]:
    """Draw a clip: waveform, log-mel, embeddings, principal components and self-similarity.

    Parameters
    ----------
    audio : np.ndarray [shape=(n_samples,)]
        Mono, at ``model.sample_rate``, in [-1, 1].
    model : HearModel
    hop_size : float, optional
        Milliseconds between timestamps. Default: ``model.hop_size``.
    figure : matplotlib.figure.Figure, optional
        The figure to draw on. Default: a new one of pyplot.
    title : str
        Title of the picture.

    Returns
    -------
    dict of matplotlib.axes.Axes
        ``waveform``, ``log-mel``, ``embeddings``, ``components`` and ``similarity``. A model of
        several networks has ``log-mel 2`` and so on for the others.

    Raises
    ------
    AudioError, AudioTypeError, OptionError
        As `get_timestamp_embeddings`.
    """
    audio = checked_audio(np.asarray(audio)[None])[0]
    embeddings, timestamps = model.timestamp_embeddings(audio[None], hop_size)
    seen = seen_log_mel(audio, model, hop_size)
    log_mels = ["log-mel", *(f"log-mel {number}" for number in range(2, len(seen) + 1))]
    names = ["waveform", *log_mels, "embeddings", "components"]
    drawn = _lay_out(figure or new_figure(SIZE), names)
    panels.plot_waveform(audio, model.sample_rate, drawn["waveform"])
    for name, log_mel in zip(log_mels, seen, strict=True):
        panels.draw_log_mel(log_mel, drawn[name])
    panels.plot_embeddings(embeddings[0], timestamps, drawn["embeddings"])
    panels.plot_components(embeddings[0], timestamps, drawn["components"])
    plot_similarity(embeddings[0], timestamps, axes=drawn["similarity"])
    drawn["waveform"].set_xlim(
        0, len(audio) / model.sample_rate
    )  # all panels of the column share it
    for name in names[:-1]:
        drawn[name].set_xlabel("")
        drawn[name].tick_params(labelbottom=False)
    _write_titles(drawn, log_mels, [log_mel.name for log_mel in seen])
    model_line = describe(model.name, model.weights_id)
    heading = f"{plain_text(title)}: {model_line}" if title else model_line
    drawn["waveform"].figure.suptitle(heading, x=0.01, ha="left", fontsize=12)
    return drawn


def _lay_out(figure: Figure | SubFigure, names: list[str]) -> dict[str, Axes]:
    """Arrange panels in a column with one time axis, and the similarity beside them."""
    heights = [0.8 if name == "waveform" else 1.7 if "log" in name else 1.3 for name in names]
    grid = figure.add_gridspec(len(names), 2, height_ratios=heights, width_ratios=[1.35, 1])
    drawn: dict[str, Axes] = {}
    for row, name in enumerate(names):
        drawn[name] = figure.add_subplot(grid[row, 0], sharex=drawn.get("waveform"))
    drawn["similarity"] = figure.add_subplot(grid[:, 1])
    return drawn


def _write_titles(drawn: dict[str, Axes], log_mels: list[str], networks: list[str]) -> None:
    titles = {
        "waveform": "Waveform",
        "embeddings": "Embeddings",
        "components": "First three principal components, with their shares of the variance",
        "similarity": "Self-similarity",
    }
    for name, network in zip(log_mels, networks, strict=True):
        of = f" ({network})" if len(networks) > 1 else ""
        titles[name] = f"Log-mel, as the network saw it{of}"
    for name, text in titles.items():
        drawn[name].set_title(text, loc="left", fontsize=10)
