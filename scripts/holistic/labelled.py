"""Pack sounds with labels into a few small Opus files, for `teach`.

    apt-get install fluidsynth fluid-soundfont-gm espeak-ng flite opus-tools
    python -m scripts.holistic labelled --out PACK --size 1.0

The sounds are those of the starter's bank (`scripts.starter.sounds`), drawn anew, and the same
words spoken by flite's voices. The index of the pack holds the labels of each sound.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

from hear_openl3_yamnet.synthesis.rooms import draw_room, in_room
from hear_openl3_yamnet.synthesis.streams import stream
from scripts.starter.pack import SAMPLE_RATE, trimmed, write
from scripts.starter.sounds import FAMILIES, LabelledClip
from scripts.starter.splits import TRAINED_WORDS, WORDS

BLOCKS = {
    "midi_notes": 12,
    "synthetic_notes": 6,
    "espeak_words": 6,
    "events": 7,
    "formant_words": 1,
    "drums": 3,
    "strokes": 1,
    "backgrounds": 1,
    "flite_words": 5,
}
"""Blocks of each family in a pack of size 1."""
SHARE = {"midi_notes": 0.75}
"""The share of a block's clips that is kept, of families with long blocks."""
FLITE_VOICES = ("awb", "rms", "slt", "kal16", "kal")
LONGEST = 1.0  # seconds

Clip = tuple[str, np.ndarray, dict[str, int]]
"""Source, samples, labels."""


def flite_words(block: int, rng: np.random.Generator) -> Iterator[LabelledClip]:
    """Yield every word of the training in one of flite's voices, at some rate and pitch."""
    voice = FLITE_VOICES[block % len(FLITE_VOICES)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "word.wav"
        for word in TRAINED_WORDS:
            stretch, shift = rng.uniform(0.8, 1.25), rng.uniform(0.85, 1.2)
            settings = ["--setf", f"duration_stretch={stretch:.2f}"]
            settings += ["--setf", f"f0_shift={shift:.2f}"]
            command = ["flite", "-voice", voice, *settings, "-t", word, "-o", str(path)]
            subprocess.run(command, check=True)
            samples, rate = soundfile.read(path, dtype="float32")
            samples = resample_poly(samples, SAMPLE_RATE // 1000, rate // 1000)
            yield LabelledClip(samples.astype(np.float32), {"word": WORDS.index(word)})


def clips_of(job: tuple[str, int, int]) -> list[Clip]:
    """Make the clips of one block: (family, block, seed). One in four is put into a room."""
    family, block, seed = job
    rng = stream("holistic/bank", family, block, seed=seed)
    if family == "flite_words":
        made = flite_words(block, rng)
    else:
        made = FAMILIES[family].clips(block, FAMILIES[family].n_clips, rng)
    found = []
    for clip in made:
        if rng.random() > SHARE.get(family, 1.0):
            continue
        samples = clip.samples[: round(LONGEST * SAMPLE_RATE)]
        if rng.random() < 0.25:
            samples = in_room(samples, draw_room(SAMPLE_RATE, rng))
        samples = trimmed(np.asarray(samples, np.float32))
        if samples is not None:
            found.append((family, samples, clip.labels))
    return found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--size", type=float, default=1.0, help="factor on the number of blocks")
    parser.add_argument("--files", type=int, default=16)
    parser.add_argument("--bitrate", type=int, default=20, help="kbit/s")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--seed", type=int, default=0)


def main(arguments: argparse.Namespace) -> None:
    """Pack the sounds."""
    jobs = [
        (family, block, arguments.seed)
        for family, n in BLOCKS.items()
        for block in range(max(1, round(n * arguments.size)))
    ]
    with multiprocessing.get_context("spawn").Pool(arguments.workers) as pool:
        clips = [clip for part in pool.imap(clips_of, jobs) for clip in part]
    order = np.random.default_rng(arguments.seed).permutation(len(clips))
    write([clips[i] for i in order], arguments.out, arguments.files, arguments.bitrate)
    total = sum(len(samples) for _, samples, _ in clips) / SAMPLE_RATE
    size = sum(path.stat().st_size for path in arguments.out.iterdir())
    print(f"{len(clips)} sounds, {total:.0f} s, {size / 1e6:.1f} MB in {arguments.out}")
