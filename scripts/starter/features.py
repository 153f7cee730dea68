"""Features of the bank: band amplitudes of clips, and the networks' input from them.

The band amplitudes of a clip are computed once with the front end of the package, and stored in
decibels (10 · log10, as in OpenL3). In training, crops, mixtures, gains and filters are cheap: they
change amplitudes, and only the logarithm follows.
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
"""Lower limit of amplitudes in decibels."""


@cache
def _taper_and_bands(name: str) -> tuple[np.ndarray, np.ndarray]:
    return FRONT_ENDS[name].taper(), FRONT_ENDS[name].bands()


def amplitudes_in_decibels(samples: np.ndarray, name: str) -> np.ndarray:
    """Return the band amplitudes of all whole STFT frames of a clip.

    Parameters
    ----------
    samples : np.ndarray [shape=(n_samples,), dtype=float32]
        Samples at 48 kHz. They are resampled to 16 kHz for ``yamnet``.
    name : str
        Front end, ``mel128`` or ``yamnet``.

    Returns
    -------
    np.ndarray [shape=(n_frames, n_bands), dtype=float32]
        10 · log10 of the amplitudes [dB].
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
    """Return log-mel windows, equal to those of the package's front end.

    Parameters
    ----------
    amplitudes : np.ndarray [shape=(n_windows, n_frames, n_bands), dtype=float32]
    name : str
        Front end, ``mel128`` or ``yamnet``.

    Returns
    -------
    np.ndarray [shape=(n_windows, n_bands, n_frames, 1), dtype=float32]
        Decibels relative to the window's maximum (OpenL3) or natural logarithms (YAMNet).
    """
    if name == "yamnet":
        levels = np.log(amplitudes + np.float32(YAMNET_LOG_OFFSET))
    else:
        decibels = 10 * np.log10(np.maximum(amplitudes, OPENL3_SMALLEST))
        levels = decibels - decibels.max(axis=(1, 2), keepdims=True)
        levels = np.maximum(levels, OPENL3_FLOOR_DB)
    return np.ascontiguousarray(levels.transpose(0, 2, 1)[..., None])
