"""YAMNet on whole clips, with the silence around them that others add.

A module of the HEAR API for the study. Windows are 480 ms apart, as in `yamnet`, which adds half a
window of silence before and after a clip. A clip that is too short for one window gets silence at
its end, also where the submission refused it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hear_openl3_yamnet import load_model as load_yamnet
from hear_openl3_yamnet.baselines.as_submitted import PADDING, PATCH, PATCH_HOP, PATCH_HOP_MS

FIRST = 2
"""The number of the model's window that becomes the first one. Windows before it are left out."""


class Padded:
    """YAMNet with one of two kinds of padding.

    Parameters
    ----------
    padding : str
        ``submitted``: a quarter of a window before and after the clip, and only windows that fit,
        as in the submission to HEAR 2021. ``end``: the first window begins with the clip, and
        silence after the clip completes the last one, as in YAMNet's own code.
    **options
        Of `load_model`.
    """

    def __init__(self, padding: str, **options: Any):
        self.padding = padding
        self.model = load_yamnet("yamnet", **options)
        self.sample_rate = self.model.sample_rate
        self.scene_embedding_size = self.model.scene_embedding_size
        self.timestamp_embedding_size = self.model.timestamp_embedding_size
        self.weights_id = self.model.weights_id

    def frame(self, n_samples: int) -> tuple[int, int]:
        """Return the samples of silence before a clip, and the number of its windows."""
        if self.padding == "submitted":
            return PADDING, max(1, 1 + (n_samples + 2 * PADDING - PATCH) // PATCH_HOP)
        return 0, 1 + math.ceil(max(0, n_samples - PATCH) / PATCH_HOP)


def load_model(model_file_path: str = "", *, padding: str, **options: Any) -> Padded:
    """Load YAMNet with a kind of padding."""
    return Padded(padding, **options)


def get_scene_embeddings(audio: np.ndarray, model: Padded) -> np.ndarray:
    """Embed whole clips [shape=(n_sounds, n_samples)] as the mean of their windows."""
    before, n_windows = model.frame(audio.shape[1])
    # the model's windows are centred at multiples of the hop
    shift = FIRST * PATCH_HOP - (PATCH // 2 - before)
    needed = (FIRST + n_windows - 1) * PATCH_HOP + 1
    after = max(0, needed - shift - audio.shape[1])
    shifted = np.pad(audio, ((0, 0), (shift, after)))
    embeddings, _ = model.model.timestamp_embeddings(shifted, PATCH_HOP_MS)
    return embeddings[:, FIRST : FIRST + n_windows].mean(axis=1)
