"""Synthesize sounds for `distill`, on all cores.

    python -m scripts.starter synthesize --out /tmp/synthetic --parts 600

Each file ``part-NNNNN.npz`` holds sounds one after another (``audio``, float32) and their
``lengths``: a few of every family that training may use (`splits`). Files that are there already
are not made again.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
from pathlib import Path

import numpy as np

from hear_openl3_yamnet.files import written_whole
from hear_openl3_yamnet.synthesis import speech
from hear_openl3_yamnet.synthesis.events import KINDS
from hear_openl3_yamnet.synthesis.mixing import clip_hard
from hear_openl3_yamnet.synthesis.noises import BACKGROUNDS
from hear_openl3_yamnet.synthesis.notes import METHODS
from hear_openl3_yamnet.synthesis.percussion import STROKES
from hear_openl3_yamnet.synthesis.phonemes import WORDS
from hear_openl3_yamnet.synthesis.rooms import draw_room, in_room
from hear_openl3_yamnet.synthesis.streams import stream

from . import splits

RATE = 48_000
SECONDS = 1.2
PER_PART = {"event": 14, "background": 2, "note": 14, "stroke": 4, "word": 8}


def one_sound(family: str, rng: np.random.Generator) -> np.ndarray:
    """Make one sound of a family, of the kinds, methods and words that training may use."""
    if family == "event":
        return KINDS[str(rng.choice(splits.TRAINED_KINDS))](SECONDS, RATE, rng)
    if family == "background":
        return BACKGROUNDS[str(rng.choice(list(BACKGROUNDS)))](SECONDS, RATE, rng)
    if family == "stroke":
        tuning, velocity = np.exp(rng.uniform(np.log(60), np.log(700))), rng.uniform(40, 127)
        name = str(rng.choice(splits.TRAINED_STROKES))
        return STROKES[name](tuning, velocity, SECONDS, RATE, rng)
    if family == "note":
        pitch = 21 + int(rng.integers(splits.N_PITCHES))
        pitch = pitch + float(np.clip(rng.normal(0, 0.08), -0.3, 0.3))
        name = str(rng.choice(splits.TRAINED_METHODS))
        return METHODS[name](pitch, rng.uniform(40, 127), rng.uniform(0.4, SECONDS), RATE, rng)
    words = sorted(set(WORDS) & set(splits.TRAINED_WORDS))
    return speech.speak(str(rng.choice(words)), speech.Voice.draw(rng), rng=rng)


def render(part: int, seed: int) -> list[np.ndarray]:
    """Make the sounds of one part. Three in ten are put into a room."""
    rng = stream("distill/bank", part, seed=seed)
    made = []
    for family, count in PER_PART.items():
        for _ in range(count):
            audio = np.asarray(one_sound(family, rng), np.float32)[: round(1.5 * RATE)]
            if rng.random() < 0.3:
                padded = np.pad(audio, (0, max(0, round(SECONDS * RATE) - len(audio))))
                audio = in_room(padded, draw_room(RATE, rng))
            if rng.random() < 0.05:
                audio = clip_hard(audio, rng.uniform(3, 12))
            peak = float(np.abs(audio).max())
            if len(audio) > 480 and np.isfinite(audio).all() and peak > 1e-6:
                made.append((audio * (0.7 / peak)).astype(np.float32))
    return made


def make(task: tuple[Path, int, int]) -> None:
    """Write one part, unless it is there."""
    out, part, seed = task
    path = out / f"part-{part:05d}.npz"
    if path.exists():
        return
    made = render(part, seed)
    lengths = np.array([len(audio) for audio in made], np.int64)
    with written_whole(path) as partial:
        np.savez(partial, audio=np.concatenate(made), lengths=lengths)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--parts", type=int, default=800, help="of 42 sounds each, about 50 s")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0)


def main(arguments: argparse.Namespace) -> None:
    """Make the parts that are missing."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    tasks = [(arguments.out, part, arguments.seed) for part in range(arguments.parts)]
    with multiprocessing.get_context("spawn").Pool(arguments.workers) as pool:
        for _ in pool.imap_unordered(make, tasks):
            pass
