"""Many heads of one network in one pass: the study's way to embed.

The windows' maps are computed once and go through every head; `load_model` has one head a model.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from hear_openl3_yamnet.config import geometry
from hear_openl3_yamnet.config.configuring import configure
from hear_openl3_yamnet.config.options import Options
from hear_openl3_yamnet.engine.embedder import Embedder
from hear_openl3_yamnet.engine.request import Request
from hear_openl3_yamnet.pooling.scenes import ScenePooling

MEMORY_LIMIT = 2**29
"""Bytes: whole maps and many heads take several times what one head's activations do."""


def pass_key(config: Options) -> tuple:
    """Return what configurations must share to go through a network in one pass.

    Columns are taken where the coarsest layer has them, so kept time asks for equal layers.
    """
    layers = config.layers if config.time == "frame" else ()
    return (
        config.model,
        config.weights,
        config.subsampling,
        config.window_size,
        config.time,
        layers,
    )


class ManyHeads:
    """One network with several heads.

    Parameters
    ----------
    configs : sequence of Options
        Of one `pass_key`.
    weights : mapping of np.ndarray
    """

    def __init__(self, configs: Sequence[Options], weights: Mapping[str, np.ndarray]):
        self.distinct = list({_within_window(config): None for config in configs})
        layers = tuple(dict.fromkeys(layer for config in configs for layer in config.layers))
        union = dataclasses.replace(configs[0], layers=layers, memory_limit=MEMORY_LIMIT)
        heads = [geometry.head(config) for config in self.distinct]
        self._embedder = Embedder(union, weights, heads)
        self._configs = list(configs)
        sizes = [geometry.timestamp_embedding_size(config) for config in self.distinct]
        self._slices = {
            config: slice(int(end) - size, int(end))
            for config, size, end in zip(self.distinct, sizes, np.cumsum(sizes), strict=True)
        }
        self.sample_rate = configs[0].preset.sample_rate

    def rows(
        self, clips: Sequence[np.ndarray], hop: Fraction
    ) -> Iterator[tuple[int, int, np.ndarray]]:
        """Embed clips: (clip, number of the first timestamp, rows of all heads)."""
        return self._embedder.embed(Request.whole(clips, hop, self.sample_rate))

    def scenes(self, clips: Sequence[np.ndarray], hop: Fraction) -> list[np.ndarray]:
        """Embed whole clips: for each configuration [shape=(n_clips, size), dtype=float32]."""
        pooled = [
            [
                ScenePooling(c.scene_pooling, geometry.timestamp_embedding_size(c))
                for c in self._configs
            ]
            for _ in clips
        ]
        for sound, _, rows in self.rows(clips, hop):
            for config, pooling in zip(self._configs, pooled[sound], strict=True):
                pooling.add(rows[:, self._slices[_within_window(config)]])
        return [
            np.stack([poolings[i].result() for poolings in pooled])
            for i in range(len(self._configs))
        ]

    def timestamps(self, clips: Sequence[np.ndarray], hop: Fraction) -> list[list[np.ndarray]]:
        """Embed times: for each configuration and clip [shape=(n_timestamps, size)]."""
        found: list[list[np.ndarray]] = [[] for _ in clips]
        for sound, _, rows in self.rows(clips, hop):
            found[sound].append(np.array(rows))
        whole = [np.concatenate(runs) for runs in found]
        slices = [self._slices[_within_window(config)] for config in self._configs]
        return [[np.ascontiguousarray(rows[:, own]) for rows in whole] for own in slices]


def _within_window(config: Options) -> Options:
    """Return the configuration without what happens after the window's head."""
    return dataclasses.replace(config, scene_pooling="mean", normalize="none")


def calibrated(
    config: Options, weights: Mapping[str, np.ndarray], clips: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    """Give an untrained network's batch norms the means and variances of its maps on sounds.

    Without it, what deep layers of random networks see differs from sound to sound by little
    beside what it has in common.

    Parameters
    ----------
    config : Options
    weights : mapping of np.ndarray
        Untrained.
    clips : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
        At the preset's rate; one window of each is taken, from its middle.
    """
    from hear_openl3_yamnet.backbones import folding

    whole = {"layers": "logmel", "grid": ("all", "all"), "pooling": "max"}
    probe = configure(config.model, weights="random", **whole)
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


def save_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write arrays so that the file is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial.npz")
    np.savez(partial, **arrays)
    partial.replace(path)
