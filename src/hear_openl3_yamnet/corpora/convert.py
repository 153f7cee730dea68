"""A corpus in other formats: HEAR's folders, TensorBoard's projector."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path, PurePosixPath
from typing import TextIO

import numpy as np

from ..errors import CorpusError, MachineError, OptionError, naming_what_cannot_be_written
from ..files import written_whole
from .reading import Corpus, vectors

_MOST_FAULTS = 20
_SHOWN = ("start", "size", "modified", "duration", "sample_rate", "channels", "peak")


def export_hear(corpus: Corpus, out: str | os.PathLike) -> int:
    """Write a NumPy file for each audio file, in the format of heareval's embeddings.

    ``ID.embedding.npy`` holds the scene embedding [shape=(size,)]. If the corpus has timestamps,
    it holds the timestamp embeddings [shape=(n_timestamps, size)], and ``ID.timestamps.json`` has
    the list of milliseconds. heareval also writes files for the splits and labels of a task
    (``SPLIT.embedding-dimensions.json`` and others), which a corpus does not have.

    Parameters
    ----------
    corpus : Corpus
    out
        Folder. It is made if it does not exist. Ids with slashes make subfolders.

    Returns
    -------
    int
        Number of files exported. Those that failed have no embedding.

    Raises
    ------
    CorpusError
        If some ids cannot be names of files: they lead to a place outside the folder, or are too
        long. The others are exported before.
    MachineError
        If nothing can be written there.
    """
    files = _timestamps(corpus) if corpus.has("timestamps") else _scenes(corpus)
    n_files = 0
    faults = []
    for id_, values, times in files:
        try:
            _write_hear(Path(out), id_, values, times)
        except MachineError:
            raise
        except Exception as error:
            faults.append(f"{id_}: {error}")
        else:
            n_files += 1
    if faults:
        more = f"\n… and {len(faults) - _MOST_FAULTS} more" if len(faults) > _MOST_FAULTS else ""
        raise CorpusError(
            f"{len(faults)} of {n_files + len(faults)} files are not exported. The others are in "
            f"{out}.\n" + "\n".join(faults[:_MOST_FAULTS]) + more
        )
    return n_files


def _write_hear(folder: Path, id_: str, values: np.ndarray, times: list[float] | None) -> None:
    place = _inside(folder, id_)
    with naming_what_cannot_be_written(place):
        place.parent.mkdir(parents=True, exist_ok=True)
        np.save(f"{place}.embedding.npy", values)
        if times is not None:
            Path(f"{place}.timestamps.json").write_text(json.dumps(times), encoding="utf-8")


def _scenes(corpus: Corpus) -> Iterator[tuple[str, np.ndarray, None]]:
    for batch in corpus.batches(["id", "scene"]):
        scenes = vectors(batch.column("scene"))
        for id_, scene in zip(batch.column("id").to_pylist(), scenes, strict=True):
            yield id_, scene, None


def _timestamps(corpus: Corpus) -> Iterator[tuple[str, np.ndarray, list[float]]]:
    """Yield the embeddings and timestamps of each file, its row parts joined."""
    rows = (
        (
            batch.column("id")[i].as_py(),
            vectors(batch.column("embeddings").slice(i, 1).flatten()),
            batch.column("timestamps")[i].as_py(),
        )
        for batch in corpus.batches(["id", "embeddings", "timestamps"], batch_size=16)
        for i in range(len(batch))
    )
    for id_, rows_of_file in itertools.groupby(rows, key=itemgetter(0)):
        _, values, times = zip(*rows_of_file, strict=True)
        yield id_, np.concatenate(values), list(itertools.chain.from_iterable(times))


def export_projector(corpus: Corpus, out: str | os.PathLike) -> int:
    """Write scenes for TensorBoard's embedding projector: ``vectors.tsv`` and ``metadata.tsv``.

    Parameters
    ----------
    corpus : Corpus
        With scene embeddings.
    out
        Folder. It is made if it does not exist.

    Returns
    -------
    int
        Number of files exported.

    Raises
    ------
    OptionError
        If the corpus holds no scene embeddings.
    HearError
        If the folder cannot be written to.
    """
    if not corpus.has("scene"):
        raise OptionError(f"{corpus.folder} holds no scene embeddings, which the projector needs.")
    with naming_what_cannot_be_written(Path(out)):
        return _write_projector(corpus, Path(out))


def _write_projector(corpus: Corpus, folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    n_files = 0
    with (
        written_whole(folder / "vectors.tsv") as vectors_path,
        written_whole(folder / "metadata.tsv") as metadata_path,
        vectors_path.open("w", encoding="utf-8") as values,
        metadata_path.open("w", encoding="utf-8") as metadata,
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
        raise OptionError(f"The id {id_!r} leads to a place outside the folder {folder}.")
    return folder / place
