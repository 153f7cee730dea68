"""What the options of a configuration may be, each by itself and together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ..backbones.subsampling import POOLINGS as SUBSAMPLINGS
from ..errors import OptionError
from ..features import framing
from ..pooling import scenes
from ..pooling import windows as heads

if TYPE_CHECKING:
    from .options import Config

_CHOICES: dict[str, Any] = {
    "pooling": heads.POOLINGS,
    "time": ("window", "frame"),
    "subsampling": tuple(SUBSAMPLINGS),
    "scene_pooling": tuple(scenes.PARTS),
    "normalize": ("none", "l2"),
    "framing": ("exact", "dense"),
    "sharing": ("auto", "off"),
    "precision": ("float32", "bfloat16", "float16", "auto"),
}


def cleaned(config: Config) -> dict[str, Any]:
    """Check each option by itself; return those whose type had to be put right."""
    backbone = config.preset.network.backbone
    for name, choices in _CHOICES.items():
        _one_of(name, getattr(config, name), choices)
    several = isinstance(config.layers, list | tuple)
    layers = tuple(config.layers) if several else (config.layers,)
    for layer in layers:
        _one_of("layers", layer, backbone.LAYERS)
    if len(set(layers)) < len(layers) or not layers:
        raise OptionError(
            f"layers must name one or several layers, none twice. Received: layers={layers!r}"
        )
    result: dict[str, Any] = {"layers": layers, "grid": _clean_grid(config.grid)}
    for name in ("batch_size", "memory_limit"):
        if getattr(config, name) is not None:
            result[name] = _whole(name, getattr(config, name))
    if not isinstance(config.gem_p, int | float) or not 0 < config.gem_p < math.inf:
        raise OptionError(f"gem_p must be a number above 0. Received: gem_p={config.gem_p!r}")
    if config.window_size != "native":
        result["window_size"] = _clean_window_size(config)
    for name in ("hop_size", "scene_hop_size"):
        if getattr(config, name) != "native":
            framing.hop_samples(getattr(config, name), config.preset.sample_rate, name)
            result[name] = float(getattr(config, name))
    result["weights"] = str(config.weights)
    return result


def _clean_grid(grid: Any) -> tuple[int | str, int | str]:
    try:
        rows, columns = grid
    except (TypeError, ValueError):
        raise OptionError(
            "grid must be a pair: cells over bands and over frames, each a whole number or "
            f"'all'. Received: grid={grid!r}"
        ) from None
    rows, columns = (n if n == "all" else _whole("grid", n) for n in (rows, columns))
    return rows, columns


def _clean_window_size(config: Config) -> float:
    own = config.preset.front_end
    if config.preset.network.name != "yamnet":
        raise OptionError(
            "OpenL3 is published for windows of 1 s alone (its last pooling has that shape); "
            f"only YAMNet takes others. Received: window_size={config.window_size!r}"
        )
    shortest = 1000 * own.frame_length / own.sample_rate
    size = config.window_size
    if not isinstance(size, int | float) or not shortest <= size <= 60_000:
        raise OptionError(
            f"window_size must be 'native' or a number of milliseconds from {shortest:g} (one "
            f"STFT frame) to 60000. Received: window_size={size!r}"
        )
    return float(size)


def check_head(config: Config) -> None:
    """Check that pooling, grid, layers and time go together."""
    if config.pooling == "fusion" and config.grid != (1, 1):
        raise OptionError(
            "pooling='fusion' keeps all bands and pools over time; it takes no grid. "
            f"Received: grid={config.grid!r}"
        )
    if config.time == "frame":
        _check_frames(config)
    if config.framing == "dense" and (
        config.preset.network.name != "openl3" or config.subsampling != "max"
    ):
        raise OptionError(
            "framing='dense' is made for OpenL3 with subsampling='max'. Received: "
            f"{config.model} with subsampling={config.subsampling!r}"
        )
    for layer in config.layers:
        bands, frames, _ = config.map_shape(layer)
        if config.time == "frame":
            frames = config.layer_columns(layer)[1]
        if heads.cells((bands, frames), config.layer_grid(layer)) is None:
            raise OptionError(
                f"The map of {layer} has {bands} bands and {frames} frames; it can be cut into "
                f"{_listed(heads.possible_counts(bands))} cells over bands and "
                f"{_listed(heads.possible_counts(frames))} over frames. "
                f"Received: grid={config.grid!r}"
            )


def _check_frames(config: Config) -> None:
    front_end, stride = config.front_end, config.column_hop // config.front_end.frame_hop
    if config.window_size != "native" and front_end.n_frames % stride:
        sizes = [
            1000 * ((stride * n - 1) * front_end.frame_hop + front_end.frame_length)
            for n in (1, 2, 3)
        ]
        listed = ", ".join(f"{size / front_end.sample_rate:g}" for size in sizes)
        raise OptionError(
            f"time='frame' needs windows of whole columns, of {stride} STFT frames each: "
            f"{listed} … ms. Received: window_size={config.window_size!r}"
        )
    refused = {
        "pooling='fusion', which pools over time": config.pooling == "fusion",
        "a grid over frames; take grid=(bands, 1)": config.grid[1] != 1,
        "'predictions', which have no frames": "predictions" in config.layers,
        "subsampling='aps', which moves columns by what it hears": config.subsampling == "aps",
    }
    for what, found in refused.items():
        if found:
            raise OptionError(f"time='frame' keeps single frames; it does not go with {what}.")


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:-1])) + f" or {numbers[-1]}" if numbers[1:] else "1"


def _one_of(name: str, value: Any, choices: Any) -> Any:
    if value not in list(choices):
        listed = ", ".join(repr(choice) for choice in choices)
        raise OptionError(f"{name} must be one of {listed}. Received: {name}={value!r}")
    return value


def _whole(name: str, value: Any, *, lowest: int = 1) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__") or int(value) < lowest:
        raise OptionError(
            f"{name} must be a whole number, at least {lowest}. Received: {name}={value!r}"
        )
    return int(value)
