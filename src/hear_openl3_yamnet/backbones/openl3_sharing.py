"""The exact reuse of convolutions between overlapping OpenL3 windows.

Away from a window's edges, the output of a convolution does not depend on the window. So
a run of overlapping windows (`engine.runs` plans it) is computed as one long map. Each window
recomputes only the few frames next to its own edges: a strip at its left and one at its right.
There, zero padding makes a difference, and so do the last STFT frames, which the window's end cuts
off.

`feature_maps` gives the same maps as `openl3.feature_maps` gives window by window.
`segment_maps` leaves the strips out: that is another function, and a cheaper one (`engine.dense`).
docs/performance.md has a picture.

Long maps and strips have frames first: [shape=(n, frames, bands, channels)]. Then the frames of a
window lie together in memory, and a convolution is vectorised along the bands, which are always
numerous.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from . import convolutions, openl3
from .convolutions import max_pool

GRID = 8
"""STFT frames between two frames of the last map: three poolings by two."""


def _whole_bands(layer: str, maps: Any) -> Any:
    """Leave the bands as they are."""
    return maps


def feature_maps(
    weights: dict[str, Any],
    shared: Any,
    tails: Any,
    at: Any,
    width: int,
    layers: Collection[str],
    pool_bands: Callable[[str, Any], Any] = _whole_bands,
) -> dict[str, Any]:
    """Run the network on windows that share most of their frames.

    Parameters
    ----------
    weights : dict of tensor
        Folded weights, from `openl3.fold`.
    shared : tensor [shape=(1, n_frames, bands, 1)]
        The long log-mel map.
    tails : tensor [shape=(n_windows, bands, n_tail, 1)]
        The windows' own last frames.
    at : tensor [shape=(n_windows,), dtype=int32]
        The frame of `shared` at which each window starts; multiples of `GRID`.
    width : int
        Frames in a window.
    layers : collection of str
        Names out of `openl3.LAYERS`.
    pool_bands : callable
        A function of a layer's name and of its frames [shape=(n, frames, bands, channels)] that
        pools their bands, before windows are assembled.

    Returns
    -------
    dict of tensor [shape=(n_windows, bands, frames, channels)]
        As `openl3.feature_maps` returns them, with the bands that `pool_bands` leaves.
    """
    tails = _swap_axes(tails)
    strips = _Strips(shared, tails[:, :0], tails, at, width)
    maps = {}
    for name, x in _layers(_frames_first(weights), strips):
        if name in layers:
            maps[name] = x.map(partial(pool_bands, name)).windows()
        if len(maps) == len(set(layers)):
            break
    return maps


def segment_maps(
    weights: dict[str, Any],
    segments: Any,
    at: Any,
    widths: Mapping[str, int],
    pool_bands: Callable[[str, Any], Any] = _whole_bands,
) -> dict[str, Any]:
    """Cut the maps of windows out of the maps of long segments, without edges of their own.

    Parameters
    ----------
    weights : dict of tensor
        Folded weights, from `openl3.fold`.
    segments : tensor [shape=(n_segments, n_frames, bands, 1)]
        Log-mel of whole segments; `n_frames` is a multiple of `GRID`.
    at : tensor [shape=(n_windows,), dtype=int32]
        The frame at which each window starts, counted through all segments; multiples of `GRID`.
    widths : mapping of str to int
        The layers wanted, and the frames of a window's map in each.
    pool_bands : callable
        As in `feature_maps`.

    Returns
    -------
    dict of tensor [shape=(n_windows, bands, frames, channels)]
    """
    from keras import ops

    maps = openl3.feature_maps(_frames_first(weights), segments, list(widths))
    for layer, x in maps.items():
        x = pool_bands(layer, x)
        x = ops.reshape(x, (1, -1, *x.shape[2:]))
        first = at // openl3.frame_stride(layer)
        maps[layer] = _swap_axes(_window_frames(x, first, 0, widths[layer]))
    return maps


def _frames_first(weights: dict[str, Any]) -> dict[str, Any]:
    """Transpose the kernels for maps of (frame, band); the network is symmetric otherwise."""
    from keras import ops

    return {
        name: ops.transpose(value, (1, 0, 2, 3)) if name.endswith("/kernel") else value
        for name, value in weights.items()
    }


def _swap_axes(maps: Any) -> Any:
    """Swap the bands and the frames of maps [shape=(n, frames, bands, channels)], or back."""
    from keras import ops

    return ops.transpose(maps, (0, 2, 1, 3))


def _window_frames(long: Any, at: Any, first: int, count: int) -> Any:
    """Take frames first … first + count − 1 of each window out of a long map.

    Parameters
    ----------
    long : tensor [shape=(1, n_frames, bands, channels)]
    at : tensor [shape=(n_windows,), dtype=int32]
        The frame at which each window starts.

    Returns
    -------
    tensor [shape=(n_windows, count, bands, channels)]
    """
    from keras import ops

    index = ops.expand_dims(at, 1) + ops.arange(first, first + count, dtype="int32")
    return ops.take(long[0], index, axis=0)


class _Strips(NamedTuple):
    """The long map at some layer, and what each window has instead of it at its edges.

    ``left`` replaces the first frames of a window, ``right`` the last ones. The window is
    ``width`` frames wide and starts at frame ``at`` of ``shared``.
    """

    shared: Any  # (1, n_frames, bands, channels)
    left: Any  # (n_windows, n_left, bands, channels)
    right: Any  # (n_windows, n_right, bands, channels)
    at: Any  # (n_windows,)
    width: int

    @property
    def n_left(self) -> int:
        return int(self.left.shape[1])

    @property
    def n_right(self) -> int:
        return int(self.right.shape[1])

    def frames(self, first: int, count: int) -> Any:
        """Take frames first … first + count − 1 of each window out of the shared map."""
        return _window_frames(self.shared, self.at, first, count)

    def windows(self) -> Any:
        """Assemble each window's whole map [shape=(n_windows, bands, width, channels)]."""
        from keras import ops

        inner = self.frames(self.n_left, self.width - self.n_left - self.n_right)
        strips = [x for x in (self.left, inner, self.right) if x.shape[1] != 0]
        return _swap_axes(ops.concatenate(strips, axis=1))

    def map(self, function: Callable[[Any], Any]) -> _Strips:
        """Apply a function of frames to the long map and to the strips."""

        def apply(x: Any) -> Any:
            return function(x) if x.shape[1] != 0 else x

        return self._replace(
            shared=apply(self.shared), left=apply(self.left), right=apply(self.right)
        )


