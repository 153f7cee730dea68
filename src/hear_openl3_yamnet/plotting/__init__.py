"""Pictures of clips, embeddings and corpora, as functions that return matplotlib's axes.

>>> from hear_openl3_yamnet.plotting import plot_clip
>>> panels = plot_clip(audio, model)  # doctest: +SKIP
>>> panels["log-mel"].figure.savefig("clip.png")  # doctest: +SKIP

This package needs matplotlib: ``pip install "hear-openl3-yamnet[plot]"``.
"""
# ruff: noqa: E402 (the extra comes before the modules that import it)

from ..errors import require

require("matplotlib", extra="plot")

from .clip import plot_clip
from .comparison import plot_comparison
from .map_picture import plot_map
from .panels import plot_components, plot_embeddings, plot_log_mel, plot_waveform
from .scene_map import map_corpus
from .similarity import plot_similarity
from .tags import plot_tags

__all__ = [
    "map_corpus",
    "plot_clip",
    "plot_comparison",
    "plot_components",
    "plot_embeddings",
    "plot_log_mel",
    "plot_map",
    "plot_similarity",
    "plot_tags",
    "plot_waveform",
]
