"""One network, or several side by side: rates, hops and sizes, and embeddings concatenated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from fractions import Fraction

import numpy as np

from ..config import geometry
from ..features import framing
from ..pooling.scenes import EnsemblePooling, normalized
from .backend import device_scope
from .embedder import Embedder, Rows
from .request import Request


class Ensemble:
    """Networks whose embeddings are concatenated. Most models have one.

    Parameters
    ----------
    networks : sequence of Embedder
        The audio has the highest of their rates, and each network gets it at its own rate.
    """

    def __init__(self, networks: Sequence[Embedder]):
        self.networks = tuple(networks)

    @property
    def sample_rate(self) -> int:
        """Hertz, of the audio."""
        return max(network.options.preset.sample_rate for network in self.networks)

    @property
    def timestamp_embedding_size(self) -> int:
        """Values in a timestamp's embedding."""
        return sum(geometry.timestamp_embedding_size(n.options) for n in self.networks)

    @property
    def scene_embedding_size(self) -> int:
        """Values in a scene's embedding."""
        return sum(geometry.scene_embedding_size(n.options) for n in self.networks)

    @property
    def hop_size(self) -> float:
        """Milliseconds between timestamps by default: those of the first network."""
        options = self.networks[0].options
        return framing.hop_milliseconds(geometry.hop(options), options.preset.sample_rate)

    @property
    def scene_hop_size(self) -> float:
        """Milliseconds between the windows that a scene pools by default."""
        options = self.networks[0].options
        return framing.hop_milliseconds(geometry.scene_hop(options), options.preset.sample_rate)

    @property
    def is_dense(self) -> bool:
        """Whether a network has ``framing="dense"``."""
        return any(network.options.framing == "dense" for network in self.networks)

    def windows_at_once(self) -> int:
        """Return how many windows are computed at once: the fewest that are as fast as more."""
        return max(network.windows_at_once() for network in self.networks)

    def hop(self, hop_size: float) -> Fraction:
        """Return a hop in milliseconds as a number of samples.

        Raises
        ------
        OptionError
            If it is not a number of milliseconds between a sample and an hour.
        """
        return framing.hop_samples(hop_size, self.sample_rate)

    def device_scope(self) -> AbstractContextManager:
        """Return a scope in which Keras makes tensors on the networks' device."""
        return device_scope(next(iter(self.networks[0].encoder.tensors.values())))

    def embed(self, clips: Sequence[np.ndarray], hop: Fraction) -> list[np.ndarray]:
        """Embed clips of any lengths at regular times.

        Windows of several clips are computed together, as many as are fastest.

        Parameters
        ----------
        clips : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
            Mono, at `sample_rate`.
        hop : Fraction
            Samples between timestamps.

        Returns
        -------
        list of np.ndarray [shape=(n_timestamps, timestamp_embedding_size), dtype=float32]
        """
        request = Request.whole(clips, hop, self.sample_rate)
        outs = [np.empty((n, self.timestamp_embedding_size), np.float32) for n in request.counts]
        self.write(outs, request)
        return outs

    def write(
        self, outs: Sequence[np.ndarray], request: Request, *, normalize: bool = True
    ) -> None:
        """Embed clips at regular times, into arrays.

        Parameters
        ----------
        outs : sequence of np.ndarray [shape=(n_timestamps, timestamp_embedding_size), \
dtype=float32]
            One for each clip.
        request : Request
            At `sample_rate`.
        normalize : bool
            Whether to normalise the embeddings, where the options say so. The windows of a scene
            are not normalised.
        """
        for values, network, runs in self._each(request):
            for run in runs:
                rows = run.embeddings
                if normalize and network.options.normalize == "l2":
                    rows = normalized(rows)
                outs[run.sound][run.number : run.number + len(rows), values] = rows

    def scenes(self, clips: Sequence[np.ndarray] | np.ndarray, hop: Fraction) -> np.ndarray:
        """Embed whole clips.

        Parameters
        ----------
        clips : sequence of np.ndarray [shape=(n_samples,), dtype=float32]
            Of any lengths. Mono, at `sample_rate`.
        hop : Fraction
            Samples between the windows that are pooled.

        Returns
        -------
        np.ndarray [shape=(n_sounds, scene_embedding_size), dtype=float32]
        """
        pooled = [self.scene_pooling() for _ in clips]
        for values, _, runs in self._each(Request.whole(clips, hop, self.sample_rate)):
            for run in runs:
                pooled[run.sound].add(values, run.embeddings)
        return np.stack([scene.result() for scene in pooled])

    def scene_pooling(self) -> EnsemblePooling:
        """Return what pools the windows of one clip, network by network."""
        return EnsemblePooling(
            [
                (geometry.timestamp_embedding_size(o), o.scene_pooling, o.normalize)
                for o in (network.options for network in self.networks)
            ]
        )

    def _each(self, request: Request) -> Iterator[tuple[slice, Embedder, Iterator[Rows]]]:
        """Give each network the audio at its own rate.

        Yields
        ------
        values : slice
            The values of a timestamp's embedding that the network computes.
        network : Embedder
        rows : iterator of Rows
        """
        done = 0
        for network in self.networks:
            size = geometry.timestamp_embedding_size(network.options)
            own = request.at_rate(network.options.preset.sample_rate)
            yield slice(done, done + size), network, network.embed(own)
            done += size
