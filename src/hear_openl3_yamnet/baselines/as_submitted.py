"""YAMNet with its windows and times as the submission to HEAR 2021 had them: for comparing only.

A module of the HEAR API, for heareval: ``hear_openl3_yamnet.baselines.as_submitted``. Network
and weights are this package's, so that only framing and times differ from ``hear2021-yamnet``:

- patches lie 480 ms apart whatever the hop, and are labelled 0, hop, 2 × hop …;
- a quarter of a window of silence goes before and behind the clip, so that the first patch, which
  is labelled 0, is centred at 247.5 ms;
- what has too few patches is refused.

Source: hearbenchmark/hear2021-submitted-models, mirror/soundsensing-yamnet, and what its code did
when it was run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .. import loading
from ..audio.checks import checked_audio
from ..engine.backend import as_tensor
from ..errors import AudioError
from ..model import HearModel

__all__ = ["get_scene_embeddings", "get_timestamp_embeddings", "load_model"]

LABELLED_HOP_MS = 50.0
PATCH_HOP_MS = 480.0
PATCH_HOP = 7680  # samples
PATCH = 15600  # samples: 96 frames of 25 ms, 10 ms apart
PADDING = 3840  # samples on each side: a quarter of 960 ms, half of what centres a patch


def load_model(model_file_path: str | Path = "", **options: Any) -> HearModel:
    """Load YAMNet.

    Parameters
    ----------
    model_file_path : str or Path
        A weights file; none for those that `options` name.
    **options
        As for `hear_openl3_yamnet.load_model`; hops have no effect.

    Returns
    -------
    HearModel

    Raises
    ------
    OptionError, WeightsNotFoundError, WeightsFormatError
        As `hear_openl3_yamnet.load_model`.
    """
    return loading.load_model(model_file_path, model="hear2021-yamnet", **options)


def get_timestamp_embeddings(audio: Any, model: HearModel) -> tuple[Any, Any]:
    """Embed clips every 480 ms, and label the embeddings as if it were every 50 ms.

    Parameters
    ----------
    audio : tensor or np.ndarray [shape=(n_sounds, n_samples)]
        Mono, at 16 kHz, in [-1, 1].
    model : HearModel
        From `load_model`.

    Returns
    -------
    embeddings : tensor [shape=(n_sounds, n_patches, 1024), dtype=float32]
    timestamps : tensor [shape=(n_sounds, n_patches), dtype=float32]
        Milliseconds, wrong.

    Raises
    ------
    AudioError
        If the clips are too short for a patch (487.5 ms), or, several at once, for two (967.5 ms).
    """
    embeddings = _patch_embeddings(checked_audio(audio), model)
    timestamps = LABELLED_HOP_MS * np.arange(embeddings.shape[1], dtype=np.float32)
    return as_tensor(embeddings), as_tensor(np.tile(timestamps, (len(embeddings), 1)))


def get_scene_embeddings(audio: Any, model: HearModel) -> Any:
    """Embed whole clips: the mean of their patches.

    Parameters
    ----------
    audio, model
        As for `get_timestamp_embeddings`.

    Returns
    -------
    tensor [shape=(n_sounds, 1024), dtype=float32]

    Raises
    ------
    AudioError
        As `get_timestamp_embeddings`.
    """
    return as_tensor(_patch_embeddings(checked_audio(audio), model).mean(axis=1))


def _patch_embeddings(audio: np.ndarray, model: HearModel) -> np.ndarray:
    """Embed the patches that lie within the clip and its padding."""
    n_sounds, n_samples = audio.shape
    n_patches = 1 + (n_samples + 2 * PADDING - PATCH) // PATCH_HOP
    needed = 1 if n_sounds == 1 else 2
    if n_patches < needed:
        failure = "InvalidArgumentError" if n_patches < 1 else "IndexError"
        raise AudioError(
            f"The submission's framing needs {needed} patch(es) in {n_sounds} sound(s); with fewer "
            f"its code ended in {failure}. Received: {n_samples} samples, {n_patches} patch(es)"
        )
    # The model's windows are centred at whole hops. Silence before the clip brings the first
    # patch's centre to one hop; window 0 then lies before the first patch.
    before = PATCH_HOP - (PATCH // 2 - PADDING)
    shifted = np.pad(audio, ((0, 0), (before, 0)))
    embeddings, _ = model.timestamp_embeddings(shifted, PATCH_HOP_MS)
    return np.ascontiguousarray(embeddings[:, 1 : 1 + n_patches])
