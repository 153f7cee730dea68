"""HearModel: one network, or several side by side, as the HEAR API sees them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .engine.backend import BACKEND, aligned_empty, module_type
from .engine.embedder import Embedder
from .engine.ensemble import Ensemble
from .engine.request import Request
from .features import framing
from .files import written_whole
from .streaming import SceneStream, Stream


class HearModel(module_type()):  # type: ignore[misc]
    """A model of the HEAR API, made by `load_model`.

    It can be pickled and copied, with its weights. A process that was forked after TensorFlow or
    JAX has computed cannot use it (`BackendError`). A spawned one can.

    It is a ``tf.Module`` on TensorFlow and a ``torch.nn.Module`` on PyTorch, because HEAR's tools
    recognise models by their type.

    Parameters
    ----------
    networks : sequence of Embedder
        One; or the networks of an ensemble, whose embeddings are concatenated. The audio has the
        highest of their rates, and each network gets it at its own rate.
    weights_id : str
        Which weights: ``published:<name>@<digest>``, ``starter:<name>@<digest>``,
        ``file:<name>@<digest>``, ``quantised:<name>@<digest>`` or ``random:<seed>``; joined by
        ``+`` in an ensemble.
    """

    def __init__(self, networks: Sequence[Embedder], weights_id: str):
        super().__init__()
        if BACKEND == "torch":
            import torch

            self._modules["networks"] = torch.nn.ModuleList(networks)  # for .to() to find
        self._ensemble = Ensemble(networks)
        self._weights_id = weights_id

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle and copy the model with its weights, so that no file is needed to load it."""
        return type(self), (list(self._ensemble.networks), self._weights_id)

    @property
    def name(self) -> str:
        """The name of the preset; in an ensemble, the names of the presets joined by ``+``."""
        return "+".join(network.options.model for network in self._ensemble.networks)

    @property
    def ensemble(self) -> Ensemble:
        """The networks with their options and weights, for code that works with these."""
        return self._ensemble

    @property
    def weights_id(self) -> str:
        """The weights: ``published:<name>@<digest>``, or another prefix (weights/README.md)."""
        return self._weights_id

    @property
    def config(self) -> dict[str, Any]:
        """All options as plain data: keywords of `load_model`."""
        options = [network.options.as_dict() for network in self._ensemble.networks]
        return options[0] if len(options) == 1 else {"model": self.name, "networks": options}

    @property
    def sample_rate(self) -> int:
        """The rate in hertz of the audio that the model takes."""
        return self._ensemble.sample_rate

    @property
    def timestamp_embedding_size(self) -> int:
        """The number of values in a timestamp's embedding."""
        return self._ensemble.timestamp_embedding_size

    @property
    def scene_embedding_size(self) -> int:
        """The number of values in a scene's embedding."""
        return self._ensemble.scene_embedding_size

    @property
    def hop_size(self) -> float:
        """Milliseconds between timestamps by default."""
        return self._ensemble.hop_size

    @property
    def scene_hop_size(self) -> float:
        """Milliseconds between the windows that a scene pools by default."""
        return self._ensemble.scene_hop_size

    def save_config(self, path: str | Path) -> None:
        """Write the options as JSON; ``load_model(path)`` makes the same model from it.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        with written_whole(Path(path)) as partial:
            partial.write_text(json.dumps(self.config, indent=2) + "\n", encoding="utf-8")

    def timestamp_embeddings(
        self, audio: np.ndarray, hop_size: float | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Embed clips at regular times.

        Parameters
        ----------
        audio : np.ndarray [shape=(n_sounds, n_samples), dtype=float32]
            Mono, at `sample_rate`, in [-1, 1]. It is not checked.
        hop_size : float, optional
            Milliseconds; the model's own by default.

        Returns
        -------
        embeddings : np.ndarray [shape=(n_sounds, n_timestamps, size), dtype=float32]
        timestamps : np.ndarray [shape=(n_timestamps,), dtype=float64]
            Milliseconds.

        Raises
        ------
        OptionError
            If the hop is not a number of milliseconds between a sample and an hour.
        """
        hop = self._ensemble.hop(self.hop_size if hop_size is None else hop_size)
        request = Request.whole(audio, hop, self.sample_rate)
        n_timestamps = request.counts[0]
        embeddings = aligned_empty((len(audio), n_timestamps, self.timestamp_embedding_size))
        self._ensemble.write(list(embeddings), request)
        return embeddings, framing.timestamps(n_timestamps, hop, self.sample_rate)

    def scene_embeddings(
        self, audio: Sequence[np.ndarray] | np.ndarray, hop_size: float | None = None
    ) -> np.ndarray:
        """Embed whole clips.

        Parameters
        ----------
        audio : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
            Clips of any lengths. Mono, at `sample_rate`, in [-1, 1]. They are not checked.
        hop_size : float, optional
            Milliseconds between the windows that are pooled; the model's own by default.

        Returns
        -------
        np.ndarray [shape=(n_sounds, size), dtype=float32]

        Raises
        ------
        OptionError
            If the hop is not a number of milliseconds between a sample and an hour.
        """
        hop = self._ensemble.hop(self.scene_hop_size if hop_size is None else hop_size)
        return self._ensemble.scenes(audio, hop)

    def stream(self, hop_size: float | None = None) -> Stream:
        """Embed audio as it arrives, with the result of `get_timestamp_embeddings` of the whole.

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
            If the hop is not a number of milliseconds between a sample and an hour, or if the
            framing is dense.

        Examples
        --------
        >>> stream = model.stream(hop_size=500)  # doctest: +SKIP
        >>> embeddings, timestamps = stream.push(samples)  # doctest: +SKIP
        >>> embeddings, timestamps = stream.flush()  # doctest: +SKIP
        """
        hop = self._ensemble.hop(self.hop_size if hop_size is None else hop_size)
        return Stream(self._ensemble, hop)

    def scene_stream(self, hop_size: float | None = None) -> SceneStream:
        """Embed a clip that arrives in blocks, with the result of `get_scene_embeddings`.

        Parameters
        ----------
        hop_size : float, optional
            Milliseconds between the windows that are pooled; the model's own by default.

        Returns
        -------
        SceneStream
            Its `SceneStream.push` takes samples and its `SceneStream.flush` returns the embedding.

        Raises
        ------
        OptionError
            As `stream`.
        """
        hop = self._ensemble.hop(self.scene_hop_size if hop_size is None else hop_size)
        return SceneStream(self._ensemble, hop)

    def __repr__(self) -> str:
        hops = f"hop_size={self.hop_size:.6g} ms, scene_hop_size={self.scene_hop_size:.6g} ms"
        return (
            f"HearModel({self.name!r}, {self.timestamp_embedding_size} values a timestamp, "
            f"{self.scene_embedding_size} a scene, {self.sample_rate} Hz, {hops}, "
            + ("framing='dense', " if self._ensemble.is_dense else "")
            + f"weights={self.weights_id!r})"
        )
