"""Eight tasks that judge the starter weights, with sounds that training never used.

Each clip lasts 1 s at 48 kHz. The sounds are drawn from random streams named
``starter/evaluation``, and training draws from ``starter/bank``. The titles of the tasks say what
else is new to the network. The clips that a probe is trained on and those that it is tested on
differ in timbres, voices and parameters.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from hear_openl3_yamnet.synthesis import speech
from hear_openl3_yamnet.synthesis.envelopes import to_peak
from hear_openl3_yamnet.synthesis.events import KINDS
from hear_openl3_yamnet.synthesis.instruments import ScoreNote, play
from hear_openl3_yamnet.synthesis.mixing import mix
from hear_openl3_yamnet.synthesis.noises import BACKGROUNDS
from hear_openl3_yamnet.synthesis.notes import METHODS
from hear_openl3_yamnet.synthesis.streams import stream

from . import splits
from .sounds import SAMPLE_RATE, sound_font

NAMES = (
    "pitch88", "pitch40", "words", "new_words", "events", "new_events", "instruments", "mixtures",
)  # fmt: skip
SECONDS = 1.0
N_SAMPLES = round(SECONDS * SAMPLE_RATE)

Clips = tuple[list[np.ndarray], list]
"""Samples and targets."""


class ProbeTask(NamedTuple):
    """Clips to train a probe on, and clips to test it on."""

    title: str
    train: Clips
    test: Clips
    multi_label: bool = False


def _clip(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Place a sound at a random time in a clip, over a faint background."""
    samples = samples[:N_SAMPLES]
    sound = np.zeros(N_SAMPLES, np.float32)
    start = rng.integers(N_SAMPLES - len(samples) + 1)
    sound[start : start + len(samples)] = samples
    background = list(BACKGROUNDS.values())[rng.integers(len(BACKGROUNDS))]
    sound = mix(sound, background(SECONDS, SAMPLE_RATE, rng), rng.uniform(15, 40))
    return to_peak(sound, 0.9 * 10 ** (-rng.uniform(0, 12) / 20))


def _method_notes(n: int, rng: np.random.Generator) -> Clips:
    clips = []
    for index in range(n * splits.N_PITCHES):
        name = splits.HELD_METHODS[index % len(splits.HELD_METHODS)]
        pitch = index % splits.N_PITCHES if index // splits.N_PITCHES % 2 else 87 - index % 88
        note = METHODS[name](21 + pitch, rng.uniform(50, 127), 0.9, SAMPLE_RATE, rng)
        clips.append((_clip(note, rng), pitch))
    return _unzipped(clips)


def _midi_notes(n: int, programs: tuple[int, ...], rng: np.random.Generator) -> Clips:
    pitches = np.repeat(np.arange(40), n)
    chosen = np.concatenate([rng.choice(programs, n, replace=False) for _ in range(40)])
    return [_clip(sound, rng) for sound in _played(chosen, 41 + pitches, rng)], pitches.tolist()


def _instruments(n: int, rng: np.random.Generator) -> Clips:
    indices = np.repeat(np.arange(28), n)
    programs = np.array(splits.HELD_PROGRAMS)[indices]
    sounds = _played(programs, rng.integers(45, 80, len(indices)), rng)
    return [_clip(sound, rng) for sound in sounds], indices.tolist()


