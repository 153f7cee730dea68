"""How many samples an MPEG audio file holds, and how many it states (ISO 11172-3, ISO 13818-3)."""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

from .tags import id3_size

_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Hertz, by the bits of the version: 3 is MPEG 1, 2 is MPEG 2, 0 is MPEG 2.5."""

_KILOBITS = {
    (True, 3): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 3): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 1): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Kilobits a second, by whether it is MPEG 1 and by the bits of the layer: 3 is layer I."""

_FARTHEST = 2**16
"""Bytes that are searched for the next frame if none follows directly."""


class _Frame(NamedTuple):
    n_bytes: int
    n_samples: int
    kind: tuple[int, int, int]
    """Version, layer and rate, which all frames of a recording have in common."""


class Count(NamedTuple):
    """Samples of a file.

    Attributes
    ----------
    present : int
        In its complete frames.
    stated : int or None
        In its first frame, if that is a frame of information.
    """

    present: int
    stated: int | None


def count_samples(file: BinaryIO, size: int) -> Count:
    """Count the samples in the frames of a file, without decoding them."""
    position, present, stated = 0, 0, None
    while position < size:
        file.seek(position)
        head = file.read(10)
        if n_tag := id3_size(head):
            position += n_tag
        elif frame := _frame(head):
            position += frame.n_bytes
            if present == 0 and stated is None:
                stated = _stated(head + file.read(64), frame)
                present -= frame.n_samples if stated else 0
            if position <= size:
                present += frame.n_samples
        else:
            found = _next_frame(file, position)
            if found is None:
                break
            position = found
    return Count(max(0, present), stated)


def _stated(content: bytes, frame: _Frame) -> int | None:
    """Read the number of samples from a frame of information, "Xing" or "Info"."""
    tag = max(content.find(b"Xing"), content.find(b"Info"))
    flags, n_frames = content[tag + 4 : tag + 8], content[tag + 8 : tag + 12]
    if tag < 0 or len(n_frames) < 4 or not flags[3] & 1:
        return None
    return frame.n_samples * int.from_bytes(n_frames, "big")


def _frame(head: bytes) -> _Frame | None:
    """Read the head of a frame, of 4 bytes."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    kilobits, rate = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 0 or not 0 < kilobits < 15 or rate == 3:
        return None  # reserved, or a frame whose length is not stated
    first = version == 3
    hertz = _RATES[version][rate]
    n_samples = 384 if layer == 3 else 576 if layer == 1 and not first else 1152
    slot = 4 if layer == 3 else 1
    bits = _KILOBITS[first, layer][kilobits - 1] * 1000
    n_slots = n_samples // 8 * bits // (hertz * slot) + (head[2] >> 1 & 1)
    return _Frame(n_slots * slot, n_samples, (version, layer, rate))


def _next_frame(file: BinaryIO, position: int) -> int | None:
    """Return the position of the next frame that another of the same kind follows."""
    file.seek(position)
    window = file.read(_FARTHEST + 8192)
    for i in range(1, min(_FARTHEST, len(window))):
        frame = _frame(window[i : i + 4])
        if frame is None:
            continue
        other = _frame(window[i + frame.n_bytes : i + frame.n_bytes + 4])
        if other is not None and other.kind == frame.kind:
            return position + i
    return None
