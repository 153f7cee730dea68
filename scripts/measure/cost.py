"""Count the floating-point operations of the networks, for each way to compute them.

A multiplication with its addition counts as two operations. Only convolutions are counted; all
other layers together are below 2 %.

    python -m scripts.measure.cost
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from hear_openl3_yamnet.backbones import Backbone, openl3, operations, yamnet
from hear_openl3_yamnet.backbones.openl3_sharing import GRID
from hear_openl3_yamnet.config.configuring import configure
from hear_openl3_yamnet.engine.runs import frames_of_run
from hear_openl3_yamnet.features.frontends import FRONT_ENDS, FrontEnd

LAG = openl3.NATIVE_HOP // FRONT_ENDS["mel256"].frame_hop
"""Distance of windows at the native hop [STFT frames]."""


class Strip(NamedTuple):
    """A layer's map: frames of a window, and how many at each edge the window does not share."""

    layer: str
    width: int
    left: int
    right: int


def strips(front_end: FrontEnd) -> Iterator[Strip]:
    """Yield the strips of all layers, with the widths that `openl3_sharing` computes."""
    width, left, right = front_end.n_frames, 0, front_end.n_frames - front_end.n_whole
    for step in openl3.STEPS:
        if step.kind == "conv":
            left, right = left + 1, right + 1
        else:
            first = width - right  # of the frames at the right, rounded down to an even one
            right = width // 2 - (first - first % 2) // 2
            left, width = -(-left // 2), width // 2
        yield Strip(step.name, width, left, right)


def _openl3(front_end: FrontEnd, frames: dict[str, float]) -> float:
    """Return the operations of convolutions that compute a number of frames in each layer."""
    total, channels_in = 0.0, 1
    for step in openl3.STEPS:
        if step.kind == "conv":
            bands, _, channels = openl3.map_shape(step.name, front_end.n_bands, front_end.n_frames)
            total += 2 * 9 * bands * channels_in * channels * frames[step.name]
            channels_in = channels
    return total


def window(front_end: FrontEnd) -> float:
    """Return the operations of a single window."""
    backbone: Backbone = yamnet if front_end.name == "yamnet" else openl3
    shape = (front_end.n_bands, front_end.n_frames)
    return operations.count(backbone, [backbone.LAST_LAYER], *shape)


def shared(front_end: FrontEnd, run: int, lag: int = LAG) -> float:
    """Return the operations per window of a run of `run` windows that share convolutions."""
    length = frames_of_run(run, lag, configure(f"openl3-{front_end.name}-music"))
    long = {s.layer: length / openl3.frame_stride(s.layer) / run for s in strips(front_end)}
    own = {s.layer: s.left + s.right for s in strips(front_end)}
    return _openl3(front_end, long) + _openl3(front_end, own)


def dense(front_end: FrontEnd, lag: int = LAG) -> float:
    """Return the operations of one more window of a long dense map."""
    return _openl3(
        front_end, {s.layer: lag / openl3.frame_stride(s.layer) for s in strips(front_end)}
    )


def main() -> None:
    print("GFLOP per window, and per second of audio at the native hop")
    ways = {"window": window, "dense": dense}
    ways.update({f"runs of {n}": lambda f, n=n: shared(f, n) for n in (2, 5, 12, 25)})
    for name, front_end in FRONT_ENDS.items():
        network = yamnet if name == "yamnet" else openl3
        per_second = front_end.sample_rate / network.NATIVE_HOP
        for way, count in ways.items():
            if way == "window" or network is openl3:
                gflop = count(front_end) / 1e9
                print(f"{name:8} {way:12} {gflop:7.3f} {gflop * per_second:8.1f}")
    for strip in strips(FRONT_ENDS["mel256"]):
        print(f"{strip.layer:8} width {strip.width:3} left {strip.left} right {strip.right}")
    assert math.isclose(LAG, GRID)


if __name__ == "__main__":
    main()
