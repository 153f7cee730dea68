"""Log-mel statistics, a baseline without a network or weights.

A module of the HEAR API for heareval: ``hear_openl3_yamnet.baselines.log_mel_statistics``.
"""

from __future__ import annotations

import librosa
import numpy as np

from .frame_statistics import (
    SAMPLE_RATE,
    FrameStatistics,
    get_scene_embeddings,
    get_timestamp_embeddings,
)

__all__ = ["get_scene_embeddings", "get_timestamp_embeddings", "load_model", "log_mel"]

N_BANDS = 128
FRAME = 2048  # samples, 43 ms
SMALLEST = 1e-6  # power, −60 dB
MIDDLE = -4.0  # log10 of the power of a band between loud and silent


def load_model(model_file_path: str = "") -> FrameStatistics:
    """Return the model: 128 values a timestamp, 256 a scene. There is no file to read."""
    return FrameStatistics(N_BANDS, log_mel)


def log_mel(sound: np.ndarray, hop: int) -> np.ndarray:
    """Return log10 of the power in mel bands [shape=(n_frames, 128)] of frames centred at hops.

    The values are in bels and near zero, because the predictors of heareval do not scale them.
    """
    power = librosa.feature.melspectrogram(
        y=sound, sr=SAMPLE_RATE, n_fft=FRAME, hop_length=hop, n_mels=N_BANDS
    )
    return np.ascontiguousarray(np.log10(np.maximum(power.T, SMALLEST)) - MIDDLE, np.float32)