def _layers(weights: dict[str, Any], x: _Strips) -> Iterator[tuple[str, _Strips]]:
    names = {layer: alias for alias, layer in openl3.ALIASES.items()}
    yield "logmel", x
    x = x._replace(
        shared=openl3.normalize_input(x.shared, weights),
        left=openl3.normalize_input(x.left, weights),
        right=openl3.normalize_input(x.right, weights),
    )
    for step in openl3.STEPS:
        x = _pool(x) if step.kind == "pool" else _convolve(x, weights, step)
        yield step.name, x
        if step.name in names:
            yield names[step.name], x


def _convolve(x: _Strips, weights: dict[str, Any], step: openl3.Step) -> _Strips:
    """Apply a 3×3 convolution: it looks one frame further, so each strip grows by one."""
    from keras import ops

    def strip(frames: Any, zeros: tuple[int, int]) -> Any:
        padded = ops.pad(frames, [(0, 0), zeros, (1, 1), (0, 0)])
        return openl3.apply_convolution(padded, weights, step, padding="valid")

    left = ops.concatenate([x.left, x.frames(x.n_left, 2)], axis=1)
    right = ops.concatenate([x.frames(x.width - x.n_right - 2, 2), x.right], axis=1)
    return x._replace(
        shared=_convolve_long(x.shared, weights, step),
        left=strip(left, (1, 0)),
        right=strip(right, (0, 1)),
    )


def _convolve_long(long: Any, weights: dict[str, Any], step: openl3.Step) -> Any:
    """Apply a convolution to a long map [shape=(1, n_frames, bands, channels)], as two halves.

    For a batch of one, TensorFlow does not let oneDNN rearrange the kernels. A batch of two takes
    half the time. On a GPU, the halves would only be additional copies.
    """
    from keras import ops

    if convolutions.on_gpu(long):
        return openl3.apply_convolution(long, weights, step)
    n = ops.shape(long)[1]
    half = (n + 1) // 2
    halves = ops.concatenate([long[:, : half + 1], long[:, n - half - 1 :]], axis=0)
    x = openl3.apply_convolution(halves, weights, step)
    return ops.concatenate([x[:1, :half], x[1:, 2 * half + 1 - n :]], axis=1)


def _pool(x: _Strips) -> _Strips:
    """Pool by 2×2. A strip with an odd number of frames includes one shared frame."""
    from keras import ops

    left, right = x.left, x.right
    if x.n_left % 2:
        left = ops.concatenate([left, x.frames(x.n_left, 1)], axis=1)
    first = x.width - x.n_right
    if first % 2:
        right = ops.concatenate([x.frames(first - 1, 1), right], axis=1)
    return _Strips(max_pool(x.shared), max_pool(left), max_pool(right), x.at // 2, x.width // 2)
