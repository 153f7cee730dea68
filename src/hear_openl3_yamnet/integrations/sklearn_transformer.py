"""Scene embeddings as a step of scikit-learn: files or arrays in, one row per clip out.

This module needs scikit-learn 1.6: ``pip install "hear-openl3-yamnet[sklearn]"``.
"""
# ruff: noqa: E402 (the extra comes before the modules that import it)

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import AudioError, AudioTypeError, OptionError, require

require("sklearn", extra="sklearn")

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from ..audio.checks import check_axes, check_container, checked_samples
from ..config.presets import DEFAULT_PRESET
from ..embedding import embed
from ..loading import load_model

if TYPE_CHECKING:
    from ..model import HearModel

MODELS_KEPT = 2
"""Models that a process keeps, so that clones of a transformer share them."""

CLEARLY_SAMPLES = 300
"""Rows of an array from which on their number counts as one of samples, if the rows are very short
(`check_axes`). scikit-learn checks transformers with up to 200 rows of a few numbers."""


class HearEmbedding(TransformerMixin, BaseEstimator):
    """Scene embeddings of clips, with the options of `load_model`.

    All parameters except ``model`` are options of `load_model`. None means the default of the
    preset. Nothing is learnt. `fit` loads the model, which checks the options, and stores the id of
    its weights.

    Parameters
    ----------
    model : str
        Name of a preset, or several names joined by ``+``.
    weights : str, path or None
        ``published``, a file, ``random`` or ``random:SEED``.
    scene_hop_size, embedding_size, batch_size, pooling, grid, gem_p, layers, time, window_size, \
subsampling, scene_pooling, normalize, framing, sharing, precision, memory_limit
        As for `load_model`. docs/heads.md lists the heads.

    Attributes
    ----------
    sample_rate_ : int
        The sample rate of arrays in hertz. Files are resampled.
    weights_id_ : str
        The id of the weights of `fit`. `transform` refuses other weights, also on another machine.
    feature_names_out_ : np.ndarray [shape=(size,), dtype=object]
        ``<model>_0`` and so on.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> pipeline = make_pipeline(HearEmbedding("yamnet"), LogisticRegression())
    >>> pipeline.fit(["dog.wav", "cat.wav"], ["dog", "cat"])  # doctest: +SKIP
    """

    def __init__(
        self,
        model: str = DEFAULT_PRESET,
        *,
        weights: Any = None,
        scene_hop_size: Any = None,
        embedding_size: Any = None,
        batch_size: Any = None,
        pooling: Any = None,
        grid: Any = None,
        gem_p: Any = None,
        layers: Any = None,
        time: Any = None,
        window_size: Any = None,
        subsampling: Any = None,
        scene_pooling: Any = None,
        normalize: Any = None,
        framing: Any = None,
        sharing: Any = None,
        precision: Any = None,
        memory_limit: Any = None,
    ):
        self.model = model
        self.weights = weights
        self.scene_hop_size = scene_hop_size
        self.embedding_size = embedding_size
        self.batch_size = batch_size
        self.pooling = pooling
        self.grid = grid
        self.gem_p = gem_p
        self.layers = layers
        self.time = time
        self.window_size = window_size
        self.subsampling = subsampling
        self.scene_pooling = scene_pooling
        self.normalize = normalize
        self.framing = framing
        self.sharing = sharing
        self.precision = precision
        self.memory_limit = memory_limit

    def fit(self, X: Any, y: Any = None) -> HearEmbedding:  # noqa: N803
        """Load the model, and check what can be checked without reading files.

        Parameters
        ----------
        X : sequence of paths or of arrays
            As `transform`.
        y : ignored

        Raises
        ------
        OptionError, WeightsNotFoundError, WeightsFormatError
            As `load_model`.
        AudioError, AudioTypeError
            As `transform`, of arrays.
        """
        for item in _items(X):
            if not _is_path(item):
                _check_clip(item)
        model = self._load()
        self.sample_rate_ = model.sample_rate
        self.weights_id_ = model.weights_id
        names = [f"{model.name}_{i}" for i in range(model.scene_embedding_size)]
        self.feature_names_out_ = np.asarray(names, dtype=object)
        return self

    def transform(self, X: Any) -> np.ndarray:  # noqa: N803
        """Embed clips.

        Parameters
        ----------
        X : sequence of paths or of arrays [shape=(n_samples,), dtype=float]
            The lengths may differ. Or an array [shape=(n_clips, n_samples)]. Arrays are mono, in
            [-1, 1], at `sample_rate_`. A column of paths in a data frame is a sequence, too.

        Returns
        -------
        np.ndarray [shape=(n_clips, size), dtype=float32]

        Raises
        ------
        AudioFileError
            If a file is missing, unreadable or holds no audio.
        AudioError, AudioTypeError
            If an array is not one finite, non-empty sound, or if X is not a sequence of clips.
        OptionError
            If the weights are not those of `fit`.
        """
        check_is_fitted(self)
        model = self._load()
        if model.weights_id != self.weights_id_:
            raise OptionError(
                f"weights={self.weights!r} are not the weights of fit: {model.weights_id}, "
                f"not {self.weights_id_}. Use the weights of fit, or fit again."
            )
        return embed(list(_items(X)), model)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns [shape=(size,), dtype=object]. The input has no names."""
        check_is_fitted(self)
        return self.feature_names_out_

    def _load(self) -> HearModel:
        options = {key: value for key, value in self.get_params().items() if value is not None}
        return _model(json.dumps(options, default=_plain), _stamp(self.weights))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


@lru_cache(maxsize=MODELS_KEPT)
def _model(options: str, stamp: tuple[int, int] | None) -> HearModel:
    return load_model(**json.loads(options))


def _plain(value: Any) -> Any:
    """Return a path or a NumPy number as a JSON type."""
    return value.item() if isinstance(value, np.generic) else str(value)


def _stamp(weights: Any) -> tuple[int, int] | None:
    """Return the time and size of a weights file, so that a new file of that name is loaded."""
    try:
        status = os.stat(weights)
    except (OSError, TypeError):
        return None  # not a file: published or random
    return status.st_mtime_ns, status.st_size


def _items(given: Any) -> Iterable[Any]:
    """Return one item per clip: the rows of an array, or the items of a sequence."""
    check_container(given)
    if hasattr(given, "__array__"):
        given = np.asarray(given)  # the items of a data frame would be its columns
    if isinstance(given, str | bytes | os.PathLike) or not _has_length(given):
        raise AudioTypeError(
            "X must be a sequence of audio files, of 1-D arrays, or an array (n_clips, "
            f"n_samples). Received: {type(given).__name__}"
        )
    if len(given) == 0:
        raise AudioError("X must hold at least one clip. Received: none")
    shape: tuple[int, ...] = getattr(given, "shape", ())
    if shape[1:] == (1,) and _is_path(given[0, 0]):
        return given[:, 0]
    if len(shape) == 2 and shape[0] > CLEARLY_SAMPLES:
        check_axes(shape)
    return given


def _has_length(given: Any) -> bool:
    return hasattr(given, "__len__") and getattr(given, "ndim", 1) > 0


def _is_path(item: Any) -> bool:
    return isinstance(item, str | os.PathLike)


def _check_clip(item: Any) -> None:
    """Raise what `embed` would raise of an array, and refuse channels."""
    samples = checked_samples(np.asarray(item) if isinstance(item, list | tuple) else item)
    if len(samples) == 0:
        raise AudioError("A clip must hold at least one sample. Received: 0 sample(s)")
