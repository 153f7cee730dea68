"""MFCC statistics, a baseline without a network or weights.

A module of the HEAR API for heareval: ``hear_openl3_yamnet.baselines.mfcc_statistics``. The
coefficients are those of the log-mel spectrum of `log_mel_statistics`: S. Davis and P. Mermelstein,
"Comparison of Parametric Representations for Monosyllabic Word Recognition" (1980).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..audio.checks import checked_audio
from ..engine.backend import as_tensor, module_type
from ..features import framing
from .log_mel_statistics import SCENE_HOP, TIMESTAMP_HOP, log_mel

__all__ = ["MfccStatistics", "get_scene_embeddings", "get_timestamp_embeddings", "load_model"]

N_COEFFICIENTS = 20


class MfccStatistics(module_type()):  # type: ignore[misc]
    """The attributes that heareval needs: a rate and two sizes."""

    sample_rate = 48000
    timestamp_embedding_size = N_COEFFICIENTS
    scene_embedding_size = 2 * N_COEFFICIENTS


def load_model(model_file_path: str = "") -> MfccStatistics:
    """Return the model. There is no file to read."""
    return MfccStatistics()


def get_timestamp_embeddings(audio: Any, model: MfccStatistics) -> tuple[Any, Any]:
    """Return the coefficients of a frame every 50 ms.

    Parameters
    ----------
    audio : tensor or np.ndarray [shape=(n_sounds, n_samples)]
        Mono, at 48 kHz, in [-1, 1].
    model : MfccStatistics

    Returns
    -------
    embeddings : tensor [shape=(n_sounds, n_timestamps, 20), dtype=float32]
    timestamps : tensor [shape=(n_sounds, n_timestamps), dtype=float32]
        Milliseconds.

    Raises
    ------
    AudioError, AudioTypeError
        As `hear_openl3_yamnet.get_timestamp_embeddings`.
    """
    samples = checked_audio(audio)
    n_timestamps = framing.count_windows(samples.shape[1], TIMESTAMP_HOP)
    frames = np.stack([_mfcc(sound, TIMESTAMP_HOP)[:n_timestamps] for sound in samples])
    times = framing.timestamps(n_timestamps, TIMESTAMP_HOP, model.sample_rate)
    return as_tensor(frames), as_tensor(framing.repeated(times, len(samples)))


def get_scene_embeddings(audio: Any, model: MfccStatistics) -> Any:
    """Return the mean and the standard deviation of the frames of each clip, 10 ms apart.

    Parameters
    ----------
    audio, model
        As for `get_timestamp_embeddings`.

    Returns
    -------
    tensor [shape=(n_sounds, 40), dtype=float32]

    Raises
    ------
    AudioError, AudioTypeError
        As `get_timestamp_embeddings`.
    """
    frames = [_mfcc(sound, SCENE_HOP) for sound in checked_audio(audio)]
    return as_tensor(np.stack([np.concatenate([x.mean(axis=0), x.std(axis=0)]) for x in frames]))


def _mfcc(sound: np.ndarray, hop: int) -> np.ndarray:
    """Return the first coefficients [shape=(n_frames, 20)] of frames centred at hops."""
    from scipy.fft import dct

    coefficients = dct(log_mel(sound, hop), axis=1, norm="ortho")
    return np.ascontiguousarray(coefficients[:, :N_COEFFICIENTS])
