"""What follows from a model's options before any audio is seen: hops, map frames, grids, sizes.

A map frame is a frame of a feature map. The coarsest map in use sets the grid in time of a model
with ``time="frame"``.
"""

from __future__ import annotations

from fractions import Fraction

from ..features import framing
from ..pooling import scenes, windows
from ..pooling.windows import Head, Tap
from .options import Options

SCENE_HOPS_PER_NATIVE_HOP = 12
"""Scenes are pooled over windows about half a second apart, as both HEAR submissions did."""


def map_shape(options: Options, layer: str) -> tuple[int, int, int]:
    """Return (bands, frames, channels) of a layer's map of one window."""
    front_end = options.front_end
    return options.backbone.map_shape(layer, front_end.n_bands, front_end.n_frames)


def coarsest_layer(options: Options) -> str:
    """Return the layer in use whose map has the fewest frames."""
    return min(options.layers, key=lambda layer: map_shape(options, layer)[1])


def map_frame_hop(options: Options) -> int:
    """Return the samples between two frames of the coarsest map in use."""
    stride = options.backbone.frame_stride(coarsest_layer(options))
    return stride * options.front_end.frame_hop


def kept_frames(options: Options) -> tuple[int, int]:
    """Return the first map frame that ``time="frame"`` takes from a window, and how many it takes.

    It takes the middle half. There, a frame of OpenL3's last map sees no zero padding: its
    receptive field is 68 STFT frames, which is 8.5 map frames.
    """
    n_frames = map_shape(options, coarsest_layer(options))[1]
    count = max(1, n_frames // 2)
    return (n_frames - count + 1) // 2, count


def first_frame_centre(options: Options) -> int:
    """Return the samples from a window's start to the centre of its first kept map frame."""
    front_end = options.front_end
    centres = options.backbone.frame_centres(coarsest_layer(options), front_end.n_frames)
    middle = centres[kept_frames(options)[0]] * front_end.frame_hop + front_end.frame_length / 2
    return round(middle)


def layer_frames(options: Options, layer: str) -> tuple[int, int]:
    """Return a layer's first kept map frame, and how many of its frames make up one embedding.

    Of a finer map, they are the frames around the coarsest map's frame, by their centres.
    """
    backbone, n_frames = options.backbone, options.front_end.n_frames
    first, count = kept_frames(options)
    coarsest = coarsest_layer(options)
    wanted = backbone.frame_centres(coarsest, n_frames)[first]
    step = backbone.frame_stride(coarsest) // backbone.frame_stride(layer)
    centres = backbone.frame_centres(layer, n_frames)
    firsts = range(len(centres) - count * step + 1)
    nearest = min(firsts, key=lambda i: abs(centres[i : i + step].mean() - wanted))
    return nearest, step


def frames_per_timestamp(options: Options, hop: Fraction) -> int | None:
    """Return a hop as a number of map frames. None if it is not a whole number, or too large."""
    frames = hop / map_frame_hop(options)
    whole = frames.denominator == 1 and frames <= kept_frames(options)[1]
    return int(frames) if whole else None


def timestamps_per_window(options: Options, hop: Fraction) -> int:
    """Return how many timestamps are computed from one window: 1, unless time is kept."""
    if options.time != "frame":
        return 1
    step = frames_per_timestamp(options, hop)
    return kept_frames(options)[1] // step if step else 1


def before_centre(options: Options) -> int:
    """Return the samples from a window's start to the time of its first timestamp."""
    if options.time == "frame":
        return first_frame_centre(options)
    return options.front_end.window // 2


def native_hop(options: Options) -> int:
    """Return the samples of the network's native hop, or of one map frame where time is kept."""
    return map_frame_hop(options) if options.time == "frame" else options.backbone.NATIVE_HOP


def hop(options: Options) -> Fraction:
    """Return the samples between timestamps."""
    return _hop(options, options.hop_size, native_hop(options))


def scene_hop(options: Options) -> Fraction:
    """Return the samples between the windows, or the map frames, that a scene pools."""
    native = native_hop(options)
    if options.time != "frame":
        native *= SCENE_HOPS_PER_NATIVE_HOP
    return _hop(options, options.scene_hop_size, native)


def _hop(options: Options, size: float | str, native: int) -> Fraction:
    if size == "native":
        return Fraction(native)
    return framing.hop_samples(float(size), options.preset.sample_rate)


def layer_grid(options: Options, layer: str) -> tuple[int, int]:
    """Return the grid on a layer's map, with numbers in place of ``all``."""
    bands, frames, _ = map_shape(options, layer)
    if options.time == "frame":
        frames = layer_frames(options, layer)[1]
    rows, columns = options.grid
    return (bands if rows == "all" else int(rows), frames if columns == "all" else int(columns))


def head(options: Options) -> Head:
    """Return how the maps of a window become embeddings."""
    taps = []
    for layer in options.layers:
        first, step = layer_frames(options, layer) if options.time == "frame" else (0, 0)
        taps.append(Tap(layer, layer_grid(options, layer), first, step))
    count = kept_frames(options)[1] if options.time == "frame" else 0
    return Head(tuple(taps), options.pooling, options.gem_p, count)


def timestamp_embedding_size(options: Options) -> int:
    """Return the number of values in a timestamp's embedding."""
    shapes = {layer: map_shape(options, layer) for layer in options.layers}
    return windows.embedding_size(head(options), shapes)


def scene_embedding_size(options: Options) -> int:
    """Return the number of values in a scene's embedding."""
    return len(scenes.VECTORS[options.scene_pooling]) * timestamp_embedding_size(options)
