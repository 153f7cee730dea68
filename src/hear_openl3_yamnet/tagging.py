"""YAMNet's class scores with their names: what a clip contains, and when."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from .audio.checks import checked_audio, checked_samples
from .backbones.yamnet import N_CLASSES
from .errors import OptionError
from .files import written_whole
from .weights.reading import read_labels

if TYPE_CHECKING:
    from .model import HearModel

PUBLISHED_HOP_SIZE = 480.0
"""Milliseconds between the patches that the published YAMNet scores (its ``patch_hop_seconds``)."""

CLASS_MAP = Path(__file__).with_name("yamnet_class_map.csv")
"""YAMNet's classes: index, id in AudioSet's ontology, name. Byte for byte the published file,
https://github.com/tensorflow/models/blob/master/research/audioset/yamnet/yamnet_class_map.csv
(Apache-2.0)."""


@dataclass(frozen=True)
class Tags:
    """Scores of AudioSet's classes for one clip.

    The scores of a window are independent of each other (sigmoids). They are not calibrated: they
    rank classes, but they are not probabilities.

    Attributes
    ----------
    names : tuple of str
        The names of the 521 classes: `class_names`.
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
    WeightsFormatError
        If the model's weights are a TFLite file with a damaged list of names.
    """
    kernel, bias = _classifier(model)
    samples = checked_audio(checked_samples(audio)[None])
    names = class_names(model.ensemble.networks[0].options.weights)
    hop_size = PUBLISHED_HOP_SIZE if hop_size is None else hop_size
    embeddings, timestamps = model.timestamp_embeddings(samples, hop_size)
    # float32 would overflow in 1 / (1 + exp(-x)), for the logits below -88 that real sounds have
    scores = expit(embeddings[0] @ kernel + bias)
    return Tags(names, scores.astype(np.float32), timestamps)


def class_names(weights: str | Path | None = None) -> tuple[str, ...]:
    """Return the names of YAMNet's classes.

    Parameters
    ----------
    weights : str or Path, optional
        A weights file. If it is a TFLite file with a list of names in its metadata, these are the
        names. Otherwise they are the published ones, which come with this package.

    Returns
    -------
    tuple of str
        521 names, in the order of the scores.

    Raises
    ------
    WeightsFormatError
        If the metadata are damaged, or have a list of another length.
    """
    if weights and Path(weights).is_file() and (labels := read_labels(Path(weights), N_CLASSES)):
        return labels
    with CLASS_MAP.open(newline="", encoding="utf-8") as file:
        return tuple(row["display_name"] for row in csv.DictReader(file))


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
            "AudioSet's classes, and `export` writes embeddings only. Get the published weights "
            "with `hear-openl3-yamnet weights fetch yamnet`, and take --model yamnet. "
            f"Received: weights {model.weights_id}"
        )
    return kernel, bias
