"""Render the bank of clips that the starter weights are trained on.

    python -m scripts.starter render /tmp/bank --size 1.0 --seed 0

The bank has blocks of a few hundred clips of 1.2 s at 48 kHz. Each block is a folder with
``audio.npy`` (int16), ``mel128.npy`` and ``yamnet.npy`` (band amplitudes of the two front ends in
decibels, float16) and ``labels.npy``. Existing blocks are not rendered again. The sounds of a block
come from a random stream of its own, so that it does not depend on other blocks.
"""

import argparse
import multiprocessing
import os
import time
from pathlib import Path

import numpy as np

from hear_openl3_yamnet.files import written_whole
from hear_openl3_yamnet.synthesis.streams import stream

from .features import amplitudes_in_decibels
from .sounds import FACTORS, FAMILIES, NONE, placed

Job = tuple[Path, str, int, int]
"""Folder of the bank, name of the family, number of the block, seed."""


def render_block(job: Job) -> tuple[str, int]:
    """Render one block of a family, if it does not exist.

    Returns
    -------
    str, int
        Name of the block and its number of clips.
    """
    folder, name, block, seed = job
    path = folder / f"{name}-{block:03d}"
    if path.exists():
        return path.name, len(np.load(path / "labels.npy", mmap_mode="r"))
    rng = stream("starter/bank", name, block, seed=seed)
    audio, labels = [], []
    for clip in FAMILIES[name].clips(block, FAMILIES[name].n_clips, rng):
        audio.append(placed(clip, rng))
        labels.append([clip.labels.get(factor, NONE) for factor in FACTORS])
    folder.mkdir(parents=True, exist_ok=True)
    with written_whole(path) as partial:
        partial.mkdir()
        np.save(partial / "audio.npy", np.stack(audio))
        np.save(partial / "labels.npy", np.array(labels, np.int16))
        for front_end in ("mel128", "yamnet"):
            rows = [amplitudes_in_decibels(clip / np.float32(32767), front_end) for clip in audio]
            np.save(partial / f"{front_end}.npy", np.stack(rows).astype(np.float16))
    return path.name, len(audio)


def jobs(folder: Path, size: float, seed: int) -> list[Job]:
    """List the blocks to render. The families alternate, so that any run of jobs is a fair sample.

    Parameters
    ----------
    folder : Path
        Folder of the bank.
    size : float
        Factor on the number of blocks of each family.
    seed : int
    """
    places = []
    for name, family in FAMILIES.items():
        n_blocks = max(1, round(family.n_blocks * size))
        places += [((block + 0.5) / n_blocks, name, block) for block in range(n_blocks)]
    return [(folder, name, block, seed) for _, name, block in sorted(places)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("out", type=Path, help="folder of the bank")
    parser.add_argument("--size", type=float, default=1.0, help="1.0 has about 40 000 clips")
    parser.add_argument("--seed", type=int, default=0, help="of all sounds")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="processes")


def main(arguments: argparse.Namespace) -> None:
    """Render the missing blocks on all cores."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    started, n_clips = time.monotonic(), 0
    todo = jobs(arguments.out, arguments.size, arguments.seed)
    with multiprocessing.Pool(arguments.workers) as pool:
        for index, (name, n) in enumerate(pool.imap_unordered(render_block, todo), start=1):
            n_clips += n
            passed = time.monotonic() - started
            print(f"{index}/{len(todo)} {name}: {n_clips} clips, {passed:.0f} s", flush=True)
