"""Checks of the sample arrays that callers pass."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..errors import AudioError, AudioTypeError

_FLOATS = ("float16", "bfloat16", "float32", "float64")


def checked_audio(audio: Any) -> np.ndarray:
    """Return clips as float32 samples, or raise an error that says what is wrong with them.

    Parameters
    ----------
    audio : tensor or np.ndarray [shape=(n_sounds, n_samples)]

    Returns
    -------
    np.ndarray [shape=(n_sounds, n_samples), dtype=float32]

    Raises
    ------
    AudioError, AudioTypeError
        As `get_timestamp_embeddings`.
    """
    samples = as_float32(audio)
    shape = tuple(samples.shape)
    if samples.ndim != 2:
        hint = " One clip: audio[None, :]." if samples.ndim == 1 else ""
        raise AudioError(
            f"audio must be 2-D, (n_sounds, n_samples), mono.{hint} Received: shape {shape}"
        )
    if 0 in shape:
        missing = "sounds" if shape[0] == 0 else "samples"
        raise AudioError(
            f"audio must have at least one sound of at least one sample. It has no {missing}. "
            f"Received: shape {shape}"
        )
    _check_values(samples)
    return samples


def checked_samples(samples: Any) -> np.ndarray:
    """Return samples of one sound as float32, or raise an error that says what is wrong.

    Parameters
    ----------
    samples : tensor or np.ndarray [shape=(n_samples,)]
        May be empty.

    Returns
    -------
    np.ndarray [shape=(n_samples,), dtype=float32]

    Raises
    ------
    AudioError, AudioTypeError
        As `get_timestamp_embeddings`.
    """
    samples = as_float32(samples)
    if samples.ndim != 1:
        hint = " Its first channel: samples[:, 0]." if samples.ndim == 2 else ""
        raise AudioError(
            f"samples must be 1-D, (n_samples,), mono.{hint} Received: shape {samples.shape}"
        )
    if len(samples):
        _check_values(samples[None])
    return samples


def _check_values(samples: np.ndarray) -> None:
    # the extremes are not finite if a sample is not; computing them needs no further array
    lowest, highest = samples.min(), samples.max()
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        sound, sample = np.argwhere(~np.isfinite(samples))[0]
        raise AudioError(
            f"audio must be finite and contain no NaN. Sample {sample} of sound {sound} is "
            f"{samples[sound, sample]}. Find what wrote it, or replace such samples."
        )
    if lowest < -1 or highest > 1:
        warnings.warn(
            f"audio reaches from {lowest:.4g} to {highest:.4g}. The networks were trained on "
            "samples in [-1, 1]. Scale it, unless you intend this.",
            UserWarning,
            stacklevel=4,  # the caller of the API's function
        )


def as_float32(audio: Any) -> np.ndarray:
    """Return samples of any shape as a float32 array.

    Parameters
    ----------
    audio : tensor or np.ndarray
        A tensor of the backend, or of PyTorch under any backend.

    Returns
    -------
    np.ndarray [dtype=float32]
        Of the same shape. Its values are not checked.

    Raises
    ------
    AudioTypeError
        If the samples are not real floating-point numbers.
    """
    if not (hasattr(audio, "dtype") and hasattr(audio, "shape")):
        raise AudioTypeError(
            "audio must be a NumPy array or a tensor of the backend. "
            f"Received: {type(audio).__name__}"
        )
    dtype = str(getattr(audio.dtype, "name", audio.dtype)).removeprefix("torch.")
    if dtype not in _FLOATS:
        hint = " Divide 16-bit samples by 32768." if dtype == "int16" else ""
        raise AudioTypeError(
            f"audio must be floating-point samples in [-1, 1].{hint} Received: dtype {dtype}"
        )
    if hasattr(audio, "detach"):  # PyTorch's, whatever the backend
        audio = audio.detach().cpu().float().numpy()
    elif not isinstance(audio, np.ndarray | np.generic):
        from keras import ops

        audio = ops.convert_to_numpy(ops.cast(audio, "float32") if dtype == "bfloat16" else audio)
    with np.errstate(over="ignore"):  # a float64 beyond float32's range becomes infinite, an error
        return np.asarray(audio, dtype=np.float32, order="C")