def _played(programs: np.ndarray, keys: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Play one note for each program and key. All notes of a program are played in one run."""
    sounds: list[np.ndarray] = [np.zeros(0)] * len(keys)
    for program in np.unique(programs):
        where = np.flatnonzero(programs == program)
        notes = [
            ScoreNote(int(key), int(rng.integers(40, 128)), rng.uniform(0.4, 0.8))
            for key in keys[where]
        ]
        played = play(notes, int(program), sound_font=sound_font(), seconds=0.9)
        for index, sound in zip(where, played, strict=True):
            sounds[index] = to_peak(sound, 0.9)
    return sounds


def _words(
    words: tuple[str, ...], n: int, variants: tuple[str, ...], rng: np.random.Generator
) -> Clips:
    clips = []
    for index, word in enumerate(words):
        for _ in range(n):
            voice = f"{rng.choice(splits.HELD_ACCENTS)}+{rng.choice(variants)}"
            speed, pitch = int(rng.integers(140, 220)), int(rng.integers(25, 75))
            clips.append((_clip(speech.say(word, voice, speed=speed, pitch=pitch), rng), index))
    return _unzipped(clips)


def _events(kinds: tuple[str, ...], n: int, rng: np.random.Generator) -> Clips:
    return _unzipped(
        [
            (_clip(KINDS[name](SECONDS, SAMPLE_RATE, rng), rng), index)
            for index, name in enumerate(kinds)
            for _ in range(n)
        ]
    )


MIXED_KINDS = (*splits.HELD_KINDS[:8], *splits.TRAINED_KINDS[::4][:10])
"""Kinds of events in the mixtures. Training never used the first eight."""


def _mixtures(n: int, variants: tuple[str, ...], rng: np.random.Generator) -> Clips:
    """Make mixtures of one to three out of 20 sounds (18 events, notes, speech) in noise."""
    sources: list[Callable[[], np.ndarray]] = [
        *(lambda name=name: KINDS[name](SECONDS, SAMPLE_RATE, rng) for name in MIXED_KINDS),
        lambda: METHODS[str(rng.choice(splits.HELD_METHODS))](
            rng.uniform(40, 90), 100, 0.9, SAMPLE_RATE, rng
        ),
        lambda: speech.say(
            str(rng.choice(splits.HELD_WORDS)),
            f"{rng.choice(splits.HELD_ACCENTS)}+{rng.choice(variants)}",
        ),
    ]
    clips = []
    for _ in range(n):
        tags = np.zeros(len(sources), int)
        chosen = rng.choice(len(sources), rng.integers(1, 4), replace=False)
        tags[chosen] = 1
        mixture = np.zeros(N_SAMPLES, np.float32)
        for index in chosen:
            sound = sources[index]()[:N_SAMPLES]
            start = rng.integers(N_SAMPLES - len(sound) + 1)
            level = 10 ** (rng.uniform(-10, 0) / 20) / (np.sqrt((sound**2).mean()) + 1e-6)
            mixture[start : start + len(sound)] += level * sound
        clips.append((_clip(to_peak(mixture, 0.9), rng), tags))
    return _unzipped(clips)


def _unzipped(clips: list[tuple]) -> Clips:
    return [samples for samples, _ in clips], [target for _, target in clips]


def _pair(
    draw: str,
    make: Callable[..., Clips],
    n_train: int,
    n_test: int,
    *arguments: tuple,
    name: str,
) -> tuple[Clips, Clips]:
    """Make the training and the test clips of a probe, from two random streams."""
    train, test = arguments or ((), ())
    return (
        make(n_train, *train, stream(f"starter/{draw}", f"{name}/train")),
        make(n_test, *test, stream(f"starter/{draw}", f"{name}/test")),
    )


def make_tasks(
    size: float = 1.0, names: tuple[str, ...] = NAMES, draw: str = "evaluation"
) -> dict[str, ProbeTask]:
    """Make the tasks.

    Parameters
    ----------
    size : float
        Factor on the number of clips; 1.0 gives about 3300 clips.
    names : tuple of str
        Names of the tasks, from `NAMES`.
    draw : str
        Another name draws other clips.

    Returns
    -------
    dict of ProbeTask
    """

    def many(n: int) -> int:
        return max(2, round(n * size))

    variants = splits.HELD_VARIANTS
    pair = partial(_pair, draw)

    def words(of: tuple[str, ...], n_train: int, n_test: int, name: str) -> tuple[Clips, Clips]:
        return pair(
            lambda n, voices, rng: _words(of, n, voices, rng),
            many(n_train),
            many(n_test),
            (variants[::2],),
            (variants[1::2],),
            name=name,
        )

    def events(of: tuple[str, ...], n_train: int, n_test: int, name: str) -> tuple[Clips, Clips]:
        return pair(lambda n, rng: _events(of, n, rng), many(n_train), many(n_test), name=name)

    makers: dict[str, Callable[[], ProbeTask]] = {
        "pitch88": lambda: ProbeTask(
            "88 pitches, unseen methods",
            *pair(_method_notes, many(6), many(3), name="pitch88"),
        ),
        "pitch40": lambda: ProbeTask(
            "40 pitches, unseen programs",
            *pair(
                _midi_notes,
                many(8),
                many(6),
                (splits.PITCH_LEARN_PROGRAMS,),
                (splits.PITCH_TEST_PROGRAMS,),
                name="pitch40",
            ),
        ),
        "words": lambda: ProbeTask(
            "20 words, unseen voices and accents", *words(splits.TEST_WORDS, 10, 8, "words")
        ),
        "new_words": lambda: ProbeTask(
            "15 unseen words, unseen voices", *words(splits.HELD_WORDS, 8, 8, "new_words")
        ),
        "events": lambda: ProbeTask(
            f"{len(splits.TRAINED_KINDS)} event types, unseen parameters",
            *events(splits.TRAINED_KINDS, 6, 5, "events"),
        ),
        "new_events": lambda: ProbeTask(
            f"{len(splits.HELD_KINDS)} unseen event types", *events(splits.HELD_KINDS, 8, 10, "new")
        ),
        "instruments": lambda: ProbeTask(
            "28 unseen instruments", *pair(_instruments, many(9), many(7), name="instruments")
        ),
        "mixtures": lambda: ProbeTask(
            "20 tags in mixtures (mAP)",
            *pair(
                _mixtures,
                many(300),
                many(200),
                (variants[::2],),
                (variants[1::2],),
                name="mixtures",
            ),
            multi_label=True,
        ),
    }
    return {name: makers[name]() for name in names}
