"""Files → mono waveforms at the model's rate, read ahead in threads while the network computes."""

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
from ..errors import AudioFileError
from .manifest import Item
from .rows import Row

if TYPE_CHECKING:
    import soundfile

LONGEST_WHOLE_S = 60.0
"""Seconds of a file that is decoded in one piece; longer ones are streamed."""

BLOCK_S = 10.0
"""Seconds that are read at once: 61 MB of 8 channels at 192 kHz."""

FILES_AHEAD = 32
"""Files decoded before the network gets to them: at most 370 MB at 48 kHz."""


class Clip(NamedTuple):
    """A file's row so far, and its samples.

    Attributes
    ----------
    row : Row
    waveform : np.ndarray [shape=(n_samples,), dtype=float32] or None
        None where the file is to be streamed, or failed.
    """

    row: Row
    waveform: np.ndarray | None = None

    @property
    def is_long(self) -> bool:
        """Whether the file is to be streamed."""
        return self.waveform is None and self.row.error is None


class Part(NamedTuple):
    """The samples of an open file that an item asks for, at the file's rate."""

    first: int
    length: int


def decode(item: Item, sample_rate: int, longest_s: float = LONGEST_WHOLE_S) -> Clip:
    """Decode a file; whatever is wrong with it becomes its row's error.

    Parameters
    ----------
    item : Item
    sample_rate : int
        The model's [Hz].
    longest_s : float
        Seconds; of a longer file only what its header says is read.
    """
    row = Row(item)
    try:
        _check_kind(item.path, row)
        with open_audio(item.path) as file:
            part = _select(file, item)
            row.sample_rate, row.channels = file.samplerate, file.channels
            row.duration = part.length / file.samplerate
            if row.duration > longest_s:
                return Clip(row)
            mono = np.concatenate([np.empty(0, np.float32), *_mono_blocks(file, item, part)])
        row.peak = _peak(mono)
        return Clip(row, resample(mono, row.sample_rate, sample_rate))
    except Exception as error:  # a library may raise anything at a damaged file
        return Clip(row.fail(explain(error)))


def stream(row: Row, sample_rate: int) -> Iterator[np.ndarray]:
    """Decode a long file block by block; the blocks' samples are those of the whole.

    Parameters
    ----------
    row : Row
        From `decode`; its peak is filled in.
    sample_rate : int
        The model's [Hz].

    Yields
    ------
    np.ndarray [shape=(n_samples,), dtype=float32]

    Raises
    ------
    AudioFileError
        When the damaged place is reached, or at the end that comes too early.
    """
    row.peak = 0.0
    with open_audio(row.item.path) as file:
        part = _select(file, row.item)
        blocks = _mono_blocks(file, row.item, part)
        yield from _resampled(_measured(blocks, row), part.length, file.samplerate, sample_rate)


def explain(error: Exception) -> str:
    """Return what a row says of an error; only this package's explain themselves."""
    from ..errors import HearError

    return str(error) if isinstance(error, HearError) else f"{type(error).__name__}: {error}"


def read_ahead(
    items: Iterable[Item],
    sample_rate: int,
    pool: Executor,
    longest_s: float = LONGEST_WHOLE_S,
) -> Iterator[Clip]:
    """Decode items in threads, and yield them in their order."""
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
    """Compute the next block in a thread while the last is used."""
    coming = pool.submit(next, blocks, None)
    while (block := coming.result()) is not None:
        coming = pool.submit(next, blocks, None)
        yield block


def _check_kind(path: str, row: Row) -> None:
    """Note size and date; refuse what would block or never end."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return  # opening it says why
    row.size, row.modified = status.st_size, status.st_mtime
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise AudioFileError(f"{path}: no regular file, but a pipe, a socket or a device.")


def _select(file: soundfile.SoundFile, item: Item) -> Part:
    """Go to where an item starts, and return what it asks for."""
    rate, start, duration = file.samplerate, item.start or 0.0, item.duration
    if not 0 <= start < math.inf or (duration is not None and not 0 < duration < math.inf):
        raise AudioFileError(
            f"{item.path}: start must be 0 s or later, and duration above 0 s. Received: "
            f"start={item.start}, duration={duration}"
        )
    first = round(start * rate)
    if first >= file.frames > 0:
        raise AudioFileError(
            f"{item.path}: start={start} s lies beyond its end at {file.frames / rate:g} s."
        )
    count = file.frames - first
    if duration is not None:
        count = min(count, max(1, round(duration * rate)))
    if first:
        file.seek(first)
    return Part(first, count)


def _mono_blocks(file: soundfile.SoundFile, item: Item, part: Part) -> Iterator[np.ndarray]:
    """Read a part block by block, and check at its end that nothing is missing."""
    size = round(BLOCK_S * file.samplerate)
    n_read = 0
    while n_read < part.length:
        samples = read_samples(item.path, file, min(size, part.length - n_read))
        if len(samples) == 0:
            break
        n_read += len(samples)
        yield downmix(samples)
    whole = n_read == part.length
    check_complete(item.path, file, file.frames if whole else part.first + n_read)


def _measured(blocks: Iterable[np.ndarray], row: Row) -> Iterator[np.ndarray]:
    for block in blocks:
        row.peak = max(row.peak or 0.0, _peak(block))
        yield block


def _peak(mono: np.ndarray) -> float:
    return float(max(mono.max(), -mono.min())) if len(mono) else 0.0


def _resampled(
    blocks: Iterable[np.ndarray], n_samples: int, from_rate: int, to_rate: int
) -> Iterator[np.ndarray]:
    """Bring blocks to another rate; together they are what `resample` makes of the whole."""
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
