"""Render the bank of clips that the starter weights are trained on.

    python -m scripts.starter render /tmp/bank --size 1.0 --seed 0

Clips of 1.2 s at 48 kHz, in parts of a few hundred, each a folder with ``audio.npy`` (int16),
``mel128.npy`` and ``yamnet.npy`` (the two front ends' band amplitudes, in decibels, float16) and
``labels.npy``. Parts that are there already are not rendered again. Every part can be rendered
without the others: its sounds come from a stream of its own name.
"""

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hear_openl3_yamnet.synthesis import speech
from hear_openl3_yamnet.synthesis.envelopes import to_peak
from hear_openl3_yamnet.synthesis.events import KINDS
from hear_openl3_yamnet.synthesis.instruments import ScoreNote, find_sound_font, play
from hear_openl3_yamnet.synthesis.mixing import clip_hard, equalise
from hear_openl3_yamnet.synthesis.noises import BACKGROUNDS
from hear_openl3_yamnet.synthesis.notes import METHODS
from hear_openl3_yamnet.synthesis.percussion import STROKES
from hear_openl3_yamnet.synthesis.rooms import draw_room, in_room
from hear_openl3_yamnet.synthesis.streams import stream

from . import splits
from .features import amplitudes_in_decibels

SAMPLE_RATE = 48_000  # Hz, OpenL3's; YAMNet's is a third of it
SECONDS = 1.2
N_SAMPLES = round(SECONDS * SAMPLE_RATE)

FACTORS = ("type", "pitch", "program", "word", "voice")
NONE = -1
"""The label of a clip that a factor does not apply to."""


class Clip(NamedTuple):
    """One sound and its labels."""

    samples: np.ndarray
    labels: dict[str, int]


Family = Callable[[int, int, np.random.Generator], Iterator[Clip]]
"""(part, number of clips, randomness) → clips."""


def _type(name: str) -> int:
    return splits.TYPES.index(name)


def events(part: int, n_clips: int, rng: np.random.Generator) -> Iterator[Clip]:
    """Yield events, kind after kind."""
    for index in range(n_clips):
        name = splits.TRAINED_KINDS[(part * n_clips + index) % len(splits.TRAINED_KINDS)]
        yield Clip(KINDS[name](SECONDS, SAMPLE_RATE, rng), {"type": _type(f"event:{name}")})


def backgrounds(part: int, n_clips: int, rng: np.random.Generator) -> Iterator[Clip]:
    """Yield backgrounds, kind after kind."""
    names = list(BACKGROUNDS)
    for index in range(n_clips):
        name = names[index % len(names)]
        yield Clip(
            BACKGROUNDS[name](SECONDS, SAMPLE_RATE, rng), {"type": _type(f"background:{name}")}
        )


def strokes(part: int, n_clips: int, rng: np.random.Generator) -> Iterator[Clip]:
    """Yield strokes on drums and blocks."""
    for index in range(n_clips):
        name = splits.TRAINED_STROKES[index % len(splits.TRAINED_STROKES)]
        tuning, velocity = np.exp(rng.uniform(np.log(60), np.log(700))), rng.uniform(40, 127)
        samples = STROKES[name](tuning, velocity, SECONDS, SAMPLE_RATE, rng)
        yield Clip(samples, {"type": _type(f"stroke:{name}")})


def drums(part: int, n_clips: int, rng: np.random.Generator) -> Iterator[Clip]:
    """Yield a General MIDI kit's drums."""
    kits = (0, 8, 16, 24, 25, 32, 40, 48)
    keys = [splits.TRAINED_DRUMS[i % len(splits.TRAINED_DRUMS)] for i in range(n_clips)]
    notes = [ScoreNote(key, int(rng.integers(30, 128)), 0.9) for key in keys]
    sounds = play(
        notes, kits[part % len(kits)], sound_font=sound_font(), seconds=SECONDS, drums=True
    )
    for key, samples in zip(keys, sounds, strict=True):
        yield Clip(samples, {"type": _type(f"drum:{key}")})


def midi_notes(part: int, n_clips: int, rng: np.random.Generator) -> Iterator[Clip]:
    """Yield notes of General MIDI instruments: a few programs over all keys."""
    n_pitches = splits.N_PITCHES
    n_programs = n_clips // n_pitches
    for index in range(n_programs):
        at = (part * n_programs + index) % len(splits.TRAINED_PROGRAMS)
        program = splits.TRAINED_PROGRAMS[at]
        notes = [
            ScoreNote(
                21 + pitch,
                int(rng.integers(35, 128)),
                rng.uniform(0.3, 1.1),
                float(np.clip(rng.normal(0, 0.08), -0.3, 0.3)),
            )
            for pitch in range(n_pitches)
        ]
        sounds = play(notes, program, sound_font=sound_font(), seconds=SECONDS)
        for pitch, samples in enumerate(sounds):
            if np.abs(samples).max() < 1e-4:  # some instruments have no lowest or highest keys
                continue
            labels = {"type": _type(f"family:{program // 8}"), "program": at}
            if program < splits.N_PITCHED and program not in splits.OFF_KEY:
                labels["pitch"] = pitch
            yield Clip(samples, labels)


def synthetic_notes(part: int, n_clips: int, rng: np.random.Generator) -> Iterator[Clip]:
    """Yield notes, each of a timbre of its own."""
    methods = splits.TRAINED_METHODS
    for index in range(n_clips):
        name = methods[index % len(methods)]
        pitch = int(rng.integers(splits.N_PITCHES))
        detuned = 21 + pitch + float(np.clip(rng.normal(0, 0.08), -0.3, 0.3))
        seconds = rng.uniform(0.4, SECONDS)
        samples = METHODS[name](detuned, rng.uniform(40, 127), seconds, SAMPLE_RATE, rng)
        labels = {
            "type": _type(f"method:{name}"),
            "pitch": pitch,
            "program": splits.PROGRAMS.index(name),
        }
        yield Clip(samples, labels)


