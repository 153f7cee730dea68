"""Many heads of one network in one pass: the study's way to embed.

The windows' maps are computed once and go through every head; `load_model` has one head a model.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from hear_openl3_yamnet.config.options import Config, configure
from hear_openl3_yamnet.engine.embedder import Embedder
from hear_openl3_yamnet.engine.encoder import Encoder
from hear_openl3_yamnet.features import framing
from hear_openl3_yamnet.pooling import windows as heads
from hear_openl3_yamnet.pooling.scenes import ScenePooling

MEMORY_LIMIT = 2**29
"""Bytes: whole maps and many heads take several times what one head's activations do."""


class ManyHeadsEncoder(Encoder):
    """An encoder whose rows are those of several heads side by side."""

    def __init__(
        self, config: Config, weights: Mapping[str, np.ndarray], precision: str, heads: list[Config]
    ):
        super().__init__(config, weights, precision)
        self.head_configs = tuple(heads)

    @property
    def rows_shape(self) -> tuple[int, int]:
        """Rows that a window gives, and the size of all heads together."""
        return super().rows_shape[0], sum(c.timestamp_embedding_size for c in self.head_configs)

    def _head(self, maps: Mapping[str, Any]) -> Any:
        from keras import ops

        rows = [
            ops.reshape(
                head(config, maps), (-1, self.rows_shape[0], config.timestamp_embedding_size)
            )
            for config in self.head_configs
        ]
        return ops.concatenate(rows, axis=2)


def head(config: Config, maps: Mapping[str, Any]) -> Any:
    """Pool maps of windows as a configuration says [shape=(n_rows, size)]."""
    from keras import ops

    tapped = [ops.cast(maps[layer], "float32") for layer in config.layers]
    if config.pooling == "fusion":
        return heads.fuse(tapped)
    if config.time == "frame":
        count = config.columns[1]
        places = map(config.layer_columns, config.layers)
        tapped = [
            heads.columns(x, first, count, step)
            for x, (first, step) in zip(tapped, places, strict=True)
        ]
    pooled = [
        heads.pool(x, config.pooling, config.layer_grid(layer), config.gem_p)
        for layer, x in zip(config.layers, tapped, strict=True)
    ]
    return ops.concatenate(pooled, axis=1)


def pass_key(config: Config) -> tuple:
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
    configs : sequence of Config
        Of one `pass_key`.
    weights : mapping of np.ndarray
    """

    def __init__(self, configs: Sequence[Config], weights: Mapping[str, np.ndarray]):
        self.distinct = list({_within_window(config): None for config in configs})
        layers = tuple(dict.fromkeys(layer for config in configs for layer in config.layers))
        # a pooling that cannot go band by band, so that the maps come whole to `_head`
        union = dataclasses.replace(
            configs[0],
            layers=layers,
            pooling="max+mean",
            grid=(1, 1),
            scene_pooling="mean",
            memory_limit=MEMORY_LIMIT,
        )
        self._embedder = Embedder(union, weights)
        self._embedder.encoder = ManyHeadsEncoder(
            union, weights, self._embedder.precision, self.distinct
        )
        self._configs = list(configs)
        ends = np.cumsum([config.timestamp_embedding_size for config in self.distinct])
        self._slices = {
            config: slice(int(end) - config.timestamp_embedding_size, int(end))
            for config, end in zip(self.distinct, ends, strict=True)
        }
        self.sample_rate = configs[0].preset.sample_rate

    def rows(
        self, clips: Sequence[np.ndarray], hop: Fraction
    ) -> Iterator[tuple[int, int, np.ndarray]]:
        """Embed clips: (clip, number of the first timestamp, rows of all heads)."""
        counts = [framing.count_windows(len(clip), hop) for clip in clips]
        return self._embedder.embeddings(clips, counts, hop)

    def scenes(self, clips: Sequence[np.ndarray], hop: Fraction) -> list[np.ndarray]:
        """Embed whole clips: for each configuration [shape=(n_clips, size), dtype=float32]."""
        pooled = [
            [ScenePooling(c.scene_pooling, c.timestamp_embedding_size) for c in self._configs]
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


def _within_window(config: Config) -> Config:
    """Return the configuration without what happens after the window's head."""
    return dataclasses.replace(config, scene_pooling="mean", normalize="none")


def calibrated(
    config: Config, weights: Mapping[str, np.ndarray], clips: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    """Give an untrained network's batch norms the means and variances of its maps on sounds.

    Without it, what deep layers of random networks see differs from sound to sound by little
    beside what it has in common.

    Parameters
    ----------
    config : Config
    weights : mapping of np.ndarray
        Untrained.
    clips : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
        At the preset's rate; one window of each is taken, from its middle.
    """
    from hear_openl3_yamnet.backbones import folding

    whole = {"layers": "logmel", "grid": ("all", "all"), "pooling": "max"}
    probe = configure(config.model, weights="random", **whole)
    front_end, backbone = probe.front_end, probe.preset.network.backbone
    embedder = Embedder(probe, weights)
    windows = []
    for clip in clips:
        number = len(clip) // 2 // front_end.window  # hops of a window; the middle one
        rows = embedder.embeddings([clip], [number + 1], Fraction(front_end.window))
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
