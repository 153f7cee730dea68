"""The exact reuse of convolutions between overlapping OpenL3 windows.

Away from a window's edges, a convolution's output does not depend on which window asks for it. So
a run of overlapping windows (`runs`) is computed as one long map, and each window recomputes only
the few columns next to its own edges, where zero padding (and the last STFT frames, cut off by the
window's end) make a difference: a strip at its left and one at its right.

`feature_maps` gives the same maps as `backbones.openl3.feature_maps` gives window by window.
docs/performance.md has a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any, NamedTuple

from . import openl3
from .subsampling import max_pool


def columns_first(weights: dict[str, Any]) -> dict[str, Any]:
    """Turn kernels round for maps of (column, band): the network is otherwise symmetric.

    Long maps and strips have columns first. Then a window's columns lie together in memory, and
    the axis along which a convolution is vectorised is that of the bands, which is never short.
    """
    from keras import ops

    return {
        name: ops.transpose(value, (1, 0, 2, 3)) if name.endswith("/kernel") else value
        for name, value in weights.items()
    }


def bands_first(maps: Any) -> Any:
    """Swap the bands and the columns of maps [shape=(n, columns, bands, channels)], or back."""
    from keras import ops

    return ops.transpose(maps, (0, 2, 1, 3))


def cut_columns(long: Any, at: Any, first: int, count: int) -> Any:
    """Cut columns out of a long map, the same of each window.

    Parameters
    ----------
    long : tensor [shape=(1, n_columns, bands, channels)]
    at : tensor [shape=(n_windows,), dtype=int32]
        Column at which each window starts.
    first, count : int
        Columns first … first + count − 1 of each window.

    Returns
    -------
    tensor [shape=(n_windows, count, bands, channels)]
    """
    from keras import ops

    index = ops.expand_dims(at, 1) + ops.arange(first, first + count, dtype="int32")
    return ops.take(long[0], index, axis=0)


class _Strips(NamedTuple):
    """The long map at some layer, and what each window has instead of it at its edges.

    ``left`` replaces the first, ``right`` the last columns of a window that is ``width`` columns
    wide and starts at column ``at`` of ``shared``.
    """

    shared: Any  # (1, n_columns, bands, channels)
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

    def columns(self, first: int, count: int) -> Any:
        """Take columns first … first + count − 1 of each window out of the shared map."""
        return cut_columns(self.shared, self.at, first, count)

    def windows(self) -> Any:
        """Set each window's whole map together [shape=(n_windows, bands, width, channels)]."""
        from keras import ops

        inner = self.columns(self.n_left, self.width - self.n_left - self.n_right)
        strips = [x for x in (self.left, inner, self.right) if x.shape[1] != 0]
        return bands_first(ops.concatenate(strips, axis=1))

    def map(self, function: Callable[[Any], Any]) -> _Strips:
        """Apply a function of columns to all of them."""

        def apply(x: Any) -> Any:
            return function(x) if x.shape[1] != 0 else x

        return self._replace(
            shared=apply(self.shared), left=apply(self.left), right=apply(self.right)
        )


def feature_maps(
    weights: dict[str, Any],
    shared: Any,
    tails: Any,
    at: Any,
    width: int,
    layers: Collection[str],
    pool_bands: Callable[[str, Any], Any] = lambda layer, x: x,
) -> dict[str, Any]:
    """Run the network on windows that share most of their columns.

    Parameters
    ----------
    weights : dict of tensor
        Folded weights, from `openl3.fold`.
    shared : tensor [shape=(1, n_columns, bands, 1)]
        The long log-mel map.
    tails : tensor [shape=(n_windows, bands, n_tail, 1)]
        The windows' own last columns.
    at : tensor [shape=(n_windows,), dtype=int32]
        Column of `shared` at which each window starts; multiples of eight.
    width : int
        Columns of a window.
    layers : collection of str
        Names out of `openl3.LAYERS`.
    pool_bands : callable
        Of a layer's name and maps [shape=(n, columns, bands, channels)]: what to do with its
        columns before windows are set together.

    Returns
    -------
    dict of tensor [shape=(n_windows, bands, frames, channels)]
        As `openl3.feature_maps`, with the bands that `pool_bands` leaves.
    """
    tails = bands_first(tails)
    strips = _Strips(shared, tails[:, :0], tails, at, width)
    maps = {}
    for name, x in _layers(columns_first(weights), strips):
        if name in layers:
            maps[name] = x.map(partial(pool_bands, name)).windows()
        if len(maps) == len(set(layers)):
            break
    return maps


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
    """Apply a 3×3 convolution: it looks one column further, so each strip grows by one."""
    from keras import ops

    def strip(columns: Any, zeros: tuple[int, int]) -> Any:
        padded = ops.pad(columns, [(0, 0), zeros, (1, 1), (0, 0)])
        return openl3.apply_convolution(padded, weights, step, padding="valid")

    left = ops.concatenate([x.left, x.columns(x.n_left, 2)], axis=1)
    right = ops.concatenate([x.columns(x.width - x.n_right - 2, 2), x.right], axis=1)
    return x._replace(
        shared=convolve_long(x.shared, weights, step),
        left=strip(left, (1, 0)),
        right=strip(right, (0, 1)),
    )


def convolve_long(long: Any, weights: dict[str, Any], step: openl3.Step) -> Any:
    """Apply a convolution to a long map [shape=(1, n_columns, bands, channels)], as two halves.

    TensorFlow leaves the kernels of a batch of one as they are, where oneDNN would have them
    rearranged: a batch of two takes half the time.
    """
    from keras import ops

    n = ops.shape(long)[1]
    half = (n + 1) // 2
    halves = ops.concatenate([long[:, : half + 1], long[:, n - half - 1 :]], axis=0)
    x = openl3.apply_convolution(halves, weights, step)
    return ops.concatenate([x[:1, :half], x[1:, 2 * half + 1 - n :]], axis=1)


def _pool(x: _Strips) -> _Strips:
    """Pool by 2×2: strips are halved, with a shared column where a pair straddles the edge."""
    from keras import ops

    left, right = x.left, x.right
    if x.n_left % 2:
        left = ops.concatenate([left, x.columns(x.n_left, 1)], axis=1)
    first = x.width - x.n_right
    if first % 2:
        right = ops.concatenate([x.columns(first - 1, 1), right], axis=1)
    return _Strips(max_pool(x.shared), max_pool(left), max_pool(right), x.at // 2, x.width // 2)
