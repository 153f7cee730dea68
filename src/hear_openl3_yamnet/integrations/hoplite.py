"""Models and corpora in hoplite (perch-hoplite): databases of embeddings for search and labelling.

>>> from perch_hoplite.agile import embed
>>> from hear_openl3_yamnet.integrations.hoplite import HearEmbeddingModel
>>> model = HearEmbeddingModel(load_model("yamnet"))  # doctest: +SKIP
>>> embed.EmbedWorker(sources, model.configuration(), db, model).process_all()  # doctest: +SKIP

hoplite compares embeddings by their inner product. Therefore everything here has the length 1,
which makes the inner product a cosine.

This module needs perch-hoplite: ``pip install "hear-openl3-yamnet[hoplite]"``.
"""
# ruff: noqa: E402 (the extra comes before the modules that import it)

from __future__ import annotations

import json
import math
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import OptionError, require

require("perch_hoplite", extra="hoplite")

from perch_hoplite.agile.embed import ModelConfig
from perch_hoplite.zoo import zoo_interface

from ..audio.checks import checked_audio
from ..config.options import Options
from ..engine.request import Request
from ..loading import load_described
from ..pooling.scenes import normalized

if TYPE_CHECKING:
    from ..model import HearModel

MODEL_KEY = "hear_openl3_yamnet"
"""The key under which a database names these models."""


class HearEmbeddingModel(zoo_interface.EmbeddingModel):
    """A model as an embedding model of hoplite.

    Window number i begins at i × `hop_size_s` and lasts `window_size_s`, which is what hoplite
    notes. The last window reaches the end of the audio. After the end is silence.

    Parameters
    ----------
    model : HearModel
        From `load_model`, with ``time="window"``.
    hop_size_s : float, optional
        Seconds between windows; by default those between the windows that a scene pools.

    Attributes
    ----------
    sample_rate : int
        Hertz.
    window_size_s : float
        Seconds of a window; of the longest one in an ensemble.

    Raises
    ------
    OptionError
        If the model keeps time, because one window then gives several embeddings; or if the hop
        is not allowed.
    """

    def __init__(self, model: HearModel, hop_size_s: float | None = None):
        super().__init__(sample_rate=model.sample_rate)
        self.model = model
        self.hop_size_s = model.scene_hop_size / 1000 if hop_size_s is None else hop_size_s
        self._hop = model.ensemble.hop(1000 * self.hop_size_s)
        each = [network.options for network in model.ensemble.networks]
        if any(options.time == "frame" for options in each):
            raise OptionError(
                "hoplite stores one embedding for each window. Load the model with time='window'. "
                "Received: time='frame'"
            )
        self.window_size_s = longest_window_s(each)
        self._before = round(self.window_size_s * model.sample_rate) // 2
        self._lock = threading.Lock()  # hoplite embeds in several threads

    @classmethod
    def from_config(cls, model_config: Any) -> HearEmbeddingModel:
        """Load the model that `configuration` describes.

        Raises
        ------
        OptionError
            As `load_described`.
        """
        description = json.loads(model_config.to_json())
        return cls(load_described(description), description["hop_size_s"])

    def configuration(self) -> ModelConfig:
        """Return what a database notes of the model."""
        precision = [network.precision for network in self.model.ensemble.networks]
        return configuration_of(
            {
                "config": self.model.config,
                "precision": precision,
                "weights_id": self.model.weights_id,
            },
            self.model.timestamp_embedding_size,
            self.hop_size_s,
        )

    def embed(self, audio_array: np.ndarray) -> zoo_interface.InferenceOutputs:
        """Embed audio [shape=(n_samples,)] window by window.

        Returns
        -------
        zoo_interface.InferenceOutputs
            ``embeddings`` [shape=(n_windows, 1, size), dtype=float32], each of length 1.
        """
        return zoo_interface.embed_from_batch_embed_fn(self.batch_embed, audio_array)

    def batch_embed(self, audio_batch: np.ndarray) -> zoo_interface.InferenceOutputs:
        """Embed a batch [shape=(n_sounds, n_samples)] as `embed` does, with an axis more."""
        audio = checked_audio(audio_batch)
        after = audio.shape[1] - round(self.window_size_s * self.sample_rate)
        n_windows = 1 + max(0, math.ceil(after / self._hop))
        # windows begin before their times: the audio begins as long before time 0
        origin, counts = -self._before, [n_windows] * len(audio)
        request = Request(audio, counts, self._hop, self.sample_rate, origin=origin)
        rows = np.empty((len(audio), n_windows, self.model.timestamp_embedding_size), np.float32)
        with self._lock:
            self.model.ensemble.write(list(rows), request)
        return zoo_interface.InferenceOutputs(normalized(rows)[:, :, None], batched=True)


def configuration_of(description: dict[str, Any], size: int, hop_size_s: float) -> ModelConfig:
    """Return what a database notes of a model, from what `load_described` takes."""
    taken = {key: description[key] for key in ("config", "precision", "weights_id")}
    plain = json.loads(json.dumps({**taken, "hop_size_s": hop_size_s}))
    return ModelConfig(model_key=MODEL_KEY, embedding_dim=size, model_config=plain)


def longest_window_s(each: Sequence[Options]) -> float:
    """Return the seconds of the longest window of some networks."""
    return max(options.front_end.window / options.preset.sample_rate for options in each)
