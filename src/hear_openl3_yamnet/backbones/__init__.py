"""The networks. A network is one module with the names of `Backbone`, and a preset that uses it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from . import holistic, openl3, openl3_lite, yamnet

if TYPE_CHECKING:
    import keras


@runtime_checkable
class Backbone(Protocol):
    """What the rest of the package needs to know about a network.

    Attributes
    ----------
    NAME : str
        As weights files and the registry of weights name it.
    ORIGIN : str
        The address where the network was published.
    LAYERS : tuple of str
        The layers whose maps can be tapped, from the input to the last one. The first is
        ``logmel``, the input itself.
    LAST_LAYER : str
        The layer that the published embedding pools.
    FUSED_LAYERS : tuple of str
        The layers that ``pooling="fusion"`` fuses by default.
    NATIVE_HOP : int
        Samples between windows by default.
    ANY_WINDOW : bool
        Whether the network takes windows of other lengths than its own.
    SUBSAMPLINGS : tuple of str
        Names of the ways to halve a map that the network takes (`subsampling`).
    FASTEST_BATCH, FASTEST_BATCH_GPU : int
        Windows in a batch that keep a CPU, or a GPU, busy. More windows only take more memory.
    EPSILON : float
        Of the batch norms.
    WEIGHT_SHAPES : dict
        The weights' names and shapes, in the order of the published files.
    """

    NAME: str
    ORIGIN: str
    LAYERS: tuple[str, ...]
    LAST_LAYER: str
    FUSED_LAYERS: tuple[str, ...]
    NATIVE_HOP: int
    ANY_WINDOW: bool
    SUBSAMPLINGS: tuple[str, ...]
    FASTEST_BATCH: int
    FASTEST_BATCH_GPU: int
    EPSILON: float
    WEIGHT_SHAPES: dict[str, tuple[int, ...]]

    def fold(self, weights: dict[str, np.ndarray], /) -> dict[str, np.ndarray]:
        """Fold the batch norms of published weights into what `feature_maps` takes.

        The name of a folded weight begins with the name of its layer.
        """
        ...

    def random_weights(self, seed: int, /) -> dict[str, np.ndarray]:
        """Draw the weights of an untrained network, named and shaped as `WEIGHT_SHAPES`."""
        ...

    def feature_maps(
        self, weights: dict[str, Any], logmel: Any, layers: Collection[str], *, subsampling: str
    ) -> dict[str, Any]:
        """Run the network on log-mel windows [shape=(n_windows, bands, frames, 1)].

        Returns the map [shape=(n_windows, bands, frames, channels)] of each requested layer.
        """
        ...

    def map_shape(self, layer: str, bands: int, frames: int) -> tuple[int, int, int]:
        """Return (bands, frames, channels) of a layer's map of an input of that shape."""
        ...

    def frame_stride(self, layer: str, /) -> int:
        """Return how many input frames lie between two frames of a layer's map."""
        ...

    def frame_centres(self, layer: str, frames: int, /) -> np.ndarray:
        """Return the centre of each frame of a layer's map, in input frames from 0."""
        ...

    def keras_model(self, bands: int = ..., frames: int = ...) -> keras.Model:
        """Build the network with separate batch norms, for training and for comparison."""
        ...


class Sharing(Protocol):
    """How overlapping windows of a network share convolutions.

    Attributes
    ----------
    GRID : int
        Input frames between two frames of the network's last map. Windows can share convolutions
        if the distance between them is a multiple of it.
    """

    GRID: int

    def feature_maps(
        self,
        weights: dict[str, Any],
        shared: Any,
        tails: Any,
        at: Any,
        width: int,
        layers: Collection[str],
        pool_bands: Callable[[str, Any], Any] = ...,
    ) -> dict[str, Any]:
        """Compute the maps of windows that overlap: the result of `Backbone.feature_maps`."""
        ...

    def segment_maps(
        self,
        weights: dict[str, Any],
        segments: Any,
        at: Any,
        widths: Mapping[str, int],
        pool_bands: Callable[[str, Any], Any] = ...,
    ) -> dict[str, Any]:
        """Cut the maps of windows out of the maps of long segments, without edges of their own."""
        ...


BACKBONES: dict[str, Backbone] = {
    module.NAME: module for module in (openl3, yamnet, openl3_lite, holistic)
}
"""The networks whose weights can be read from files, by name."""


def get_backbone(name: str) -> Backbone:
    """Return the network of that name.

    Raises
    ------
    KeyError
        If there is none.
    """
    return BACKBONES[name]
