"""Audio files → mono waveforms at the model's rate, decoded in threads while the network computes.

Here a damaged file becomes a failed row: `decode` catches everything that reading a file can raise,
and keeps it as the error of the row. `stream` raises at the damaged place of a long file, and
`batching` keeps that error in the same way.
"""

from __future__ import annotations

import math
import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..audio.files import check_complete, downmix, open_audio, read_samples, resample
from ..errors import AudioFileError, HearError
from .manifest import Item
from .rows import Row

if TYPE_CHECKING:
    import soundfile

LONGEST_WHOLE_S = 60.0
"""Seconds of the longest file that is decoded as a whole. Longer files are decoded in blocks."""

BLOCK_S = 10.0
"""Seconds of a block: 61 MB for 8 channels at 192 kHz."""

FILES_AHEAD = 32
"""Decoded files that wait for the network at most: 370 MB at 48 kHz."""


class Clip(NamedTuple):
    """The unfinished row of a file, and its samples.

    Attributes
    ----------
    row : Row
    waveform : np.ndarray [shape=(n_samples,), dtype=float32] or None
        None if the file failed or is long.
    """

    row: Row
    waveform: np.ndarray | None = None

    @property
    def is_long(self) -> bool:
        """Whether the file must be decoded by `stream`."""
        return self.waveform is None and self.row.error is None


class _Excerpt(NamedTuple):
    """The samples of an open file that an item selects, at the file's rate."""

    first: int
    length: int


def decode(item: Item, sample_rate: int, longest_s: float = LONGEST_WHOLE_S) -> Clip:
    """Decode a file. Anything that is wrong with it becomes the error of its row.

    Parameters
    ----------
    item : Item
    sample_rate : int
        Rate of the model [Hz].
    longest_s : float
        Seconds. Only the header of a longer file is read.

    Returns
    -------
    Clip
    """
    row = Row(item)
    try:
        _check_kind(item.path, row)
        with open_audio(item.path) as file:
            excerpt = _select(file, item)
            row.sample_rate, row.channels = file.samplerate, file.channels
            row.duration = excerpt.length / file.samplerate
            if row.duration > longest_s:
                return Clip(row)
            mono = np.concatenate([np.empty(0, np.float32), *_mono_blocks(file, item, excerpt)])
        row.peak = _peak(mono)
        return Clip(row, resample(mono, row.sample_rate, sample_rate))
    except Exception as error:  # a damaged file can make a library raise anything
        return Clip(row.fail(explain(error)))


def stream(row: Row, sample_rate: int) -> Iterator[np.ndarray]:
    """Decode a long file block by block. The blocks joined are the decoded whole file.

    Parameters
    ----------
    row : Row
        From `decode`. Its peak is filled in.
    sample_rate : int
        Rate of the model [Hz].

    Yields
    ------
    np.ndarray [shape=(n_samples,), dtype=float32]

    Raises
    ------
    AudioFileError
        If the next block is damaged, or the file ends too early.
    """
    row.peak = 0.0
    with open_audio(row.item.path) as file:
        excerpt = _select(file, row.item)
        blocks = _measured(_mono_blocks(file, row.item, excerpt), row)
        yield from _resampled(blocks, excerpt.length, file.samplerate, sample_rate)


def explain(error: Exception) -> str:
    """Return the text of an error for a row, with the type of errors of other packages."""
    return str(error) if isinstance(error, HearError) else f"{type(error).__name__}: {error}"


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


def _check_kind(path: str, row: Row) -> None:
    """Note size and date. Refuse what could block for ever or never end."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return  # opening it raises an error that says why
    row.size, row.modified = status.st_size, status.st_mtime
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise AudioFileError(f"{path}: not a regular file, but a pipe, a socket or a device.")


def _select(file: soundfile.SoundFile, item: Item) -> _Excerpt:
    """Seek to the start of an item, and return its excerpt."""
    rate, start, duration = file.samplerate, item.start or 0.0, item.duration
    if not 0 <= start < math.inf or (duration is not None and not 0 < duration < math.inf):
        raise AudioFileError(
            f"{item.path}: start must be 0 s or more, and duration must be above 0 s. Received: "
            f"start={item.start}, duration={duration}"
        )
    first = round(start * rate)
    if first >= file.frames > 0:
        raise AudioFileError(
            f"{item.path}: start={start} s is after the end at {file.frames / rate:g} s."
        )
    count = file.frames - first
    if duration is not None:
        count = min(count, max(1, round(duration * rate)))
    if first:
        file.seek(first)
    return _Excerpt(first, count)


def _mono_blocks(file: soundfile.SoundFile, item: Item, excerpt: _Excerpt) -> Iterator[np.ndarray]:
    """Read an excerpt block by block, and check at the end that nothing is missing."""
    size = round(BLOCK_S * file.samplerate)
    n_read = 0
    while n_read < excerpt.length:
        samples = read_samples(item.path, file, min(size, excerpt.length - n_read))
        if len(samples) == 0:
            break
        n_read += len(samples)
        yield downmix(samples)
    whole = n_read == excerpt.length
    check_complete(item.path, file, file.frames if whole else excerpt.first + n_read)


def _measured(blocks: Iterable[np.ndarray], row: Row) -> Iterator[np.ndarray]:
    for block in blocks:
        row.peak = max(row.peak or 0.0, _peak(block))
        yield block


def _peak(mono: np.ndarray) -> float:
    return float(max(mono.max(), -mono.min())) if len(mono) else 0.0


def _resampled(
    blocks: Iterable[np.ndarray], n_samples: int, from_rate: int, to_rate: int
) -> Iterator[np.ndarray]:
    """Resample blocks. Joined, they equal what `resample` returns for the whole file."""
    if from_rate == to_rate:
        yield from blocks
        return
    import soxr

    stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", quality="HQ")
    left = -(-n_samples * to_rate // from_rate)
    for block in blocks:
        out = stream.resample_chunk(block)[:left]
        left -= len(out)
        yield out
    out = stream.resample_chunk(np.empty(0, np.float32), last=True)[:left]
    yield np.pad(out, (0, left - len(out)))
