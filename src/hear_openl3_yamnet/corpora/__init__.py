"""Corpora: embeddings of one to millions of audio files, in Parquet shards.

A run that ended for any reason continues when it is started again. Every file has its row.

>>> from hear_openl3_yamnet.corpora import embed_corpus, load_corpus
>>> summary = embed_corpus("recordings", "embeddings", "yamnet")  # doctest: +SKIP
>>> load_corpus("embeddings").scene.shape  # doctest: +SKIP
(1000, 1024)

This package needs an extra: ``pip install "hear-openl3-yamnet[corpora]"``.
"""

from ..errors import require

require("pyarrow", extra="corpora")

from .convert import export_hear, export_projector  # noqa: E402
from .reading import Corpus, load_corpus  # noqa: E402
from .runner import embed_corpus  # noqa: E402

__all__ = ["Corpus", "embed_corpus", "export_hear", "export_projector", "load_corpus"]