def espeak_words(part: int, n_clips: int, rng: np.random.Generator) -> Iterator[Clip]:
    """Yield words that espeak-ng says."""
    foreign = [(word, lang) for lang, words in splits.FOREIGN_WORDS.items() for word in words]
    for _ in range(n_clips):
        voice = int(rng.integers(len(splits.VOICES)))
        if rng.random() < 0.12:
            word, accent = foreign[rng.integers(len(foreign))]
        else:
            word, accent = (
                str(rng.choice(splits.TRAINED_WORDS)),
                str(rng.choice(splits.TRAINED_ACCENTS)),
            )
        samples = speech.say(
            word,
            f"{accent}+{splits.VOICES[voice]}",
            speed=int(rng.integers(130, 240)),
            pitch=int(rng.integers(20, 80)),
        )
        labels = {
            "type": _type("speech:espeak"),
            "word": splits.WORDS.index(word),
            "voice": voice,
        }
        yield Clip(samples, labels)


def formant_words(part: int, n_clips: int, rng: np.random.Generator) -> Iterator[Clip]:
    """Yield words that our own synthesiser speaks."""
    words = sorted(set(speech.WORDS) & set(splits.WORDS))
    for index in range(n_clips):
        word = words[index % len(words)]
        samples = speech.speak(word, speech.Voice.draw(rng), rng=rng)
        labels = {"type": _type("speech:formants"), "word": splits.WORDS.index(word)}
        yield Clip(samples, labels)


class Plan(NamedTuple):
    """How much of a family there is in a bank of size 1."""

    family: Family
    n_parts: int
    n_clips: int  # of each part


PLANS = {
    "midi_notes": Plan(midi_notes, 42, 352),  # each program twice
    "synthetic_notes": Plan(synthetic_notes, 30, 350),
    "espeak_words": Plan(espeak_words, 20, 350),
    "events": Plan(events, 16, 350),
    "formant_words": Plan(formant_words, 6, 350),
    "drums": Plan(drums, 8, 141),
    "strokes": Plan(strokes, 4, 220),
    "backgrounds": Plan(backgrounds, 4, 240),
}


@cache
def sound_font() -> Path:
    """Return the sound font that training uses."""
    path = find_sound_font()
    if path is None:
        raise SystemExit("This needs: apt-get install fluidsynth fluid-soundfont-gm espeak-ng")
    return path


def placed(clip: Clip, rng: np.random.Generator) -> np.ndarray:
    """Return a clip's sound at its length, somewhere in a room.

    Returns
    -------
    np.ndarray [shape=(57600,), dtype=int16]
    """
    samples = clip.samples[:N_SAMPLES]
    start = rng.integers(max(1, N_SAMPLES - len(samples)))
    stage = np.zeros(N_SAMPLES, np.float32)
    stage[start : start + len(samples)] = samples
    if rng.random() < 0.3:
        stage = in_room(stage, draw_room(SAMPLE_RATE, rng))
    if rng.random() < 0.2:
        stage = equalise(stage, SAMPLE_RATE, rng)
    if rng.random() < 0.05:
        stage = clip_hard(stage, rng.uniform(3, 12))
    return np.round(to_peak(stage, 0.9) * 32767).astype(np.int16)


def render_part(job: tuple[Path, str, int, int]) -> tuple[str, int]:
    """Render one part of a family, unless it is there.

    Returns
    -------
    str, int
        The part's name and its number of clips.
    """
    folder, name, part, seed = job
    done = folder / f"{name}-{part:03d}"
    if done.exists():
        return done.name, len(np.load(done / "labels.npy", mmap_mode="r"))
    rng = stream("starter/bank", name, part, seed=seed)
    audio, labels = [], []
    for clip in PLANS[name].family(part, PLANS[name].n_clips, rng):
        audio.append(placed(clip, rng))
        labels.append([clip.labels.get(factor, NONE) for factor in FACTORS])
    unfinished = folder / f".{done.name}-{os.getpid()}"
    unfinished.mkdir(parents=True, exist_ok=True)
    np.save(unfinished / "audio.npy", np.stack(audio))
    np.save(unfinished / "labels.npy", np.array(labels, np.int16))
    for front_end in ("mel128", "yamnet"):
        rows = [amplitudes_in_decibels(samples / np.float32(32767), front_end) for samples in audio]
        np.save(unfinished / f"{front_end}.npy", np.stack(rows).astype(np.float16))
    unfinished.rename(done)
    return done.name, len(audio)


def jobs(folder: Path, size: float, seed: int) -> list[tuple[Path, str, int, int]]:
    """List the parts to render, families in turn, so that any stretch of them is a fair sample."""
    places = [
        ((part + 0.5) / max(1, round(plan.n_parts * size)), name, part)
        for name, plan in PLANS.items()
        for part in range(max(1, round(plan.n_parts * size)))
    ]
    return [(folder, name, part, seed) for _, name, part in sorted(places)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=float, default=1.0, help="1.0 has about 40 000 clips")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count())


def main(arguments: argparse.Namespace) -> None:
    """Render what is missing, on all cores."""
    arguments.out.mkdir(parents=True, exist_ok=True)
    started, n_clips = time.monotonic(), 0
    todo = jobs(arguments.out, arguments.size, arguments.seed)
    with multiprocessing.Pool(arguments.workers) as pool:
        for index, (name, n) in enumerate(pool.imap_unordered(render_part, todo), start=1):
            n_clips += n
            passed = time.monotonic() - started
            print(f"{index}/{len(todo)} {name}: {n_clips} clips, {passed:.0f} s", flush=True)
