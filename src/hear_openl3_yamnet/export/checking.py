"""The comparison of an exported model with the model that it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..config import geometry

if TYPE_CHECKING:
    from ..model import HearModel


def check_windows(model: HearModel) -> np.ndarray:
    """Return the windows for the comparison.

    These are four chords in noise, from -60 dB to full scale in steps of 20 dB, a click, and
    silence. All except silence have a noise floor. In bands that contain only rounding errors, two
    correct Fourier transforms differ.

    Returns
    -------
    np.ndarray [shape=(6, window), dtype=float32]
    """
    front_end = model.ensemble.networks[0].options.front_end
    rng = np.random.default_rng(9)
    time = np.arange(front_end.window) / front_end.sample_rate
    noise = rng.standard_normal((5, front_end.window)) * 0.1
    pitches = rng.uniform(100, 3000, (4, 5, 1))
    chords = np.sin(2 * np.pi * pitches * time * (1 + 0.2 * time)).mean(axis=1)
    windows = np.zeros((6, front_end.window))
    windows[:4] = (chords + noise[:4]) * 10.0 ** np.arange(-3, 1)[:, None]
    windows[4] = noise[4] * 0.01
    windows[4, front_end.window // 3] += 0.9
    return np.clip(windows, -1, 1).astype(np.float32)


def model_embeddings(model: HearModel, windows: np.ndarray) -> np.ndarray:
    """Embed windows with the model itself, in the same way as the API.

    Parameters
    ----------
    model : HearModel
    windows : np.ndarray [shape=(n, window), dtype=float32]

    Returns
    -------
    np.ndarray [shape=(n, size), dtype=float32]
    """
    from ..engine.request import Request

    ensemble = model.ensemble
    (network,) = ensemble.networks
    hop = geometry.hop(network.options)
    start = int(network.window_starts(1, hop)[0])  # of the window of the first timestamp
    rows = np.empty((len(windows), 1, ensemble.timestamp_embedding_size), np.float32)
    counts = [1] * len(windows)
    ensemble.write(list(rows), Request(windows, counts, hop, model.sample_rate, origin=start))
    return rows[:, 0]


def largest_difference(got: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest relative L2 error of a row. NaN if a value is NaN, or if shapes differ.

    Errors are relative to at least a hundredth of the longest row, because the embedding of silence
    may be zero up to rounding.

    Parameters
    ----------
    got, expected : np.ndarray [shape=(n, size), dtype=float32]
    """
    if got.shape != expected.shape:
        return float("nan")
    errors = np.linalg.norm(got.astype(np.float64) - expected, axis=1)
    lengths = np.linalg.norm(expected.astype(np.float64), axis=1)
    shortest = max(0.01 * lengths.max(), np.finfo(np.float32).tiny)
    return float(np.max(errors / np.maximum(lengths, shortest)))
