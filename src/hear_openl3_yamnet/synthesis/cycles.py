"""Periodic waves without aliasing: cycles built from harmonics, read along a phase."""

import numpy as np

__all__ = ["count_harmonics", "play_cycles"]

# Table values for each period of the highest harmonic. The error of linear interpolation is then
# 1 % of that harmonic, and less of all others.
_VALUES_PER_HARMONIC = 16
# Relative to the sample rate. This leaves room for vibrato and for the roll-off of resampling.
_HIGHEST = 0.45


def count_harmonics(frequency: float, sample_rate: int) -> int:
    """Return how many harmonics of a frequency [Hz] are below the Nyquist frequency, at least 1."""
    return max(1, int(_HIGHEST * sample_rate / frequency))


def play_cycles(
    spectra: np.ndarray, times: np.ndarray, phase: np.ndarray, sample_rate: int
) -> np.ndarray:
    """Play a wave whose harmonics change over time.

    Parameters
    ----------
    spectra : np.ndarray [shape=(n_stages, n_harmonics)]
        Amplitudes of harmonics 1, 2, … at each stage, real or (with phases) complex. The wave is
        interpolated between stages.
    times : np.ndarray [shape=(n_stages,)]
        Times of the stages [s], increasing. A single stage holds for the whole sound.
    phase : np.ndarray [shape=(n_samples,)]
        Phase of the fundamental at each sample [cycles].
    sample_rate
        Sample rate [Hz].

    Returns
    -------
    np.ndarray [shape=(n_samples,), dtype=float32]
    """
    n_stages, n_harmonics = spectra.shape
    size = max(256, 1 << (_VALUES_PER_HARMONIC * n_harmonics - 1).bit_length())
    bins = np.zeros((n_stages, n_harmonics + 1), complex)
    bins[:, 1:] = spectra * -0.5j * size
    cycles = np.fft.irfft(bins, size).astype(np.float32)
    cycles = np.concatenate([cycles, cycles[:, :1]], axis=1)

    place = (phase % 1.0) * size
    # phase % 1 rounds up to 1 for tiny negative phases
    left = np.minimum(place.astype(np.intp), size - 1)
    weight = (place - left).astype(np.float32)
    flat = cycles.ravel()

    def read(at: np.ndarray) -> np.ndarray:
        low = flat.take(at)
        return low + weight * (flat.take(at + 1) - low)

    if n_stages == 1:
        return read(left)
    stage = np.interp(np.arange(len(phase)) / sample_rate, times, np.arange(n_stages))
    before = np.minimum(stage.astype(np.intp), n_stages - 2)
    at = before * (size + 1) + left
    first = read(at)
    return first + (stage - before).astype(np.float32) * (read(at + size + 1) - first)
