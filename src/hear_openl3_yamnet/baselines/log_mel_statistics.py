"""Log-mel statistics, a baseline without a network or weights.

A module of the HEAR API for heareval: ``hear_openl3_yamnet.baselines.log_mel_statistics``.
"""

from __future__ import annotations

from typing import Any

import librosa
import numpy as np

from ..audio.checks import checked_audio
from ..engine.backend import as_tensor, module_type
from ..features import framing

__all__ = [
    "LogMelStatistics",
    "get_scene_embeddings",
    "get_timestamp_embeddings",
    "load_model",
    "log_mel",
]

N_BANDS = 128
FRAME = 2048  # samples, 43 ms
SCENE_HOP = 480  # samples, 10 ms
TIMESTAMP_HOP = 2400  # samples, 50 ms
SMALLEST = 1e-6  # power, −60 dB
MIDDLE = -4.0  # log10 of the power of a band between loud and silent


class LogMelStatistics(module_type()):  # type: ignore[misc]
    """The attributes that heareval needs: a rate and two sizes."""

    sample_rate = 48000
    timestamp_embedding_size = N_BANDS
    scene_embedding_size = 2 * N_BANDS


def load_model(model_file_path: str = "") -> LogMelStatistics:
    """Return the model. There is no file to read."""
    return LogMelStatistics()


def get_timestamp_embeddings(audio: Any, model: LogMelStatistics) -> tuple[Any, Any]:
    """Return the log-mel spectrum of a frame every 50 ms.

    Parameters
    ----------
    audio : tensor or np.ndarray [shape=(n_sounds, n_samples)]
        Mono, at 48 kHz, in [-1, 1].
    model : LogMelStatistics

    Returns
    -------
    embeddings : tensor [shape=(n_sounds, n_timestamps, 128), dtype=float32]
    timestamps : tensor [shape=(n_sounds, n_timestamps), dtype=float32]
        Milliseconds.

    Raises
    ------
    AudioError, AudioTypeError
        As `hear_openl3_yamnet.get_timestamp_embeddings`.
    """
    samples = checked_audio(audio)
    n_timestamps = framing.count_windows(samples.shape[1], TIMESTAMP_HOP)
    frames = np.stack([log_mel(sound, TIMESTAMP_HOP)[:n_timestamps] for sound in samples])
    times = framing.timestamps(n_timestamps, TIMESTAMP_HOP, model.sample_rate)
    return as_tensor(frames), as_tensor(framing.repeated(times, len(samples)))


def get_scene_embeddings(audio: Any, model: LogMelStatistics) -> Any:
    """Return the mean and the standard deviation of the frames of each clip, 10 ms apart.

    Parameters
    ----------
    audio, model
        As for `get_timestamp_embeddings`.

    Returns
    -------
    tensor [shape=(n_sounds, 256), dtype=float32]

    Raises
    ------
    AudioError, AudioTypeError
        As `get_timestamp_embeddings`.
    """
    frames = [log_mel(sound, SCENE_HOP) for sound in checked_audio(audio)]
    return as_tensor(np.stack([np.concatenate([x.mean(axis=0), x.std(axis=0)]) for x in frames]))


def log_mel(sound: np.ndarray, hop: int) -> np.ndarray:
    """Return log10 of the power in mel bands [shape=(n_frames, 128)] of frames centred at hops.

    The values are in bels and near zero, because the predictors of heareval do not scale them.
    """
    power = librosa.feature.melspectrogram(
        y=sound, sr=LogMelStatistics.sample_rate, n_fft=FRAME, hop_length=hop, n_mels=N_BANDS
    )
    return np.ascontiguousarray(np.log10(np.maximum(power.T, SMALLEST)) - MIDDLE, np.float32)
