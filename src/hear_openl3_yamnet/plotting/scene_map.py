"""The scenes of a corpus as points on planes."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import OptionError
from .components import principal_components
from .texts import describe

if TYPE_CHECKING:
    from ..corpora import Corpus

_FEWEST_FOR_UMAP = 5  # fewer points have no neighbourhoods to keep
_SEED = 1


@dataclass(frozen=True)
class Projection:
    """Points on a plane.

    Attributes
    ----------
    points : np.ndarray [shape=(n, 2), dtype=float64]
    axes : (str, str)
        Names of the axes.
    """

    points: np.ndarray
    axes: tuple[str, str]


@dataclass(frozen=True)
class SceneMap:
    """The scenes of a corpus on planes, and facts about their files.

    All sequences have one item per point.

    Attributes
    ----------
    projections : dict of Projection
        ``PCA``, and ``UMAP`` if umap-learn is installed.
    ids : list of str
    label : str
        The column that colours the points, or "folder". "" if no labels and no folders differ.
    labels : list
        The values of that column.
    paths : list of str
    starts, durations : list of float or None
        The excerpt of the file that the scene is of, in seconds.
    source : str
        Model, weights and number of scenes.
    """

    projections: dict[str, Projection]
    ids: list[str]
    label: str
    labels: list[Any]
    paths: list[str]
    starts: list[float | None]
    durations: list[float | None]
    source: str


def map_corpus(corpus: Corpus, label: str | None = None) -> SceneMap:
    """Project the scenes of a corpus on planes.

    Parameters
    ----------
    corpus : Corpus
        From `load_corpus`, with scenes. They are read into memory.
    label : str, optional
        The column that colours the points. Default: the first label of the manifest, or the
        folder of a file if there are no labels.

    Returns
    -------
    SceneMap
        Files that failed are left out.

    Raises
    ------
    OptionError
        If the corpus has no scenes, no embedded file, or no such column.
    """
    given = [*corpus.configuration["labels"]]
    columns = [*given, "sample_rate", "channels", "peak", "size"]
    if label is not None and label not in columns:
        raise OptionError(f"label must be one of {', '.join(columns)}. Received: {label!r}")
    label = label or (given[0] if given else None)
    scenes = corpus.scene
    if not len(scenes):
        raise OptionError(f"{corpus.folder} holds no embedded file.")
    wanted = ["path", "start", "duration", *([label] if label else [])]
    batches = [batch.to_pydict() for batch in corpus.batches(wanted)]
    column = {name: [value for batch in batches for value in batch[name]] for name in wanted}
    name, labels = (label, column[label]) if label else _folders(corpus.ids)
    model = describe(corpus.configuration["model"], corpus.configuration["weights_id"])
    return SceneMap(
        projections=project(scenes),
        ids=corpus.ids,
        label=name,
        labels=labels,
        paths=column["path"],
        starts=column["start"],
        durations=column["duration"],
        source=f"{len(scenes)} scenes, {model}",
    )


def project(scenes: np.ndarray) -> dict[str, Projection]:
    """Project vectors on planes.

    Parameters
    ----------
    scenes : np.ndarray [shape=(n, size)]

    Returns
    -------
    dict of Projection
        ``PCA``: the first two principal components. ``UMAP``, if umap-learn is installed and
        there are at least five points: points with a high cosine are neighbours; larger distances
        mean little. The same scenes give the same planes.
    """
    scenes = np.asarray(scenes, np.float32)
    points, shares = principal_components(scenes, 2)
    names = [f"component {i + 1} ({100 * share:.0f} %)" for i, share in enumerate(shares)]
    projections = {"PCA": Projection(points, (names[0], names[1]))}
    if len(scenes) >= _FEWEST_FOR_UMAP and find_spec("umap"):
        projections["UMAP"] = Projection(_umap(scenes), ("UMAP 1", "UMAP 2"))
    return projections


def _folders(ids: list[str]) -> tuple[str, list[Any]]:
    """Label files by their folders, if there is more than one folder."""
    folders = [id_.rpartition("/")[0] for id_ in ids]
    if len(set(folders)) > 1:
        return "folder", [folder or "." for folder in folders]
    return "", [None] * len(ids)


def _umap(scenes: np.ndarray) -> np.ndarray:
    import umap

    neighbours = min(15, len(scenes) - 1)
    reducer = umap.UMAP(
        n_neighbors=neighbours, metric="cosine", init="pca", random_state=_SEED, n_jobs=1
    )
    return np.asarray(reducer.fit_transform(scenes), np.float64)
