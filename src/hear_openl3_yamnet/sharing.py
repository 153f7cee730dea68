"""The exact reuse of convolutions between overlapping OpenL3 windows.

Away from a window's edges, a convolution's output does not depend on which window asks for it. So
a run of overlapping windows is computed as one long map, and each window recomputes only the few
columns next to its own edges, where zero padding (and the last STFT frames, cut off by the
window's end) make a difference: a strip at its left and one at its right.

That is exact for windows that sit on the pooling grid (hops of whole multiples of eight STFT
frames) and see the same decibels (equal maxima: OpenL3's reference level is the window's own).
`find_runs` finds such windows, `lay_out` lays runs out along one time axis, and `feature_maps`
gives the same maps as `backbones.openl3.feature_maps` gives window by window. docs/performance.md
has a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .backbones import openl3
from .backbones.subsampling import max_pool
from .configuration import Config
from .frontends import FrontEnd
from .memory import tapped_share

GRID = 8
"""STFT frames in a column of the last map: three poolings by two."""

STRIP_COST = 0.16
"""What a window's two strips cost, in windows computed plainly (measured)."""

LEAST_SAVING = 0.2
"""The part of the plain cost that sharing must save: what less of it saves, its own handling
takes (runs of two at twelve native hops came out 6 % slower than window by window)."""

EARLY_STRIPS = 0.07
"""The memory of a window's strips beside its map, where maps are largest: 13 columns of 199."""


@dataclass(frozen=True)
class Run:
    """Consecutive windows that are computed together."""

    first: int
    count: int


def find_runs(groups: np.ndarray, maxima: np.ndarray) -> list[Run]:
    """Find the longest runs of windows of one clip with one maximum.

    Parameters
    ----------
    groups : np.ndarray [shape=(n_windows,)]
        Number of the clip of each window.
    maxima : np.ndarray [shape=(n_windows,)]
        Largest amplitude of each window.
    """
    changes = (np.diff(groups) != 0) | (np.diff(maxima) != 0)
    firsts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    counts = np.diff(np.append(firsts, len(maxima)))
    return [Run(int(first), int(count)) for first, count in zip(firsts, counts, strict=True)]


def columns_of_run(count: int, lag: int, front_end: FrontEnd) -> int:
    """Return the length of a run's long map, in STFT frames: whole columns of the last map."""
    return -(-(front_end.n_whole + lag * (count - 1)) // GRID) * GRID


def pays(count: int, lag: int, front_end: FrontEnd) -> bool:
    """Whether a run of so many windows costs clearly less together than one by one."""
    together = columns_of_run(count, lag, front_end) / front_end.n_frames + STRIP_COST * count
    return together < (1 - LEAST_SAVING) * count


def lag(config: Config, hop: Fraction) -> int:
    """Return the STFT frames between windows that can share columns; 0 where they cannot."""
    frames = hop / config.front_end.frame_hop
    possible = (
        config.preset.network.name == "openl3"
        and config.sharing == "auto"
        and config.subsampling == "max"
        and frames.denominator == 1
        and frames % GRID == 0
        and frames < config.front_end.n_whole
    )
    return int(frames) if possible else 0


def deal(
    runs: Sequence[Run], lag: int, at_once: int, config: Config
) -> tuple[np.ndarray, list[list[Run]]]:
    """Deal out windows: those computed alone, and batches of runs computed together.

    Parameters
    ----------
    runs : sequence of Run
    lag : int
        STFT frames between consecutive windows.
    at_once : int
        Windows whose activations may be held together.
    config : Config

    Returns
    -------
    alone : np.ndarray [shape=(n,), dtype=int64]
        Numbers of the windows for which sharing does not pay.
    batches : list of list of Run
    """
    front_end = config.front_end
    alone: list[np.ndarray] = [np.arange(0)]
    batches: list[list[Run]] = []
    room = 0.0
    for run in runs:
        for part in _split(run, lag, at_once, config):
            if not pays(part.count, lag, front_end):
                alone.append(np.arange(part.first, part.first + part.count))
                continue
            needed = _held(part.count, lag, config)
            if needed > room:
                batches.append([])
                room = float(at_once)
            batches[-1].append(part)
            room -= needed
    return np.concatenate(alone), batches


def _held(count: int, lag: int, config: Config) -> float:
    """Return the memory that a run takes, in windows computed plainly."""
    columns = columns_of_run(count, lag, config.front_end) / config.front_end.n_frames
    return columns + count * (EARLY_STRIPS + tapped_share(config))


def _split(run: Run, lag: int, at_once: int, config: Config) -> Iterator[Run]:
    """Split a run that is too long to be held."""
    size = run.count
    while size > 1 and _held(size, lag, config) > at_once:
        size = -(-size // 2)
    for first in range(0, run.count, size):
        yield Run(run.first + first, min(size, run.count - first))


class Layout(NamedTuple):
    """Runs side by side on one time axis. Indices are into the distinct frames of a block.

    Attributes
    ----------
    windows : np.ndarray [shape=(n_windows,)]
        The windows' numbers.
    columns : np.ndarray [shape=(n_columns,), dtype=int32]
        The frame in each column of the long map.
    column_references : np.ndarray [shape=(n_columns,), dtype=float32]
        The reference level of each.
    at : np.ndarray [shape=(n_windows,), dtype=int32]
        The column at which each window starts.
    tails : np.ndarray [shape=(n_windows, n_frames - n_whole), dtype=int32]
        Each window's own last frames.
    references : np.ndarray [shape=(n_windows,), dtype=float32]
        The reference level of each window.
    """

    windows: np.ndarray
    columns: np.ndarray
    column_references: np.ndarray
    at: np.ndarray
    tails: np.ndarray
    references: np.ndarray


def lay_out(
    runs: Sequence[Run], index: np.ndarray, maxima: np.ndarray, lag: int, front_end: FrontEnd
) -> Layout:
    """Lay runs out along one time axis.

    Neighbouring runs spoil each other's outermost columns, but only those that strips replace.

    Parameters
    ----------
    runs : sequence of Run
    index : np.ndarray [shape=(n_windows, n_frames)]
        `frontends.FrameTable.index`.
    maxima : np.ndarray [shape=(n_windows,)]
        Largest amplitude of each window.
    lag : int
        STFT frames between consecutive windows.
    front_end : FrontEnd
    """
    whole = front_end.n_whole
    columns, references, at = [], [], []
    length = 0
    for run in runs:
        rows = index[run.first : run.first + run.count]
        row = np.concatenate([rows[0, :whole], rows[1:, whole - lag : whole].ravel()])
        filling = columns_of_run(run.count, lag, front_end) - len(row)
        columns.append(np.pad(row, (0, filling), mode="edge"))
        references.append(np.full(len(columns[-1]), maxima[run.first]))
        at.append(length + lag * np.arange(run.count))
        length += len(columns[-1])
    windows = np.concatenate([np.arange(run.first, run.first + run.count) for run in runs])
    return Layout(
        windows,
        np.concatenate(columns).astype(np.int32),
        np.concatenate(references).astype(np.float32),
        np.concatenate(at).astype(np.int32),
        index[windows, whole:],
        maxima[windows].astype(np.float32),
    )


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
