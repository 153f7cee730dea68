"""Models for ARCH (Audio Representation benCHmark), which takes any object with these methods."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from .pytorch import embed, load_model


class ArchModel:
    """A model as ARCH's class ``Model``: one clip at a time, NumPy in, tensors out.

    Parameters
    ----------
    preset : str
        What `load_model` takes.
    **options
        Options of `load_model`.
    """

    def __init__(self, preset: str, **options: Any):
        self.model = load_model(preset, **options)

    def get_embeddings(self, audio: np.ndarray, **ignored: object) -> torch.Tensor:
        """Embed a clip [shape=(n_samples,)] as a scene [shape=(size,)]."""
        return torch.from_numpy(embed(audio, self.model))

    def get_token_embeddings(
        self, audio: np.ndarray, frame_length_ms: float = 20, **ignored: object
    ) -> torch.Tensor:
        """Embed a clip every `frame_length_ms` milliseconds [shape=(n_frames, size)]."""
        embeddings, _ = embed(audio, self.model, timestamps=True, hop_size=frame_length_ms)
        return torch.from_numpy(embeddings)

    def get_classification_embedding_size(self) -> int:
        """Return the number of values of a scene."""
        return self.model.scene_embedding_size

    def get_token_embedding_size(self) -> int:
        """Return the number of values of a frame's embedding."""
        return self.model.timestamp_embedding_size

    def get_sampling_rate(self) -> int:
        """Return the rate of the audio in hertz."""
        return self.model.sample_rate
