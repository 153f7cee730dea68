"""HearModel: one network, or several side by side, as the HEAR API sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from . import tagging
from .audio.downsampling import downsample
from .engine.backend import BACKEND, aligned_empty, device_scope, module_type
from .engine.embedder import Embedder
from .features import framing
from .pooling.scenes import PartsPooling, normalized
from .streaming import SceneStream, Stream
from .tagging import Tags


class HearModel(module_type()):  # type: ignore[misc]
    """A model of the HEAR API, made by `load_model`.

    A ``tf.Module`` on TensorFlow and a ``torch.nn.Module`` on PyTorch, where HEAR's tools
    recognise models by their type.

    Parameters
    ----------
    embedders : sequence of Embedder
        One; or the parts of an ensemble, whose embeddings are concatenated. The audio has the
        highest of their rates and is brought to each one's inside.
    weights_id : str
        Which weights: ``published:<name>@<digest>``, ``starter:<name>@<digest>``,
        ``file:<name>@<digest>`` or ``random:<seed>``; joined by ``+`` in an ensemble.
    """

    def __init__(self, embedders: Sequence[Embedder], weights_id: str):
        super().__init__()
        if BACKEND == "torch":
            import torch

            self._modules["parts"] = torch.nn.ModuleList(embedders)  # for .to() to find
        self._parts: Sequence[Embedder] = tuple(embedders)
        self._weights_id = weights_id

    @property
    def name(self) -> str:
        """Name of the preset; of an ensemble's presets, joined by ``+``."""
        return "+".join(part.config.model for part in self._parts)

    @property
    def embedders(self) -> tuple[Embedder, ...]:
        """The networks side by side; most models have one."""
        return tuple(self._parts)

    @property
    def weights_id(self) -> str:
        """Its weights, ``published:<name>@<digest>``, ``starter:…``, ``file:…``, ``random:…``."""
        return self._weights_id

    @property
    def config(self) -> dict[str, Any]:
        """The whole configuration as plain data, the keywords of `load_model`."""
        configs = [part.config.as_dict() for part in self._parts]
        return configs[0] if len(configs) == 1 else {"model": self.name, "parts": configs}

    @property
    def sample_rate(self) -> int:
        """Hertz, of the audio that the model takes."""
        return max(part.config.preset.sample_rate for part in self._parts)

    @property
    def timestamp_embedding_size(self) -> int:
        """Values in a timestamp's embedding."""
        return sum(part.config.timestamp_embedding_size for part in self._parts)

    @property
    def scene_embedding_size(self) -> int:
        """Values in a scene's embedding."""
        return sum(part.config.scene_embedding_size for part in self._parts)

    @property
    def hop_size(self) -> float:
        """Milliseconds between timestamps, by default."""
        config = self._parts[0].config
        return framing.hop_milliseconds(config.hop, config.preset.sample_rate)

    @property
    def scene_hop_size(self) -> float:
        """Milliseconds between the windows that a scene pools, by default."""
        config = self._parts[0].config
        return framing.hop_milliseconds(config.scene_hop, config.preset.sample_rate)

    def save_config(self, path: str | Path) -> None:
        """Write the configuration as JSON; ``load_model(path)`` gives the same model back."""
        Path(path).write_text(json.dumps(self.config, indent=2) + "\n", encoding="utf-8")

    def timestamp_embeddings(
        self, audio: np.ndarray, hop_size: float | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Embed clips at regular times.

        Parameters
        ----------
        audio : np.ndarray [shape=(n_sounds, n_samples), dtype=float32]
            Mono, at `sample_rate`, in [-1, 1].
        hop_size : float, optional
            Milliseconds; the model's own by default.

        Returns
        -------
        embeddings : np.ndarray [shape=(n_sounds, n_timestamps, size), dtype=float32]
        timestamps : np.ndarray [shape=(n_timestamps,), dtype=float64]
            Milliseconds.
        """
        hop = self._hop(self.hop_size if hop_size is None else hop_size)
        n_timestamps = framing.count_windows(audio.shape[1], hop)
        embeddings = self.embed_stretch(audio, n_timestamps, hop)
        return embeddings, framing.timestamps(n_timestamps, hop, self.sample_rate)

    def embed_stretch(
        self,
        audio: np.ndarray,
        n_timestamps: int,
        hop: Fraction,
        first: int = 0,
        origin: int = 0,
        *,
        normalize: bool = True,
    ) -> np.ndarray:
        """Embed clips at some of their times, from the samples that these times see.

        Parameters
        ----------
        audio : np.ndarray [shape=(n_sounds, n_samples), dtype=float32]
            As for `timestamp_embeddings`.
        n_timestamps : int
        hop : Fraction
            Samples between timestamps.
        first : int
            Number of the first timestamp; see `Embedder.embeddings`.
        origin : int
            Where in the clips the audio begins.
        normalize : bool
            Whether to normalise the embeddings, where the model does; a scene's windows are not.

        Returns
        -------
        np.ndarray [shape=(n_sounds, n_timestamps, size), dtype=float32]
        """
        shape = (len(audio), n_timestamps, self.timestamp_embedding_size)
        embeddings = aligned_empty(shape)
        counts = [n_timestamps] * len(audio)
        self._fill(list(embeddings), audio, counts, hop, first, origin, normalize)
        return embeddings

    def clip_embeddings(
        self, clips: Sequence[np.ndarray], hop_size: float | None = None
    ) -> list[np.ndarray]:
        """Embed clips of any lengths at regular times, as many windows at once as are fastest.

        Parameters
        ----------
        clips : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
            Mono, at `sample_rate`, in [-1, 1].
        hop_size : float, optional
            Milliseconds; the model's own by default.

        Returns
        -------
        list of np.ndarray [shape=(n_timestamps, size), dtype=float32]
            For each clip what `timestamp_embeddings` gives it alone.
        """
        hop = self._hop(self.hop_size if hop_size is None else hop_size)
        counts = [framing.count_windows(len(clip), hop) for clip in clips]
        outs = [np.empty((n, self.timestamp_embedding_size), np.float32) for n in counts]
        self._fill(outs, clips, counts, hop)
        return outs

    def scene_embeddings(
        self, audio: Sequence[np.ndarray] | np.ndarray, hop_size: float | None = None
    ) -> np.ndarray:
        """Embed whole clips.

        Parameters
        ----------
        audio : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
            Clips of any lengths. Mono, at `sample_rate`, in [-1, 1].
        hop_size : float, optional
            Milliseconds between the windows that are pooled; the model's own by default.

        Returns
        -------
        np.ndarray [shape=(n_sounds, size), dtype=float32]
        """
        hop = self._hop(self.scene_hop_size if hop_size is None else hop_size)
        counts = [framing.count_windows(len(clip), hop) for clip in audio]
        pooled = [self.scene_pooling() for _ in audio]
        for columns, _, runs in self._by_part(audio, counts, hop):
            for sound, _, rows in runs:
                pooled[sound].add(columns, rows)
        return np.stack([scene.result() for scene in pooled])

    def scene_pooling(self) -> PartsPooling:
        """Return what pools the windows of one clip, part by part."""
        configs = [part.config for part in self._parts]
        return PartsPooling(
            [(c.timestamp_embedding_size, c.scene_pooling, c.normalize) for c in configs]
        )

    @property
    def windows_at_once(self) -> int:
        """Windows that are computed at once: the fewest that are as fast as more."""
        return max(part.windows_at_once() for part in self._parts)

    def stream(self, hop_size: float | None = None) -> Stream:
        """Embed audio as it comes: what `get_timestamp_embeddings` makes of the whole of it.

        Parameters
        ----------
        hop_size : float, optional
            Milliseconds; the model's own by default.

        Returns
        -------
        Stream
            Its `Stream.push` takes samples and its `Stream.flush` ends it.

        Raises
        ------
        OptionError
            If the hop is no number of milliseconds between a sample and an hour, or the framing
            is dense.

        Examples
        --------
        >>> stream = model.stream(hop_size=500)  # doctest: +SKIP
        >>> embeddings, timestamps = stream.push(samples)  # doctest: +SKIP
        >>> embeddings, timestamps = stream.flush()  # doctest: +SKIP
        """
        hop = self._hop(self.hop_size if hop_size is None else hop_size)
        return Stream(self, hop)

    def scene_stream(self, hop_size: float | None = None) -> SceneStream:
        """Embed a whole clip that comes piece by piece: what `get_scene_embeddings` makes of it.

        Parameters
        ----------
        hop_size : float, optional
            Milliseconds between the windows that are pooled; the model's own by default.

        Returns
        -------
        SceneStream
            Its `SceneStream.push` takes samples and its `SceneStream.flush` gives the embedding.

        Raises
        ------
        OptionError
            As `stream`.
        """
        return SceneStream(self, self._hop(self.scene_hop_size if hop_size is None else hop_size))

    def tag(self, audio: np.ndarray, hop_size: float | None = None) -> Tags:
        """Score AudioSet's classes in one clip. YAMNet alone; see `tagging.tag`.

        Parameters
        ----------
        audio : np.ndarray [shape=(n_samples,), dtype=float32]
            Mono, at `sample_rate`, in [-1, 1].
        hop_size : float, optional
            Milliseconds between windows; 480 by default, as published.

        Returns
        -------
        Tags
            Names, scores over time, and `Tags.top` for the clip.
        """
        return tagging.tag(self, audio, hop_size)

    def device_scope(self) -> AbstractContextManager:
        """Return a scope in which Keras makes tensors on the model's device."""
        return device_scope(next(iter(self._parts[0].encoder.tensors.values())))

    def _hop(self, hop_size: float) -> Fraction:
        return framing.hop_samples(hop_size, self.sample_rate)

    def _fill(
        self,
        outs: Sequence[np.ndarray],
        clips: Sequence[np.ndarray] | np.ndarray,
        counts: Sequence[int],
        hop: Fraction,
        first: int = 0,
        origin: int = 0,
        normalize: bool = True,
    ) -> None:
        """Write each clip's embeddings into its array [shape=(count, size)]."""
        for columns, part, runs in self._by_part(clips, counts, hop, first, origin):
            for sound, number, rows in runs:
                if normalize and part.config.normalize == "l2":
                    rows = normalized(rows)
                outs[sound][number : number + len(rows), columns] = rows

    def _by_part(
        self,
        clips: Sequence[np.ndarray] | np.ndarray,
        counts: Sequence[int],
        hop: Fraction,
        first: int = 0,
        origin: int = 0,
    ) -> Iterator[tuple[slice, Embedder, Iterator]]:
        """Give each part its own audio, and its columns of the timestamps' embeddings."""
        done = 0
        for part in self._parts:
            rate = part.config.preset.sample_rate
            size = part.config.timestamp_embedding_size
            own = downsample(clips, self.sample_rate, rate)
            own_hop, own_origin = hop * rate / self.sample_rate, origin * rate // self.sample_rate
            runs = part.embeddings(own, counts, own_hop, first, own_origin)
            yield slice(done, done + size), part, runs
            done += size

    def __repr__(self) -> str:
        hops = f"hop_size={self.hop_size:.6g} ms, scene_hop_size={self.scene_hop_size:.6g} ms"
        dense = any(part.config.framing == "dense" for part in self._parts)
        return (
            f"HearModel({self.name!r}, {self.timestamp_embedding_size} values a timestamp, "
            f"{self.scene_embedding_size} a scene, {self.sample_rate} Hz, {hops}, "
            + ("framing='dense', " if dense else "")
            + f"weights={self.weights_id!r})"
        )
