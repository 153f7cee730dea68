"""A corpus in the forms of others: HEAR's folders, TensorBoard's projector."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path, PurePosixPath
from typing import TextIO

import numpy as np

from ..errors import OptionError
from .reading import Corpus, vectors

_SHOWN = ("start", "size", "modified", "duration", "sample_rate", "channels", "peak")


def export_hear(corpus: Corpus, out: str | os.PathLike) -> int:
    """Write a file of NumPy an audio file, as heareval lays out what it computes.

    ``ID.embedding.npy`` holds the scene embedding [shape=(size,)], or where the corpus has
    timestamps the embeddings [shape=(n_timestamps, size)], with ``ID.timestamps.json`` beside it,
    a list of milliseconds. ``embedding-dimensions.json`` in the folder holds their number of
    dimensions' sizes.

    Parameters
    ----------
    corpus : Corpus
    out
        Folder, made if need be; ids with slashes go to subfolders.

    Returns
    -------
    int
        Files exported. Those that failed have no embedding.

    Raises
    ------
    OptionError
        If an id leads out of the folder.
    """
    files = _timestamps(corpus) if corpus.has("timestamps") else _scenes(corpus)
    n_files = 0
    for id_, values, times in files:
        place = _inside(Path(out), id_)
        place.parent.mkdir(parents=True, exist_ok=True)
        np.save(f"{place}.embedding.npy", values)
        if times is not None:
            Path(f"{place}.timestamps.json").write_text(json.dumps(times), encoding="utf-8")
        n_files += 1
    return n_files


def _scenes(corpus: Corpus) -> Iterator[tuple[str, np.ndarray, None]]:
    for batch in corpus.batches(["id", "scene"]):
        scenes = vectors(batch.column("scene"))
        for id_, scene in zip(batch.column("id").to_pylist(), scenes, strict=True):
            yield id_, scene, None


def _timestamps(corpus: Corpus) -> Iterator[tuple[str, np.ndarray, list[float]]]:
    """Yield each file's embeddings and timestamps, its parts together."""
    rows = (
        (
            batch.column("id")[i].as_py(),
            vectors(batch.column("embeddings").slice(i, 1).flatten()),
            batch.column("timestamps")[i].as_py(),
        )
        for batch in corpus.batches(["id", "embeddings", "timestamps"], batch_size=16)
        for i in range(len(batch))
    )
    for id_, parts in itertools.groupby(rows, key=itemgetter(0)):
        _, values, times = zip(*parts, strict=True)
        yield id_, np.concatenate(values), list(itertools.chain.from_iterable(times))


def export_projector(corpus: Corpus, out: str | os.PathLike) -> int:
    """Write scenes for TensorBoard's embedding projector: ``vectors.tsv`` and ``metadata.tsv``.

    Parameters
    ----------
    corpus : Corpus
        With scenes.
    out
        Folder, made if need be.

    Returns
    -------
    int
        Files exported.

    Raises
    ------
    OptionError
        If the corpus holds no scenes.
    """
    if not corpus.has("scene"):
        raise OptionError(f"{corpus.folder} holds no scenes, which the projector shows.")
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    n_files = 0
    with (
        (folder / "vectors.tsv").open("w", encoding="utf-8") as values,
        (folder / "metadata.tsv").open("w", encoding="utf-8") as metadata,
    ):
        names = ["id", "path", *_SHOWN, *corpus.configuration["labels"]]
        _write_line(metadata, names)
        for batch in corpus.batches(["scene", *names]):
            for vector in vectors(batch.column("scene")):
                _write_line(values, [f"{value:.7g}" for value in vector])
            for row in batch.select(names).to_pylist():
                _write_line(metadata, [row[name] for name in names])
            n_files += len(batch)
    return n_files


def _write_line(file: TextIO, cells: list) -> None:
    plain = ("" if cell is None else str(cell) for cell in cells)
    file.write("\t".join(" ".join(cell.split()) for cell in plain) + "\n")


def _inside(folder: Path, id_: str) -> Path:
    place = PurePosixPath(id_)
    if place.is_absolute() or ".." in place.parts:
        raise OptionError(f"The id {id_!r} leads out of the folder {folder}.")
    return folder / place
