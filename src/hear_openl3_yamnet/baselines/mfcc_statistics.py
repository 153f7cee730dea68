"""MFCC statistics, a baseline without a network or weights.

A module of the HEAR API for heareval: ``hear_openl3_yamnet.baselines.mfcc_statistics``. The
coefficients are those of the log-mel spectrum of `log_mel_statistics`: S. Davis and P. Mermelstein,
"Comparison of Parametric Representations for Monosyllabic Word Recognition" (1980).
"""

from __future__ import annotations

import numpy as np

from .frame_statistics import FrameStatistics, get_scene_embeddings, get_timestamp_embeddings
from .log_mel_statistics import log_mel

__all__ = ["get_scene_embeddings", "get_timestamp_embeddings", "load_model"]

N_COEFFICIENTS = 20


def load_model(model_file_path: str = "") -> FrameStatistics:
    """Return the model: 20 values a timestamp, 40 a scene. There is no file to read."""
    return FrameStatistics(N_COEFFICIENTS, _mfcc)


def _mfcc(sound: np.ndarray, hop: int) -> np.ndarray:
    """Return the first coefficients [shape=(n_frames, 20)] of frames centred at hops."""
    from scipy.fft import dct

    coefficients = dct(log_mel(sound, hop), axis=1, norm="ortho")
    return np.ascontiguousarray(coefficients[:, :N_COEFFICIENTS])
