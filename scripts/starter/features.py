"""From the bank's audio to the networks' input, by way of band amplitudes.

A clip's band amplitudes are computed once, by the package's own front end, and kept in decibels
(10 · log10, as OpenL3's). Crops, mixtures, gains and filters are then cheap in training: they
happen on amplitudes, and only the logarithm comes after them.
"""

from functools import cache

import numpy as np

from hear_openl3_yamnet.features.frontends import (
    FRONT_ENDS,
    OPENL3_FLOOR_DB,
    OPENL3_SMALLEST,
    YAMNET_LOG_OFFSET,
)

SMALLEST = 1e-10
"""Amplitude below which decibels are cut off."""


@cache
def _taper_and_bands(name: str) -> tuple[np.ndarray, np.ndarray]:
    return FRONT_ENDS[name].taper(), FRONT_ENDS[name].bands()


def amplitudes_in_decibels(samples: np.ndarray, name: str) -> np.ndarray:
    """Compute the band amplitudes of every whole STFT frame of a clip.

    Parameters
    ----------
    samples : np.ndarray [shape=(n_samples,), dtype=float32]
        At 48 kHz.
    name : str
        The front end: ``mel128`` or ``yamnet``, for which the samples are resampled to 16 kHz.

    Returns
    -------
    np.ndarray [shape=(n_frames, n_bands), dtype=float32]
        10 · log10 of the amplitudes.
    """
    front_end = FRONT_ENDS[name]
    if name == "yamnet":
        from scipy.signal import resample_poly

        samples = resample_poly(samples, 1, 3)
    taper, bands = _taper_and_bands(name)
    frames = np.lib.stride_tricks.sliding_window_view(samples, front_end.frame_length)
    spectra = np.abs(np.fft.rfft(frames[:: front_end.frame_hop] * taper, front_end.fft_length))
    return 10 * np.log10(np.maximum(spectra.astype(np.float32) @ bands, SMALLEST))


def network_input(amplitudes: np.ndarray, name: str) -> np.ndarray:
    """Return log-mel windows as the package's front end has them.

    Parameters
    ----------
    amplitudes : np.ndarray [shape=(n_windows, n_frames, n_bands), dtype=float32]
    name : str
        The front end.

    Returns
    -------
    np.ndarray [shape=(n_windows, n_bands, n_frames, 1), dtype=float32]
        Decibels below the window's maximum (OpenL3) or natural logarithms (YAMNet).
    """
    if name == "yamnet":
        levels = np.log(amplitudes + np.float32(YAMNET_LOG_OFFSET))
    else:
        decibels = 10 * np.log10(np.maximum(amplitudes, OPENL3_SMALLEST))
        levels = decibels - decibels.max(axis=(1, 2), keepdims=True)
        levels = np.maximum(levels, OPENL3_FLOOR_DB)
    return np.ascontiguousarray(levels.transpose(0, 2, 1)[..., None])
