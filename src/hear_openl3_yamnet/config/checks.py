"""Checks of a model's options, one by one and in combination."""

from __future__ import annotations

import math
from typing import Any

from ..backbones.subsampling import POOLINGS
from ..errors import OptionError
from ..features import framing
from ..pooling import scenes, windows
from . import geometry
from .options import Options

_CHOICES: dict[str, Any] = {
    "pooling": windows.POOLINGS,
    "time": ("window", "frame"),
    "subsampling": tuple(POOLINGS),
    "scene_pooling": tuple(scenes.VECTORS),
    "normalize": ("none", "l2"),
    "framing": ("exact", "dense"),
    "sharing": ("auto", "off"),
    "precision": ("float32", "bfloat16", "float16", "auto"),
}


def cleaned(options: Options) -> dict[str, Any]:
    """Check each option by itself, and return those whose type has to change."""
    for name, choices in _CHOICES.items():
        _one_of(name, getattr(options, name), choices)
    if options.subsampling not in options.backbone.SUBSAMPLINGS:
        listed = " or ".join(map(repr, options.backbone.SUBSAMPLINGS))
        raise OptionError(
            f"{options.model} takes only subsampling={listed}: its strides were trained, and "
            f"nothing else can replace them. Received: subsampling={options.subsampling!r}"
        )
    several = isinstance(options.layers, list | tuple)
    layers = tuple(options.layers) if several else (options.layers,)
    for layer in layers:
        _one_of("layers", layer, options.backbone.LAYERS)
    if len(set(layers)) < len(layers) or not layers:
        raise OptionError(
            "layers must name one or several layers, each at most once. "
            f"Received: layers={layers!r}"
        )
    result: dict[str, Any] = {"layers": layers, "grid": _clean_grid(options.grid)}
    for name in ("batch_size", "memory_limit"):
        if getattr(options, name) is not None:
            result[name] = _whole(name, getattr(options, name))
    if not _is_number(options.gem_p) or not 0 < options.gem_p < math.inf:
        raise OptionError(f"gem_p must be a number above 0. Received: gem_p={options.gem_p!r}")
    if options.window_size != "native":
        result["window_size"] = _clean_window_size(options)
    for name in ("hop_size", "scene_hop_size"):
        if getattr(options, name) != "native":
            framing.hop_samples(getattr(options, name), options.preset.sample_rate, name)
            result[name] = float(getattr(options, name))
    result["weights"] = str(options.weights)
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


def _clean_window_size(options: Options) -> float:
    own = options.preset.front_end
    if not options.backbone.ANY_WINDOW:
        raise OptionError(
            "OpenL3 and OpenL3-lite take windows of 1 s alone (OpenL3's last pooling has that "
            "shape, and OpenL3-lite was trained on it). Only YAMNet takes others. "
            f"Received: window_size={options.window_size!r}"
        )
    shortest = 1000 * own.frame_length / own.sample_rate
    size = options.window_size
    if not _is_number(size) or not shortest <= float(size) <= 60_000:
        raise OptionError(
            f"window_size must be 'native' or a number of milliseconds from {shortest:g} (one "
            f"STFT frame) to 60000. Received: window_size={size!r}"
        )
    return float(size)


def check_together(options: Options) -> None:
    """Check that the options can be combined."""
    if options.pooling == "fusion" and options.grid != (1, 1):
        raise OptionError(
            "pooling='fusion' keeps all bands and pools over time; it takes no grid. "
            f"Received: grid={options.grid!r}"
        )
    if options.time == "frame":
        _check_frames(options)
    if options.framing == "dense" and (
        options.preset.sharing is None or options.subsampling != "max"
    ):
        raise OptionError(
            "framing='dense' is made for OpenL3 with subsampling='max'. Received: "
            f"{options.model} (network {options.backbone.NAME}) with "
            f"subsampling={options.subsampling!r}"
        )
    for layer in options.layers:
        bands, frames, _ = geometry.map_shape(options, layer)
        if options.time == "frame":
            frames = geometry.layer_frames(options, layer)[1]
        if windows.cells((bands, frames), geometry.layer_grid(options, layer)) is None:
            raise OptionError(
                f"The map of {layer} has {bands} bands and {frames} frames; it can be cut into "
                f"{_listed(windows.possible_counts(bands))} cells over bands and "
                f"{_listed(windows.possible_counts(frames))} over frames. "
                f"Received: grid={options.grid!r}"
            )


def _check_frames(options: Options) -> None:
    front_end = options.front_end
    stride = geometry.map_frame_hop(options) // front_end.frame_hop
    if options.window_size != "native" and front_end.n_frames % stride:
        sizes = [
            1000 * ((stride * n - 1) * front_end.frame_hop + front_end.frame_length)
            for n in (1, 2, 3)
        ]
        listed = ", ".join(f"{size / front_end.sample_rate:g}" for size in sizes)
        raise OptionError(
            f"time='frame' needs windows of whole map frames, of {stride} STFT frames each: "
            f"{listed} … ms. Received: window_size={options.window_size!r}"
        )
    refused = {
        "pooling='fusion', which pools over time": options.pooling == "fusion",
        "a grid over frames; take grid=(bands, 1)": options.grid[1] != 1,
        "'predictions', which have no frames": "predictions" in options.layers,
        "subsampling='aps', which moves frames depending on the signal": (
            options.subsampling == "aps"
        ),
    }
    for what, found in refused.items():
        if found:
            raise OptionError(
                f"time='frame' keeps single frames. It cannot be combined with {what}."
            )


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:-1])) + f" or {numbers[-1]}" if numbers[1:] else "1"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


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
