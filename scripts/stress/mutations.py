"""Random damage to the content of a file."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np

Regions = list[tuple[int, int]]
"""Ranges of bytes (start, end)."""


def peak_memory_kb() -> int:
    """Return the peak resident memory of this process plus that of its largest child [kB]."""
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss of a new process begins with that of the one that started it
        own = int(status.read_text().partition("VmHWM:")[2].split()[0])
    return own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


def mutate(content: bytes, regions: Regions, rng: np.random.Generator) -> bytes:
    """Damage a file in one to eight places, mostly in its metadata."""
    damaged = bytearray(content)
    lengths = np.array([end - start for start, end in regions], float)
    for _ in range(rng.integers(1, 9)):
        start, end = regions[rng.choice(len(regions), p=lengths / lengths.sum())]
        if rng.random() < 0.2:
            start, end = 0, len(damaged)
        at = int(rng.integers(start, end))
        DAMAGES[rng.integers(len(DAMAGES))](damaged, min(at, len(damaged) - 1), rng)
        if not damaged:
            break
    return bytes(damaged)


def flip_bit(data: bytearray, at: int, rng: np.random.Generator) -> None:
    data[at] ^= 1 << int(rng.integers(8))


def random_byte(data: bytearray, at: int, rng: np.random.Generator) -> None:
    data[at] = int(rng.integers(256))


def extreme_number(data: bytearray, at: int, rng: np.random.Generator) -> None:
    size = int(rng.choice([1, 2, 4, 8]))
    values = [0, 1, 0x7F, 0xFF, (1 << (8 * size)) - 1, 1 << (8 * size - 1), (1 << 8 * size) // 3]
    value = int(values[rng.integers(len(values))]) % (1 << 8 * size)
    data[at : at + size] = value.to_bytes(size, "little")


def zero_block(data: bytearray, at: int, rng: np.random.Generator) -> None:
    size = len(data[at : at + int(rng.integers(1, 512))])
    data[at : at + size] = bytes(size)


def truncate(data: bytearray, at: int, rng: np.random.Generator) -> None:
    del data[at:]


def delete_block(data: bytearray, at: int, rng: np.random.Generator) -> None:
    del data[at : at + int(rng.integers(1, 64))]


def insert_block(data: bytearray, at: int, rng: np.random.Generator) -> None:
    data[at:at] = rng.bytes(int(rng.integers(1, 64)))


def copy_block(data: bytearray, at: int, rng: np.random.Generator) -> None:
    size = int(rng.integers(1, 256))
    source = int(rng.integers(len(data)))
    block = bytes(data[source : source + size])
    data[at : at + len(block)] = block


DAMAGES = [
    flip_bit,
    random_byte,
    extreme_number,
    extreme_number,
    zero_block,
    truncate,
    delete_block,
    insert_block,
    copy_block,
]
