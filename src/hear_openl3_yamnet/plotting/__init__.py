"""Pictures of clips, embeddings and corpora, as functions that return matplotlib's axes.

>>> from hear_openl3_yamnet.plotting import plot_clip
>>> panels = plot_clip(audio, model)  # doctest: +SKIP
>>> panels["log-mel"].figure.savefig("clip.png")  # doctest: +SKIP

They need matplotlib: ``pip install "hear-openl3-yamnet[plot]"``.
"""

from ..errors import MissingExtraError

try:
    import matplotlib as _matplotlib  # noqa: F401
except ModuleNotFoundError as error:
    raise MissingExtraError(
        "pictures need matplotlib, which is not installed. "
        'Install it with: pip install "hear-openl3-yamnet[plot]"',
        name="matplotlib",
    ) from error

from .clip import plot_clip
from .comparison import plot_comparison
from .corpus_map import map_corpus, plot_map
from .page import build_page
from .panels import (
    plot_components,
    plot_embeddings,
    plot_log_mel,
    plot_similarity,
    plot_waveform,
)
from .sounds import embed_sounds, link_sounds
from .tags import plot_tags

__all__ = [
    "build_page",
    "embed_sounds",
    "link_sounds",
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
