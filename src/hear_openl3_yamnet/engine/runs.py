"""Which overlapping OpenL3 windows are computed together, and how they lie on one time axis.

Sharing columns (`sharing`) is exact for windows that sit on the pooling grid (hops of whole
multiples of eight STFT frames) and see the same decibels (equal maxima: OpenL3's reference level is
the window's own). `find_runs` finds such windows, `deal` says which are worth it, and `lay_out`
lays their runs out along one time axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from ..config.options import Config
from ..features.frontends import FrontEnd
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


def shared_lag(config: Config, hop: Fraction) -> int:
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
