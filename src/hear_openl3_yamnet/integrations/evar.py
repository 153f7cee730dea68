"""Audio representations for EVAR, one for each preset: ``AR_Yamnet``, ``AR_OpenL3Mel256Music`` …"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ..errors import OptionError
from .pytorch import Network, class_of_preset


class Representation(Network):
    """An audio representation of EVAR.

    Parameters
    ----------
    cfg : mapping
        EVAR's configuration. Its ``sample_rate`` must be that of the preset.

    Raises
    ------
    OptionError
        If the sample rate is another one.
    """

    def __init__(self, cfg: Mapping[str, Any]) -> None:
        super().__init__()
        self.cfg = cfg
        if cfg["sample_rate"] != self.model.sample_rate:
            raise OptionError(
                f"{self.preset} takes audio at {self.model.sample_rate} Hz. Set sample_rate in the "
                f"configuration to it. Received: sample_rate={cfg['sample_rate']!r}"
            )

    def precompute(self, device: Any, data_loader: Any) -> None:
        """Do nothing: these models need no statistics of the training data."""

    def encode_frames(self, batch_audio: torch.Tensor) -> torch.Tensor:
        """Embed clips [shape=(n_sounds, n_samples)] as [(n_sounds, size, n_timestamps)]."""
        return self.frames(batch_audio).transpose(1, 2)

    def forward(self, batch_audio: torch.Tensor) -> torch.Tensor:
        """Embed clips [shape=(n_sounds, n_samples)] as scenes [shape=(n_sounds, size)]."""
        return self.scenes(batch_audio)


def __getattr__(name: str) -> type[Representation]:
    return class_of_preset(Representation, name, "AR_{}")
