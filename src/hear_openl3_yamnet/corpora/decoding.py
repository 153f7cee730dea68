"""Audio files → mono waveforms at the model's rate, decoded in threads while the network computes.

Here a damaged file becomes a failed row: `decode` catches everything that reading a file can raise,
and keeps it as the error of the row. `stream` raises at the damaged place of a long file, and
`batching` keeps that error in the same way.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import NamedTuple

import numpy as np

from ..audio.audio_file import AudioFile
from ..audio.files import LONGEST_WHOLE_S, resample, resample_blocks
from ..errors import AudioFileError, HearError, is_of_the_machine
from .manifest import Item
from .rows import Row

FILES_AHEAD = 32
"""Largest number of decoded files that wait for the network: 370 MB at 48 kHz."""


class Clip(NamedTuple):
    """The unfinished row of a file, and its samples.

    Attributes
    ----------
    row : Row
    waveform : np.ndarray [shape=(n_samples,), dtype=float32] or None
        None if the file failed or is long.
    cause : Exception or None
        Why the file failed.
    """

    row: Row
    waveform: np.ndarray | None = None
    cause: Exception | None = None

    @property
    def is_long(self) -> bool:
        """Whether the file must be decoded by `stream`."""
        return self.waveform is None and self.row.error is None


def decode(item: Item, sample_rate: int, longest_s: float = LONGEST_WHOLE_S) -> Clip:
    """Decode a file. Anything that is wrong with it becomes the error of its row.

    Parameters
    ----------
    item : Item
    sample_rate : int
        Rate of the model [Hz].
    longest_s : float
        Seconds. Only the header of a longer file is read, or its beginning if the header does not
        state the length.

    Returns
    -------
    Clip
    """
    row = Row(item)
    try:
        row.size, row.modified = status_of(item.path)
        with _opened(item) as file:
            row.sample_rate, row.channels = file.sample_rate, file.n_channels
            n_samples = _select(file, item)
            most = round(min(longest_s * file.sample_rate, 2**62))  # may be infinite
            if n_samples is not None and n_samples > most:
                return Clip(row)
            # of a file of unknown length, one sample more than a short one has
            mono = file.read_mono(most + 1 if n_samples is None else n_samples)
            if len(mono) > most:
                return Clip(row)
        _check_unchanged(row)
        row.peak, row.duration = _peak(mono), len(mono) / file.sample_rate
        return Clip(row, resample(mono, file.sample_rate, sample_rate))
    except Exception as error:  # a damaged file can make a library raise anything
        return Clip(row.fail(explain(error)), cause=error)


def stream(row: Row, sample_rate: int) -> Iterator[np.ndarray]:
    """Decode a long file block by block. The blocks joined are the decoded whole file.

    Parameters
    ----------
    row : Row
        From `decode`. Its duration and peak are filled in.
    sample_rate : int
        Rate of the model [Hz].

    Yields
    ------
    np.ndarray [shape=(n_samples,), dtype=float32]

    Raises
    ------
    AudioFileError
        If the next block is damaged, if the end is reached and content is missing, or if the file
        was replaced since `decode` opened it.
    """
    with _opened(row.item) as file:
        blocks = file.mono_blocks(_select(file, row.item))
        measured = _measured(blocks, row, file.sample_rate)
        yield from resample_blocks(measured, file.sample_rate, sample_rate)
    _check_unchanged(row)


def explain(error: Exception) -> str:
    """Return the text of an error for a row, with the type of errors of other packages."""
    return str(error) if isinstance(error, HearError) else f"{type(error).__name__}: {error}"


def may_be_the_machines(error: Exception | None) -> bool:
    """Return whether an error with a file may be one that every file meets.

    It may be, unless our own code has found that something is wrong with the file.
    """
    if isinstance(error, AudioFileError):
        return error.__cause__ is not None and is_of_the_machine(error.__cause__)
    return error is not None


def read_ahead(
    items: Iterable[Item],
    sample_rate: int,
    pool: Executor,
    longest_s: float = LONGEST_WHOLE_S,
) -> Iterator[Clip]:
    """Decode items in threads, and yield them in the order given."""
    waiting: deque[Future[Clip]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(decode, item, sample_rate, longest_s))
            if len(waiting) > FILES_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def one_ahead(blocks: Iterator[np.ndarray], pool: Executor) -> Iterator[np.ndarray]:
    """Compute the next block in a thread while the caller uses the last one."""
    coming = pool.submit(next, blocks, None)
    while (block := coming.result()) is not None:
        coming = pool.submit(next, blocks, None)
        yield block


def status_of(path: str) -> tuple[int | None, float | None]:
    """Return the size [bytes] and modification time [s] of a file, or None if it has none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None, None  # opening it raises an error that says why
    return status.st_size, status.st_mtime


def _opened(item: Item) -> AudioFile:
    if not item.path:
        raise AudioFileError("The manifest has no path for this id. Fill it in.")
    return AudioFile(item.path)


def _check_unchanged(row: Row) -> None:
    if status_of(row.item.path) != (row.size, row.modified):
        raise AudioFileError(
            f"{row.item.path}: was written, replaced or removed while it was read. The same "
            "command embeds it anew."
        )


def _select(file: AudioFile, item: Item) -> int | None:
    """Go to the start of an item.

    Returns
    -------
    int or None
        Samples of the item. None if it ends with the file, whose length is unknown.
    """
    rate, start, duration = file.sample_rate, item.start or 0.0, item.duration
    if not 0 <= start < math.inf or (duration is not None and not 0 < duration < math.inf):
        raise AudioFileError(
            f"{item.path}: start must be 0 s or more, and duration must be above 0 s. Received: "
            f"start={item.start}, duration={duration}"
        )
    left = file.skip(round(start * rate))
    if duration is None:
        return left
    n_samples = max(1, round(duration * rate))
    return n_samples if left is None else min(left, n_samples)


def _measured(blocks: Iterable[np.ndarray], row: Row, sample_rate: int) -> Iterator[np.ndarray]:
    """Pass blocks on, and fill in the duration and peak of their row."""
    n_samples, peak = 0, 0.0
    for mono in blocks:
        n_samples, peak = n_samples + len(mono), max(peak, _peak(mono))
        yield mono
    row.duration, row.peak = n_samples / sample_rate, peak


def _peak(mono: np.ndarray) -> float:
    return float(max(mono.max(), -mono.min())) if len(mono) else 0.0
