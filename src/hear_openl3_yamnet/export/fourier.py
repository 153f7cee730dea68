"""A short-time Fourier transform of slices and matrix products, which every runtime has."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..features.frontends import FrontEnd


def frames(samples: Any, front_end: FrontEnd) -> Any:
    """Cut windows into tapered STFT frames. Zeros follow the end of a window.

    Parameters
    ----------
    samples : tensor [shape=(n_windows, window), dtype=float32]
    front_end : FrontEnd

    Returns
    -------
    tensor [shape=(n_windows * n_frames, fft_length), dtype=float32]
    """
    from keras import ops

    hop, length, count = front_end.frame_hop, front_end.frame_length, front_end.n_frames
    per_frame = -(-length // hop)  # rows of one hop that a frame covers
    missing = (count + per_frame - 1) * hop - front_end.window
    samples = ops.pad(samples, [(0, 0), (0, max(0, missing))])
    rows = samples[:, : (count + per_frame - 1) * hop]
    rows = ops.reshape(rows, (-1, count + per_frame - 1, hop))
    cut = ops.concatenate([rows[:, i : i + count] for i in range(per_frame)], axis=2)
    tapered = cut[:, :, :length] * front_end.taper()
    padding = [(0, 0), (0, front_end.fft_length - length)]
    return ops.pad(ops.reshape(tapered, (-1, length)), padding)


def amplitudes(x: Any) -> Any:
    """Return the amplitudes of the discrete Fourier transform of real rows.

    For rows of N = n × m values, x[m·i + j], the transform at k + n·l is the sum over j of
    exp(−2πi·j·k/N) · exp(−2πi·j·l/m) · (the sum over i of exp(−2πi·i·k/n) · x[m·i + j]). This is a
    product with a small matrix, a multiplication of each value, and a second product (J. W. Cooley
    and J. W. Tukey, "An Algorithm for the Machine Calculation of Complex Fourier Series", 1965).

    Parameters
    ----------
    x : tensor [shape=(n_rows, N), dtype=float32]
        N is a power of two.

    Returns
    -------
    tensor [shape=(n_rows, N // 2 + 1), dtype=float32]
    """
    from keras import ops

    length = int(x.shape[1])
    n = 1 << (length.bit_length() // 2)
    m = length // n
    x = ops.reshape(ops.transpose(ops.reshape(x, (-1, n, m)), (0, 2, 1)), (-1, n))
    first = _waves(n, np.arange(n), n)
    turn = _waves(m, np.arange(n), length)  # [shape=(m, n)]
    real, imaginary = (
        ops.reshape(ops.matmul(x, part.astype(np.float32)), (-1, m, n))
        for part in (first.real, first.imag)
    )
    cosine, sine = turn.real.astype(np.float32), turn.imag.astype(np.float32)
    turned = ops.concatenate(
        [real * cosine - imaginary * sine, real * sine + imaginary * cosine], axis=1
    )
    turned = ops.reshape(ops.transpose(turned, (0, 2, 1)), (-1, 2 * m))
    last = _waves(m, np.arange(m // 2 + 1), m)
    real = ops.matmul(turned, np.concatenate([last.real, -last.imag]).astype(np.float32))
    imaginary = ops.matmul(turned, np.concatenate([last.imag, last.real]).astype(np.float32))
    size = ops.reshape(ops.sqrt(ops.square(real) + ops.square(imaginary)), (-1, n, m // 2 + 1))
    size = ops.reshape(ops.transpose(size, (0, 2, 1)), (-1, (m // 2 + 1) * n))
    return size[:, : length // 2 + 1]


def _waves(count: int, frequencies: np.ndarray, period: int) -> np.ndarray:
    """Return exp(−2πi·j·k/period) [shape=(count, n_frequencies), dtype=complex128]."""
    phase = np.outer(np.arange(count), frequencies) % period
    return np.exp(-2j * np.pi * phase / period)
