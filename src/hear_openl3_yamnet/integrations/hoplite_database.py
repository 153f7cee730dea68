"""A corpus as a database of hoplite (perch-hoplite), to search and to label it there.

This module needs perch-hoplite: ``pip install "hear-openl3-yamnet[hoplite]"``.
"""
# ruff: noqa: E402 (the extra comes before the modules that import it)

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import OptionError, require

require("perch_hoplite", extra="hoplite")

from perch_hoplite.agile.source_info import AudioSourceConfig, AudioSources
from perch_hoplite.db.db_loader import create_new_usearch_db

from ..corpora.reading import Corpus, vectors
from ..files import written_whole
from ..loading import configure_networks
from ..pooling.scenes import normalized
from .hoplite import configuration_of, longest_window_s


def export_hoplite(corpus: Corpus, out: str | os.PathLike) -> int:
    """Write a corpus as a database of hoplite.

    A file is a recording. Its name is its path below the folder that all files are in. A window
    is the file, or its excerpt, with its scene embedding. If the corpus has timestamps, each
    timestamp is a window instead, with its embedding. The labels of the manifest are left out.

    Parameters
    ----------
    corpus : Corpus
    out
        Folder. It must be absent or empty.

    Returns
    -------
    int
        Number of windows. Files that failed have none.

    Raises
    ------
    OptionError
        If the corpus holds no embedded file, or if `out` is not empty.
    OSError
        If the folder cannot be written to, or the disk is full.
    """
    folder, description = Path(out), corpus.configuration
    if folder.exists() and any(folder.iterdir()):
        raise OptionError(f"{folder} is not empty. Choose another folder.")
    root = _common_folder(corpus)
    by_time = corpus.has("timestamps")
    size = description["timestamp_size" if by_time else "scene_size"]
    hop_s = description["hop_ms" if by_time else "scene_hop_ms"] / 1000
    name = corpus.folder.resolve().name
    with written_whole(folder) as partial:
        database = create_new_usearch_db(str(partial), size)
        with closing(database.db):
            source = AudioSourceConfig(name, str(root), "**/*")
            database.insert_metadata("audio_sources", AudioSources((source,)).to_config_dict())
            model = configuration_of(description, size, hop_s)
            database.insert_metadata("model_config", model.to_config_dict())
            recordings = _Recordings(database, name)
            for path, offsets, embeddings in (_timestamps if by_time else _scenes)(corpus):
                recording = recordings[os.path.relpath(path, root)]
                windows = [{"recording_id": recording, "offsets": list(one)} for one in offsets]
                unit = normalized(embeddings.astype(np.float32))
                database.insert_windows_batch(windows, unit, handle_duplicates="allow")
            n_windows = database.count_embeddings()
            database.commit()
    return n_windows


class _Recordings(dict[str, int]):
    """The numbers of recordings by their names; they are inserted when they are asked for."""

    def __init__(self, database: Any, project: str):
        self._database, self._project = database, project
        self._deployments: dict[str, int] = {}

    def __missing__(self, path: str) -> int:
        """As hoplite does, the first folder of a path is its deployment."""
        filename = Path(path).as_posix()
        name = filename.split("/")[0] if "/" in filename else self._project
        if name not in self._deployments:
            inserted = self._database.insert_deployment(name=name, project=self._project)
            self._deployments[name] = inserted
        deployment = self._deployments[name]
        self[path] = self._database.insert_recording(filename, deployment_id=deployment)
        return self[path]


def _scenes(corpus: Corpus) -> Iterator[tuple[str, list[tuple[float, float]], np.ndarray]]:
    """Yield the path of each file, its only window in seconds, and its embedding."""
    for batch in corpus.batches(["path", "start", "duration", "scene"]):
        scenes = vectors(batch.column("scene"))
        places = batch.select(["path", "start", "duration"]).to_pylist()
        for place, scene in zip(places, scenes, strict=True):
            start = place["start"] or 0.0
            yield place["path"], [(start, start + place["duration"])], scene[None]


def _timestamps(corpus: Corpus) -> Iterator[tuple[str, list[tuple[float, float]], np.ndarray]]:
    """Yield the path of each row, its windows in seconds, and their embeddings."""
    config = dict(corpus.configuration["config"])
    each = configure_networks(config.pop("model"), config)
    is_frame = any(options.time == "frame" for options in each)
    width_s = corpus.configuration["hop_ms"] / 1000 if is_frame else longest_window_s(each)
    for batch in corpus.batches(["path", "start", "timestamps", "embeddings"], batch_size=16):
        for i, place in enumerate(batch.select(["path", "start", "timestamps"]).to_pylist()):
            start = place["start"] or 0.0
            times = [start + time / 1000 for time in place["timestamps"]]
            offsets = [(max(start, t - width_s / 2), t + width_s / 2) for t in times]
            yield place["path"], offsets, vectors(batch.column("embeddings").slice(i, 1).flatten())


def _common_folder(corpus: Corpus) -> Path:
    """Return the folder that all embedded files are in."""
    root: str | None = None
    for batch in corpus.batches(["path"]):
        folders = {os.path.dirname(os.path.abspath(p)) for p in batch.column("path").to_pylist()}
        root = os.path.commonpath([*folders, *([root] if root else [])])
    if root is None:
        raise OptionError(f"{corpus.folder} holds no embedded file.")
    return Path(root)
