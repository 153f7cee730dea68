"""Encoders of X-ARES, one for each preset: ``YamnetEncoder``, ``OpenL3Mel256MusicEncoder`` …

X-ARES takes a Python file in which exactly one name ends in ``Encoder``. One line makes it:

    from hear_openl3_yamnet.integrations.xares import YamnetEncoder
"""

from __future__ import annotations

import torch

from .pytorch import Network, class_of_preset


class Encoder(Network):
    """An encoder of X-ARES: embeddings at the hop of the preset.

    Attributes
    ----------
    sampling_rate : int
        Hertz.
    output_dim : int
        Values of an embedding.
    hop_size_in_ms : float
    """

    def __init__(self) -> None:
        super().__init__()
        self.sampling_rate = self.model.sample_rate
        self.output_dim = self.model.timestamp_embedding_size
        self.hop_size_in_ms = self.model.hop_size

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        """Embed clips [shape=(n_sounds, n_samples)] as [(n_sounds, n_timestamps, output_dim)]."""
        return self.frames(audio)


def __getattr__(name: str) -> type[Encoder]:
    return class_of_preset(Encoder, name, "{}Encoder")
