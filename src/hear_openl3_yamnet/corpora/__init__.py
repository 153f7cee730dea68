"""Corpora: from one audio file to millions, as Parquet shards that resume and lose nothing.

>>> from hear_openl3_yamnet.corpora import embed_corpus, load_corpus
>>> summary = embed_corpus("recordings", "embeddings", "yamnet")  # doctest: +SKIP
>>> load_corpus("embeddings").scene.shape  # doctest: +SKIP
(1000, 1024)

Needs the extra: ``pip install "hear-openl3-yamnet[corpora]"``.
"""

try:
    import pyarrow as _pyarrow  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "corpora need pyarrow, which is not installed. "
        'Install it with: pip install "hear-openl3-yamnet[corpora]"',
        name="pyarrow",
    ) from error

from .convert import export_hear, export_projector
from .reading import Corpus, load_corpus
from .runner import embed_corpus

__all__ = ["Corpus", "embed_corpus", "export_hear", "export_projector", "load_corpus"]
