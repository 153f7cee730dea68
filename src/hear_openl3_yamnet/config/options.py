"""The options of a model, as data."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..backbones import Backbone
from ..features.frontends import FrontEnd
from .presets import Preset, get_preset


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of one network, which are those of `load_model`. `configure` checks them.

    Attributes
    ----------
    model : str
        Name of the preset.
    weights : str
        ``published``, ``starter`` (this project's own, for 128 mel bands and for YAMNet), a path,
        ``random`` or ``random:SEED``.
    hop_size, scene_hop_size : float or "native"
        Milliseconds between timestamps, and between the windows that a scene pools.
    batch_size : int or None
        Windows that are computed together. None: as many as `memory_limit` allows, up to the
        number that is fastest.
    pooling : str
        How a window's map becomes a vector, one of `pooling.windows.POOLINGS`.
    grid : (int or "all", int or "all")
        Number of cells over bands and over frames. Each cell is pooled by itself.
    gem_p : float
        Exponent of ``pooling="gem"``.
    layers : tuple of str
        Layers whose pooled maps are concatenated; by default the network's last one.
    time : str
        ``window``: a timestamp's embedding pools a whole window. ``frame``: it pools the frame of
        the maps at that time.
    window_size : float or "native"
        Milliseconds. Only YAMNet takes other windows than its own, which is 975 ms.
    subsampling : str
        ``max`` (published), ``blur`` or ``aps``.
    scene_pooling : str
        How windows become a scene, one of `pooling.scenes.VECTORS`.
    normalize : str
        ``none``, or ``l2``: embeddings of unit length.
    framing : str
        ``exact``: windows as published. ``dense``: OpenL3 as one long convolution. It is another
        function, and a much cheaper one (docs/performance.md).
    sharing : str
        ``auto``: overlapping windows share convolutions where the result is the same and it saves
        time. ``off``: never. It is for measuring.
    precision : str
        Of the convolutions: ``float32``, ``bfloat16``, ``float16``, or ``auto``: bfloat16 where
        the processor has instructions for it.
    memory_limit : int or None
        Bytes of activations held at once; None: 2 GiB, on a GPU 12 GiB or what is free.
    """

    model: str
    weights: str = "published"
    hop_size: float | str = "native"
    scene_hop_size: float | str = "native"
    batch_size: int | None = None
    pooling: str = "max"
    grid: tuple[int | str, int | str] = (1, 1)
    gem_p: float = 3.0
    layers: tuple[str, ...] = ()
    time: str = "window"
    window_size: float | str = "native"
    subsampling: str = "max"
    scene_pooling: str = "mean"
    normalize: str = "none"
    framing: str = "exact"
    sharing: str = "auto"
    precision: str = "float32"
    memory_limit: int | None = None

    @property
    def preset(self) -> Preset:
        """The preset that `model` names."""
        return get_preset(self.model)

    @property
    def backbone(self) -> Backbone:
        """The preset's network."""
        return self.preset.backbone

    @cached_property
    def front_end(self) -> FrontEnd:
        """The preset's front end, with windows of `window_size`."""
        own = self.preset.front_end
        if self.window_size == "native":
            return own
        return own.with_window(float(self.window_size))

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain data, as `load_model` and JSON take them."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in dataclasses.asdict(self).items()
        }


def option_names() -> list[str]:
    """Return the names of `load_model`'s options."""
    names = [field.name for field in dataclasses.fields(Options) if field.name != "model"]
    return ["embedding_size", *names]
