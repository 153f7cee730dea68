"""YAMNet with the windows and times of the submission to HEAR 2021, to compare with.

A module of the HEAR API for heareval: ``hear_openl3_yamnet.baselines.as_submitted``. The network
and the weights are those of this package. Only windows and times differ from ``hear2021-yamnet``:

- The patches are 480 ms apart at every hop. They are labelled 0, hop, 2 × hop …
- A quarter of a window of silence is added before and after the clip. The first patch is labelled
  0, and its centre is at 247.5 ms.
- Clips with too few patches are refused.

Source: hearbenchmark/hear2021-submitted-models, mirror/soundsensing-yamnet, and runs of its code.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .. import loading
from ..audio.checks import checked_audio
from ..engine.backend import as_tensor
from ..errors import AudioError
from ..features import framing
from ..model import HearModel

__all__ = ["get_scene_embeddings", "get_timestamp_embeddings", "load_model"]

LABELLED_HOP_MS = 50.0
PATCH_HOP_MS = 480.0
PATCH_HOP = 7680  # samples
PATCH = 15600  # samples: 96 frames of 25 ms, 10 ms apart
PADDING = (
    3840  # samples on each side: a quarter of 960 ms; half a patch would centre the first one at 0
)


def load_model(model_file_path: str | Path = "", **options: Any) -> HearModel:
    """Load YAMNet.

    Parameters
    ----------
    model_file_path : str or Path
        A weights file. If there is none, `options` name the weights.
    **options
        As for `hear_openl3_yamnet.load_model`. Hops have no effect.

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
    """Embed clips every 480 ms, and label the embeddings as if they were 50 ms apart.

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
        Milliseconds. They are wrong.

    Raises
    ------
    AudioError
        If one clip is too short for a patch (495 ms), or several clips are too short for two
        patches (975 ms).
    """
    embeddings = _patch_embeddings(checked_audio(audio), model)
    timestamps = LABELLED_HOP_MS * np.arange(embeddings.shape[1], dtype=np.float32)
    return as_tensor(embeddings), as_tensor(framing.repeated(timestamps, len(embeddings)))


def get_scene_embeddings(audio: Any, model: HearModel) -> Any:
    """Embed whole clips as the mean of their patches.

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
    """Embed the patches inside the clip and its padding."""
    n_sounds, n_samples = audio.shape
    n_patches = 1 + (n_samples + 2 * PADDING - PATCH) // PATCH_HOP
    needed = 1 if n_sounds == 1 else 2
    if n_patches < needed:
        failure = "InvalidArgumentError" if n_patches < 1 else "IndexError"
        raise AudioError(
            f"The submission needs {needed} patch(es) in {n_sounds} sound(s). With fewer patches, "
            f"its code raised {failure}. Received: {n_samples} samples, {n_patches} patch(es)"
        )
    # The windows of the model are centred at multiples of the hop. Silence before the clip moves
    # the centre of the first patch to one hop. Window 0 is then before the first patch.
    before = PATCH_HOP - (PATCH // 2 - PADDING)
    shifted = np.pad(audio, ((0, 0), (before, 0)))
    embeddings, _ = model.timestamp_embeddings(shifted, PATCH_HOP_MS)
    return np.ascontiguousarray(embeddings[:, 1 : 1 + n_patches])
