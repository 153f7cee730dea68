"""The configuration of one model: every option of `load_model`, validated once."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from ..errors import OptionError
from ..features import framing
from ..features.frontends import FrontEnd
from ..pooling import scenes
from ..pooling import windows as heads
from . import checks as validation
from .presets import Preset, get_preset

SCENE_HOPS_PER_NATIVE_HOP = 12
"""Scenes are pooled over windows about half a second apart, as both HEAR submissions did."""

FUSED_LAYERS = {"openl3": ("block2", "block4"), "yamnet": ("layer7", "layer14")}
"""A middle and the last layer, as Niizumi et al. (2022) chose for VGGish and CNN14."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """A model's configuration. Its fields are the options of `load_model`.

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
        Windows computed at a time; None: as many as `memory_limit` admits, up to what is fast.
    pooling : str
        How a window's map becomes a vector: one of `heads.POOLINGS`.
    grid : (int or "all", int or "all")
        Cells over bands and frames that are pooled each on its own.
    gem_p : float
        Exponent of ``pooling="gem"``.
    layers : tuple of str
        Layers whose pooled maps are concatenated; the network's last by default.
    time : str
        ``window``: a timestamp's embedding pools a whole window. ``frame``: it pools the maps'
        column at that time.
    window_size : float or "native"
        Milliseconds; YAMNet alone takes other windows than its own 975 ms.
    subsampling : str
        ``max`` (published), ``blur`` or ``aps``.
    scene_pooling : str
        How windows become a scene: one of `scenes.PARTS`.
    normalize : str
        ``none``, or ``l2``: embeddings of unit length.
    framing : str
        ``exact``: windows as published. ``dense``: OpenL3 as one long convolution, another
        function and a much cheaper one (docs/performance.md).
    sharing : str
        ``auto``: overlapping windows share convolutions where that is exact and pays. ``off``:
        never.
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

    def __post_init__(self) -> None:
        for name, value in validation.cleaned(self).items():
            object.__setattr__(self, name, value)
        validation.check_head(self)
        for hop in (self.hop, self.scene_hop):  # computing them checks them
            assert hop >= 1

    @property
    def preset(self) -> Preset:
        """The preset that `model` names."""
        return get_preset(self.model)

    @cached_property
    def front_end(self) -> FrontEnd:
        """The preset's front end, with windows of `window_size`."""
        own = self.preset.front_end
        if self.window_size == "native":
            return own
        window = round(float(self.window_size) * own.sample_rate / 1000)
        n_frames = (window - own.frame_length) // own.frame_hop + 1
        return dataclasses.replace(own, window=window, n_frames=n_frames)

    def map_shape(self, layer: str) -> tuple[int, int, int]:
        """Return (bands, frames, channels) of a layer's map of one window."""
        front_end = self.front_end
        return self.preset.network.backbone.map_shape(layer, front_end.n_bands, front_end.n_frames)

    @property
    def _coarsest(self) -> str:
        return min(self.layers, key=lambda layer: self.map_shape(layer)[1])

    @property
    def n_columns(self) -> int:
        """Columns of the coarsest map in use."""
        return self.map_shape(self._coarsest)[1]

    @property
    def column_hop(self) -> int:
        """Samples between the columns of the coarsest map in use."""
        stride = self.preset.network.backbone.frame_stride(self._coarsest)
        return stride * self.front_end.frame_hop

    @property
    def columns(self) -> tuple[int, int]:
        """First of the columns that are taken from a window where time is kept, and how many.

        The middle half: there, a column of OpenL3's last map (its receptive field is 68 STFT
        frames, 8.5 columns) sees no zero padding.
        """
        count = max(1, self.n_columns // 2)
        return (self.n_columns - count + 1) // 2, count

    @property
    def first_column_centre(self) -> int:
        """Samples from a window's start to the centre of the first column taken from it."""
        front_end, backbone = self.front_end, self.preset.network.backbone
        centres = backbone.column_centres(self._coarsest, front_end.n_frames)
        middle = centres[self.columns[0]] * front_end.frame_hop + front_end.frame_length / 2
        return round(middle)

    def layer_columns(self, layer: str) -> tuple[int, int]:
        """Return a layer's first column to take where time is kept, and how many make up one.

        A finer map's columns are those around the coarsest map's column, by their centres.
        """
        backbone, n_frames = self.preset.network.backbone, self.front_end.n_frames
        wanted = backbone.column_centres(self._coarsest, n_frames)[self.columns[0]]
        step = backbone.frame_stride(self._coarsest) // backbone.frame_stride(layer)
        centres = backbone.column_centres(layer, n_frames)
        firsts = range(len(centres) - self.columns[1] * step + 1)
        nearest = min(firsts, key=lambda i: abs(centres[i : i + step].mean() - wanted))
        return nearest, step

    def columns_per_timestamp(self, hop: Fraction) -> int | None:
        """Return a hop as a number of columns; None if it is no whole number of few enough."""
        columns = hop / self.column_hop
        whole = columns.denominator == 1 and columns <= self.columns[1]
        return int(columns) if whole else None

    def timestamps_per_window(self, hop: Fraction) -> int:
        """Return how many timestamps one window gives where time is kept."""
        step = self.columns_per_timestamp(hop)
        return self.columns[1] // step if step else 1

    @property
    def native_hop(self) -> int:
        """Samples: the network's native hop, or one column where time is kept."""
        return self.column_hop if self.time == "frame" else self.preset.network.native_hop

    @property
    def hop(self) -> Fraction:
        """Samples between timestamps."""
        return self._hop(self.hop_size, self.native_hop)

    @property
    def scene_hop(self) -> Fraction:
        """Samples between the windows that a scene pools; columns where time is kept."""
        native = self.native_hop
        return self._hop(
            self.scene_hop_size,
            native if self.time == "frame" else SCENE_HOPS_PER_NATIVE_HOP * native,
        )

    def _hop(self, size: float | str, native: int) -> Fraction:
        if size == "native":
            return Fraction(native)
        return framing.hop_samples(size, self.preset.sample_rate)  # type: ignore[arg-type]

    def layer_grid(self, layer: str) -> tuple[int, int]:
        """Return the grid on a layer's map, ``all`` spelled out."""
        bands, frames, _ = self.map_shape(layer)
        if self.time == "frame":
            frames = self.layer_columns(layer)[1]
        rows, columns = self.grid
        return (bands if rows == "all" else int(rows), frames if columns == "all" else int(columns))

    @property
    def timestamp_embedding_size(self) -> int:
        """Values in a timestamp's embedding."""
        if self.pooling == "fusion":
            shapes = [self.map_shape(layer) for layer in self.layers]
            return sum(bands * channels for bands, _, channels in shapes)
        per_cell = heads.vectors_per_cell(self.pooling)
        return per_cell * sum(
            math.prod(self.layer_grid(layer)) * self.map_shape(layer)[2] for layer in self.layers
        )

    @property
    def scene_embedding_size(self) -> int:
        """Values in a scene's embedding."""
        return len(scenes.PARTS[self.scene_pooling]) * self.timestamp_embedding_size

    def as_dict(self) -> dict[str, Any]:
        """Return the options as plain data, as `load_model` and JSON take them."""
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in dataclasses.asdict(self).items()
        }


