"""The plan: which overlapping windows are computed together, and where they lie on one time axis.

Sharing convolutions (`backbones.openl3_sharing` does it) is exact for windows that lie on the
pooling grid (hops of whole multiples of eight STFT frames for OpenL3) and see the same decibels
(equal maxima: OpenL3's reference level is the window's own). `find_runs` finds such windows, `deal`
says for which of them it pays, and `lay_out` puts their runs on one time axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from ..config.options import Options
from .memory import tapped_share

STRIP_COST = 0.16
"""What a window's two strips cost, in windows computed plainly (measured)."""

LEAST_SAVING = 0.2
"""The share of the plain cost that sharing must save. Below it, the overhead is larger than the
saving (runs of two at twelve native hops were 6 % slower than window by window)."""

EARLY_STRIPS = 0.07
"""The memory of a window's strips beside its map, where maps are largest: 13 frames of 199."""


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


def frames_of_run(count: int, lag: int, options: Options) -> int:
    """Return the length of a run's long map in STFT frames: whole frames of the last map."""
    grid = _grid(options)
    return -(-(options.front_end.n_whole + lag * (count - 1)) // grid) * grid


def pays(count: int, lag: int, options: Options) -> bool:
    """Return whether `count` windows cost clearly less in a run than one by one."""
    n_frames = options.front_end.n_frames
    together = frames_of_run(count, lag, options) / n_frames + STRIP_COST * count
    return together < (1 - LEAST_SAVING) * count


def _grid(options: Options) -> int:
    return options.preset.sharing.GRID if options.preset.sharing else 1


def shared_lag(options: Options, hop: Fraction, gpu_arithmetic: str | None = None) -> int:
    """Return the STFT frames between windows that share convolutions; 0 if none do.

    Parameters
    ----------
    options : Options
    hop : Fraction
        Samples between windows.
    gpu_arithmetic : str or None
        `backend.gpu_arithmetic`: on a GPU that computes in full float32, no windows share.
        cuDNN 9.19 took long maps and strips at half the speed of whole windows there (NVIDIA
        H100: 554 windows a second against 1085, docs/performance.md). In bfloat16, float16 and
        TF32 sharing was faster, up to 1.9 times.
    """
    frames = hop / options.front_end.frame_hop
    possible = (
        options.preset.sharing is not None
        and options.sharing == "auto"
        and options.subsampling == "max"
        and frames.denominator == 1
        and frames % _grid(options) == 0
        and frames < options.front_end.n_whole
        and gpu_arithmetic != "float32"
    )
    return int(frames) if possible else 0


def deal(
    runs: Sequence[Run], lag: int, at_once: int, options: Options
) -> tuple[np.ndarray, list[list[Run]]]:
    """Divide windows into those computed alone, and batches of runs computed together.

    Parameters
    ----------
    runs : sequence of Run
    lag : int
        STFT frames between consecutive windows.
    at_once : int
        Windows whose activations may be held together.
    options : Options

    Returns
    -------
    alone : np.ndarray [shape=(n,), dtype=int64]
        Numbers of the windows for which sharing does not pay.
    batches : list of list of Run
    """
    alone: list[np.ndarray] = [np.arange(0)]
    batches: list[list[Run]] = []
    room = 0.0
    for run in runs:
        for shorter in _split(run, lag, at_once, options):
            if not pays(shorter.count, lag, options):
                alone.append(np.arange(shorter.first, shorter.first + shorter.count))
                continue
            needed = _held(shorter.count, lag, options)
            if needed > room:
                batches.append([])
                room = float(at_once)
            batches[-1].append(shorter)
            room -= needed
    return np.concatenate(alone), batches


def _held(count: int, lag: int, options: Options) -> float:
    """Return the memory that a run takes, in windows computed plainly."""
    long = frames_of_run(count, lag, options) / options.front_end.n_frames
    return long + count * (EARLY_STRIPS + tapped_share(options))


def _split(run: Run, lag: int, at_once: int, options: Options) -> Iterator[Run]:
    """Split a run that is too long for the memory."""
    size = run.count
    while size > 1 and _held(size, lag, options) > at_once:
        size = -(-size // 2)
    for first in range(0, run.count, size):
        yield Run(run.first + first, min(size, run.count - first))


class Layout(NamedTuple):
    """Runs on one time axis, as a long map. Indices are those of the distinct STFT frames.

    Attributes
    ----------
    windows : np.ndarray [shape=(n_windows,)]
        The windows' numbers.
    frames : np.ndarray [shape=(n_frames,), dtype=int32]
        The STFT frames of the long map.
    frame_references : np.ndarray [shape=(n_frames,), dtype=float32]
        The reference level of each of them.
    at : np.ndarray [shape=(n_windows,), dtype=int32]
        The frame of the long map at which each window starts.
    tails : np.ndarray [shape=(n_windows, n_frames - n_whole), dtype=int32]
        Each window's own last frames.
    references : np.ndarray [shape=(n_windows,), dtype=float32]
        The reference level of each window.
    """

    windows: np.ndarray
    frames: np.ndarray
    frame_references: np.ndarray
    at: np.ndarray
    tails: np.ndarray
    references: np.ndarray


def lay_out(
    runs: Sequence[Run], index: np.ndarray, maxima: np.ndarray, lag: int, options: Options
) -> Layout:
    """Put runs on one time axis.

    At their border, two runs make each other's outermost frames wrong. Strips replace these frames.

    Parameters
    ----------
    runs : sequence of Run
    index : np.ndarray [shape=(n_windows, n_frames)]
        `frames.FrameTable.index`.
    maxima : np.ndarray [shape=(n_windows,)]
        Largest amplitude of each window.
    lag : int
        STFT frames between consecutive windows.
    options : Options
    """
    whole = options.front_end.n_whole
    frames, references, at = [], [], []
    length = 0
    for run in runs:
        rows = index[run.first : run.first + run.count]
        row = np.concatenate([rows[0, :whole], rows[1:, whole - lag : whole].ravel()])
        filling = frames_of_run(run.count, lag, options) - len(row)
        frames.append(np.pad(row, (0, filling), mode="edge"))
        references.append(np.full(len(frames[-1]), maxima[run.first]))
        at.append(length + lag * np.arange(run.count))
        length += len(frames[-1])
    windows = np.concatenate([np.arange(run.first, run.first + run.count) for run in runs])
    return Layout(
        windows,
        np.concatenate(frames).astype(np.int32),
        np.concatenate(references).astype(np.float32),
        np.concatenate(at).astype(np.int32),
        index[windows, whole:],
        maxima[windows].astype(np.float32),
    )
