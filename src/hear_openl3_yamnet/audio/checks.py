"""Checks of the sample arrays that callers pass."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import AudioError, AudioTypeError

MOST_CHANNELS = 32
"""Clips of no more samples than this, and more of them than samples, are taken for one sound whose
axes are swapped. Recordings of more channels are rare."""

_FLOATS = ("float16", "bfloat16", "float32", "float64")

_DTYPE_HINTS = {
    "int16": " Divide 16-bit samples by 32768.",
    "object": " Embed clips of different lengths one by one: clip[None, :].",
}

_EXPECTED = "audio must be a NumPy array or a dense tensor of the backend."

# Names of classes, because their packages may not be installed.
_SPARSE = {"SparseTensor", "IndexedSlices", "JAXSparse", "_spbase"}
_SYMBOLIC = {"KerasTensor", "SymbolicTensor", "Tracer", "FakeTensor"}

_DENSE = "torch.strided"
"""PyTorch's name for the layout of a dense tensor."""


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
    shape = samples.shape
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
    check_axes(shape)
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
        hint = ""
        if samples.ndim == 2:
            axis = int(samples.shape[0] >= samples.shape[1])
            hint = f" The mean of its channels: samples.mean(axis={axis})."
        raise AudioError(
            f"samples must be 1-D, (n_samples,), mono.{hint} Received: shape {samples.shape}"
        )
    if len(samples):
        _check_values(samples[None])
    return samples


def check_axes(shape: Sequence[int | None]) -> None:
    """Refuse clips whose axes are probably swapped: soundfile returns (n_samples, n_channels).

    Parameters
    ----------
    shape : sequence of int or None
        ``(n_sounds, n_samples)``. None is a number that is not known yet.

    Raises
    ------
    AudioError
        If there are more sounds than samples, and at most `MOST_CHANNELS` samples.
    """
    n_sounds, n_samples = shape
    if n_sounds is None or n_samples is None or n_samples > min(n_sounds - 1, MOST_CHANNELS):
        return
    raise AudioError(
        f"audio must be (n_sounds, n_samples), mono. {n_sounds} sounds of {n_samples} sample(s) "
        f"look like one sound of {n_samples} channel(s), as soundfile returns it. Mix it down: "
        "audio.mean(axis=1)[None, :]. If the clips really are that short, give at most "
        f"{n_samples} of them at once. Received: shape {tuple(shape)}"
    )


def check_container(audio: Any) -> None:
    """Refuse what would lose something of its meaning as an array of numbers.

    Parameters
    ----------
    audio
        Whatever was given as samples, before anything converts it.

    Raises
    ------
    AudioTypeError
        If it is a masked array, or a ragged, nested or sparse tensor.
    """
    names = {kind.__name__ for kind in type(audio).__mro__}
    layout = str(audio.layout) if "torch" in _packages(audio) else _DENSE
    if "MaskedArray" in names:
        hint = "Its mask would be lost. Fill it, audio.filled(0.0), or cut the masked samples out."
    elif "RaggedTensor" in names or layout == "torch.jagged" or getattr(audio, "is_nested", False):
        hint = "Its clips have different lengths. Embed them one by one: clip[None, :]."
    elif names & _SPARSE or layout != _DENSE:
        hint = "It is sparse. Make it dense, for example with to_dense()."
    else:
        return
    raise AudioTypeError(f"{_EXPECTED} {hint} Received: {_name(audio)}")


def _check_has_values(audio: Any) -> None:
    names = {kind.__name__ for kind in type(audio).__mro__}
    if names & _SYMBOLIC or str(getattr(audio, "device", "")) == "meta":
        raise AudioTypeError(
            "audio must have values, and this tensor stands for one inside of a graph. Compute "
            "embeddings outside of it, or put a layer into it: "
            "hear_openl3_yamnet.integrations.keras_layer.HearLayer. "
            f"Received: {_name(audio)}"
        )


def _packages(audio: Any) -> set[str]:
    return {kind.__module__.partition(".")[0] for kind in type(audio).__mro__}


def _name(audio: Any) -> str:
    """Return the package and the class of an object."""
    kind = type(audio)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


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
        If the samples are not real floating-point numbers, or their container is refused
        (`check_container`), or has no values.
    """
    check_container(audio)
    _check_has_values(audio)
    if "pandas" in _packages(audio) or not (hasattr(audio, "dtype") and hasattr(audio, "shape")):
        hint = " Take its numbers: audio.to_numpy()." if hasattr(audio, "to_numpy") else ""
        raise AudioTypeError(f"{_EXPECTED}{hint} Received: {_name(audio)}")
    dtype = str(getattr(audio.dtype, "name", audio.dtype)).removeprefix("torch.")
    if dtype not in _FLOATS:
        raise AudioTypeError(
            f"audio must be floating-point samples in [-1, 1].{_DTYPE_HINTS.get(dtype, '')} "
            f"Received: dtype {dtype}"
        )
    if not isinstance(audio, np.ndarray | np.generic):
        audio = _array_of(audio, dtype)
    with np.errstate(over="ignore"):  # a float64 beyond float32's range becomes infinite, an error
        return np.asarray(audio, dtype=np.float32, order="C")


def _array_of(tensor: Any, dtype: str) -> np.ndarray:
    """Convert a tensor, and refuse one that becomes another array than it says."""
    try:
        if hasattr(tensor, "detach"):  # PyTorch's, whatever the backend
            array = tensor.detach().cpu().float().numpy()
        else:
            from keras import ops

            wide = ops.cast(tensor, "float32") if dtype == "bfloat16" else tensor
            array = ops.convert_to_numpy(wide)
    except Exception as error:  # whatever the tensor's own package raises
        raise AudioTypeError(
            f"{_EXPECTED} {_name(tensor)} does not become an array: {error}"
        ) from error
    if array.dtype.kind != "f" or array.shape != tuple(tensor.shape):
        raise AudioTypeError(
            f"{_EXPECTED} {_name(tensor)} of shape {tuple(tensor.shape)} becomes an array of shape "
            f"{array.shape} and dtype {array.dtype}."
        )
    return array