def options() -> list[str]:
    """Return the names of `load_model`'s options."""
    names = [field.name for field in dataclasses.fields(Config) if field.name != "model"]
    return ["embedding_size", *names]


def configure(model: str, **given: Any) -> Config:
    """Build the configuration of a preset with some options changed.

    Parameters
    ----------
    model : str
        Name of a preset.
    **given
        Options of `load_model`.

    Raises
    ------
    OptionError
        If an option or a value does not exist, or some do not go together. The message lists
        what there is.
    """
    unknown = [name for name in given if name not in options()]
    if unknown:
        raise OptionError(
            f"There is no option of that name. Options: {', '.join(options())}. "
            f"Received: {unknown[0]}={given[unknown[0]]!r}"
        )
    preset = get_preset(model)
    settings = {**preset.defaults, **_from_embedding_size(preset, given)}
    if not settings.get("layers"):
        name = preset.network.name
        fused = settings.get("pooling") == "fusion"
        settings["layers"] = FUSED_LAYERS[name] if fused else (preset.network.last_layer,)
    return Config(model=model, **settings)


def _from_embedding_size(preset: Preset, given: Mapping[str, Any]) -> dict[str, Any]:
    """Translate OpenL3's published embedding sizes into their heads."""
    settings = dict(given)
    size = settings.pop("embedding_size", None)
    if size is None:
        return settings
    heads_given = [name for name in ("pooling", "grid", "layers", "time") if name in settings]
    if heads_given:
        raise OptionError(
            "embedding_size chooses one of OpenL3's published heads; give it or "
            f"{', '.join(heads_given)}, not both. Received: embedding_size={size!r}, "
            + ", ".join(f"{name}={settings[name]!r}" for name in heads_given)
        )
    grids = {512: (1, 1), 6144: (4, 3)}
    if preset.network.name != "openl3":
        raise OptionError(
            "embedding_size is OpenL3's (512 or 6144); YAMNet's 1024 values change with pooling, "
            f"grid and layers. Received: embedding_size={size!r} for {preset.name}"
        )
    if size not in list(grids):  # a list has no hash
        raise OptionError(f"embedding_size must be 512 or 6144. Received: {size!r}")
    return {**settings, "pooling": "max", "grid": grids[size]}
