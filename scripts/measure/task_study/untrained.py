"""Weights of untrained networks that can be compared: their batch norms are calibrated."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

from hear_openl3_yamnet.config.configuring import configure
from hear_openl3_yamnet.config.options import Options
from hear_openl3_yamnet.engine.embedder import Embedder
from hear_openl3_yamnet.engine.request import Request


def calibrated(
    options: Options, weights: Mapping[str, np.ndarray], clips: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    """Give an untrained network's batch norms the means and variances of its maps on sounds.

    Without it, what deep layers of random networks see differs from sound to sound by little
    beside what it has in common.

    Parameters
    ----------
    options : Options
    weights : mapping of np.ndarray
        Untrained.
    clips : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
        At the preset's rate; one window of each is taken, from its middle.
    """
    from hear_openl3_yamnet.backbones import folding

    whole = {"layers": "logmel", "grid": ("all", "all"), "pooling": "max"}
    probe = configure(options.model, weights="random", **whole)
    front_end, backbone = probe.front_end, probe.backbone
    embedder = Embedder(probe, weights)
    windows = []
    for clip in clips:
        number = len(clip) // 2 // front_end.window  # hops of a window; the middle one
        hop = Fraction(front_end.window)
        rows = embedder.embed(Request([clip], [number + 1], hop, front_end.sample_rate))
        windows.append(np.concatenate([values for _, _, values in rows])[number])
    log_mel = np.stack(windows).reshape(-1, front_end.n_bands, front_end.n_frames, 1)
    model = backbone.keras_model(front_end.n_bands, front_end.n_frames)
    folding.set_keras_weights(model, weights)
    for layer in model.layers:
        if hasattr(layer, "moving_variance"):
            layer.momentum = 0.0  # the statistics become this batch's
    model(log_mel, training=True)
    return folding.keras_weights(model)


def digest(weights: Mapping[str, np.ndarray]) -> str:
    """Return a SHA-256 of weights, as hex."""
    total = hashlib.sha256()
    for name, value in sorted(weights.items()):
        total.update(name.encode() + np.ascontiguousarray(value).tobytes())
    return total.hexdigest()
