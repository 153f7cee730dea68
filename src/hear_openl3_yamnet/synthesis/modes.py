"""Sums of damped modes: objects that ring when they are struck."""

import numpy as np

__all__ = ["excite_modes", "ring_modes"]

_HIGHEST = 0.45  # relative to the sample rate: higher modes are left out


def ring_modes(
    frequencies: np.ndarray,
    amplitudes: np.ndarray,
    decays: np.ndarray,
    n_samples: int,
    sample_rate: int,
) -> np.ndarray:
    """Return the sound of modes after one blow.

    Parameters
    ----------
    frequencies, amplitudes, decays : np.ndarray [shape=(n_modes,)]
        Frequency [Hz], amplitude at the blow, and time to decay by 60 dB [s] of each mode.
    n_samples, sample_rate
        Length and rate [Hz] of the sound.

    Returns
    -------
    np.ndarray [shape=(n_samples,), dtype=float64]
    """
    sound = np.zeros(n_samples)
    for frequency, amplitude, decay in zip(frequencies, amplitudes, decays, strict=True):
        # sound below -120 dB is inaudible, and denormal numbers make filters slow
        blow = np.zeros(min(n_samples, int(2 * decay * sample_rate) + 1))
        blow[0] = amplitude
        sound[: len(blow)] += _excite_mode(blow, frequency, decay, sample_rate)
    return sound


def excite_modes(
    excitation: np.ndarray,
    frequencies: np.ndarray,
    amplitudes: np.ndarray,
    decays: np.ndarray,
    sample_rate: int,
) -> np.ndarray:
    """Return the sound of modes that a signal drives; other parameters as in `ring_modes`."""
    sound = np.zeros(len(excitation))
    for frequency, amplitude, decay in zip(frequencies, amplitudes, decays, strict=True):
        sound += amplitude * _excite_mode(excitation, frequency, decay, sample_rate)
    return sound


def _excite_mode(
    excitation: np.ndarray, frequency: float, decay: float, sample_rate: int
) -> np.ndarray:
    if not 0 < frequency < _HIGHEST * sample_rate:
        return np.zeros_like(excitation)
    from scipy.signal import lfilter

    angle = 2 * np.pi * frequency / sample_rate
    radius = 10 ** (-3 / (decay * sample_rate))
    # its impulse response is radius^n · sin(angle · n)
    numerator = [0, radius * np.sin(angle)]
    return lfilter(numerator, [1, -2 * radius * np.cos(angle), radius**2], excitation)
