"""YAMNet's class scores with their names: what a clip contains, and when."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .audio.checks import checked_audio, checked_samples
from .backbones.yamnet import N_CLASSES
from .errors import OptionError, WeightsFormatError
from .files import written_whole
from .weights.finding import locate
from .weights.registry import CLASS_MAP

if TYPE_CHECKING:
    from .model import HearModel

PUBLISHED_HOP_SIZE = 480.0
"""Milliseconds between the patches that the published YAMNet scores (its ``patch_hop_seconds``)."""


@dataclass(frozen=True)
class Tags:
    """Scores of AudioSet's classes for one clip.

    The scores of a window are independent of each other (sigmoids). They are not calibrated: they
    rank classes, but they are not probabilities.

    Attributes
    ----------
    names : tuple of str
        The names of the 521 classes, as YAMNet's authors wrote them.
    scores : np.ndarray [shape=(n_timestamps, 521), dtype=float32]
        The scores of each window, between 0 and 1.
    timestamps : np.ndarray [shape=(n_timestamps,), dtype=float64]
        The windows' centres, in milliseconds.
    """

    names: tuple[str, ...]
    scores: np.ndarray
    timestamps: np.ndarray

    @property
    def clip(self) -> np.ndarray:
        """The clip's scores [shape=(521,)]: means over its windows."""
        return self.scores.mean(axis=0)

    def ranked(self, n: int) -> np.ndarray:
        """Return the `n` classes with the highest scores of the clip, the highest first."""
        return np.argsort(-self.clip, kind="stable")[:n]

    def top(self, n: int = 10) -> list[tuple[str, float]]:
        """Return the names and scores of the clip's `n` classes with the highest scores."""
        clip = self.clip
        return [(self.names[i], float(clip[i])) for i in self.ranked(n)]

    def save_csv(self, path: str | Path) -> None:
        """Write a table: a row for each time, with a column for each class."""
        with (
            written_whole(Path(path)) as partial,
            open(partial, "w", newline="", encoding="utf-8") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(["timestamp_ms", *self.names])
            for time, row in zip(self.timestamps, self.scores, strict=True):
                writer.writerow([f"{time:.3f}", *(f"{score:.6g}" for score in row)])

    def save_json(self, path: str | Path, n: int, **facts: str) -> None:
        """Write the names and scores of the `n` highest classes as JSON, after other facts."""
        tags = [
            {
                "class": self.names[i],
                "clip": round(float(self.clip[i]), 6),
                "scores": [round(float(score), 6) for score in self.scores[:, i]],
            }
            for i in self.ranked(n)
        ]
        content = {**facts, "timestamps_ms": self.timestamps.tolist(), "tags": tags}
        with written_whole(Path(path)) as partial:
            partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def tag(model: HearModel, audio: np.ndarray, hop_size: float | None = None) -> Tags:
    """Score AudioSet's classes in one clip.

    Parameters
    ----------
    model : HearModel
        YAMNet with its published head.
    audio : np.ndarray [shape=(n_samples,), dtype=float32]
        Mono, at the model's rate, in [-1, 1].
    hop_size : float, optional
        Milliseconds between windows; 480 by default, as published.

    Returns
    -------
    Tags

    Raises
    ------
    AudioError, AudioTypeError
        If the samples are not a non-empty, finite 1-D array of real floating-point numbers.
    OptionError
        If the hop is not a number of milliseconds between a sample and an hour; or if the model
        has no trained class scores: it is another network, has another head than the published
        one, or has starter weights.
    WeightsNotFoundError
        If the table of class names is not on this machine and cannot be fetched.
    WeightsFormatError
        If that table is not YAMNet's.
    """
    kernel, bias = _classifier(model)
    samples = checked_audio(checked_samples(audio)[None])
    names = class_names()
    hop_size = PUBLISHED_HOP_SIZE if hop_size is None else hop_size
    embeddings, timestamps = model.timestamp_embeddings(samples, hop_size)
    scores = 1 / (1 + np.exp(-(embeddings[0] @ kernel + bias)))
    return Tags(names, scores.astype(np.float32), timestamps)


def class_names(path: str | Path | None = None) -> tuple[str, ...]:
    """Read the names of YAMNet's classes.

    Parameters
    ----------
    path : str or Path, optional
        A table with the columns ``index``, ``mid`` and ``display_name``. By default the published
        one, found on this machine or fetched, and verified by digest.

    Returns
    -------
    tuple of str
        521 names, in the order of the scores.

    Raises
    ------
    WeightsNotFoundError
        If the published table is not on this machine and cannot be fetched.
    WeightsFormatError
        If the table has other columns, or not one name for each class.
    """
    path = Path(path) if path else locate(CLASS_MAP)
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = {int(row["index"]): row["display_name"] for row in csv.DictReader(file)}
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsFormatError(
            f"{path} is not a table of YAMNet's classes. It needs the columns index, mid and "
            f"display_name, and the index must be a number ({error})"
        ) from error
    if sorted(rows) != list(range(N_CLASSES)) or not all(rows.values()):
        raise WeightsFormatError(
            f"{path} must name YAMNet's {N_CLASSES} classes, from 0 to {N_CLASSES - 1}. "
            f"Received: {len(rows)} names"
        )
    return tuple(rows[index] for index in range(N_CLASSES))


def _classifier(model: HearModel) -> tuple[np.ndarray, np.ndarray]:
    """Return the kernel and the bias of the class scores, where they go with the embeddings."""
    from keras.ops import convert_to_numpy

    networks = model.ensemble.networks
    options = networks[0].options
    if len(networks) > 1 or "predictions" not in options.backbone.LAYERS:
        raise OptionError(
            'Only YAMNet scores classes: load_model("yamnet"), or --model yamnet. '
            f"Received: {model.name}"
        )
    head = (options.pooling, options.grid, options.layers, options.time, options.normalize)
    if head != ("mean", (1, 1), ("layer14",), "window", "none"):
        raise OptionError(
            "Class scores are computed from YAMNet's published embedding: leave pooling, grid, "
            "layers, time and normalize at their defaults. Received: "
            f"pooling={options.pooling!r}, grid={options.grid}, layers={options.layers}, "
            f"time={options.time!r}, normalize={options.normalize!r}"
        )
    tensors = networks[0].encoder.tensors
    kernel, bias = (
        convert_to_numpy(tensors[f"predictions/{name}"]).astype(np.float32)
        for name in ("kernel", "bias")
    )
    if not kernel.any():
        raise OptionError(
            "These weights have no class scores: the starter weights were trained without "
            "AudioSet's classes. Get the published ones with `hear-openl3-yamnet weights fetch "
            f"yamnet`, and take --model yamnet. Received: weights {model.weights_id}"
        )
    return kernel, bias
