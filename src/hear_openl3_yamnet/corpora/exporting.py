"""A corpus in the forms of others: HEAR's folders, TensorBoard's projector."""

from __future__ import annotations

import json
import os
from pathlib import Path, PurePosixPath
from typing import TextIO

import numpy as np

from ..errors import OptionError
from .reading import Corpus, vectors

_OWN = {"scene", "timestamps", "embeddings", "status", "error"}


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
    timestamps = corpus.has("timestamps")
    column = "embeddings" if timestamps else "scene"
    columns = ["id", column] + ["timestamps"] * timestamps
    n_files = 0
    for batch in corpus.batches(columns, batch_size=16):
        for i, id_ in enumerate(batch.column("id").to_pylist()):
            place = _inside(Path(out), id_)
            place.parent.mkdir(parents=True, exist_ok=True)
            rows = batch.column(column).slice(i, 1)
            values = vectors(rows.flatten()) if timestamps else vectors(rows)[0]
            np.save(f"{place}.embedding.npy", values)
            if timestamps:
                times = batch.column("timestamps")[i].as_py()
                Path(f"{place}.timestamps.json").write_text(json.dumps(times), encoding="utf-8")
            n_files += 1
    return n_files


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
        names: list[str] | None = None
        for batch in corpus.batches():
            if names is None:
                names = [name for name in batch.schema.names if name not in _OWN]
                _write_line(metadata, names)
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
