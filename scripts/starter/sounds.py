"""Sounds that training hears: eight families of clips with labels.

`FAMILIES` makes clips of 1.2 s at 48 kHz. Each family draws only from what `splits` calls TRAINED.
"""

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

from . import splits

SAMPLE_RATE = 48_000
"""Rate of the clips [Hz], OpenL3's. YAMNet's rate is a third of it."""
SECONDS = 1.2
N_SAMPLES = round(SECONDS * SAMPLE_RATE)

FACTORS = ("type", "pitch", "program", "word", "voice")
"""What clips are labelled by."""
NONE = -1
"""Label of a factor that does not apply to a clip."""


class LabelledClip(NamedTuple):
    """A sound and the factors that apply to it."""

    samples: np.ndarray
    labels: dict[str, int]


def _type(name: str) -> int:
    return splits.TYPES.index(name)


def events(block: int, n_clips: int, rng: np.random.Generator) -> Iterator[LabelledClip]:
    """Yield events of all kinds in turn."""
    for index in range(n_clips):
        name = splits.TRAINED_KINDS[(block * n_clips + index) % len(splits.TRAINED_KINDS)]
        yield LabelledClip(KINDS[name](SECONDS, SAMPLE_RATE, rng), {"type": _type(f"event:{name}")})


def backgrounds(block: int, n_clips: int, rng: np.random.Generator) -> Iterator[LabelledClip]:
    """Yield backgrounds of all kinds in turn."""
    names = list(BACKGROUNDS)
    for index in range(n_clips):
        name = names[index % len(names)]
        yield LabelledClip(
            BACKGROUNDS[name](SECONDS, SAMPLE_RATE, rng), {"type": _type(f"background:{name}")}
        )


def strokes(block: int, n_clips: int, rng: np.random.Generator) -> Iterator[LabelledClip]:
    """Yield strokes on drums and blocks."""
    for index in range(n_clips):
        name = splits.TRAINED_STROKES[index % len(splits.TRAINED_STROKES)]
        tuning, velocity = np.exp(rng.uniform(np.log(60), np.log(700))), rng.uniform(40, 127)
        samples = STROKES[name](tuning, velocity, SECONDS, SAMPLE_RATE, rng)
        yield LabelledClip(samples, {"type": _type(f"stroke:{name}")})


def drums(block: int, n_clips: int, rng: np.random.Generator) -> Iterator[LabelledClip]:
    """Yield the drums of a General MIDI kit."""
    kits = (0, 8, 16, 24, 25, 32, 40, 48)
    keys = [splits.TRAINED_DRUMS[i % len(splits.TRAINED_DRUMS)] for i in range(n_clips)]
    notes = [ScoreNote(key, int(rng.integers(30, 128)), 0.9) for key in keys]
    sounds = play(
        notes, kits[block % len(kits)], sound_font=sound_font(), seconds=SECONDS, drums=True
    )
    for key, samples in zip(keys, sounds, strict=True):
        yield LabelledClip(samples, {"type": _type(f"drum:{key}")})


def midi_notes(block: int, n_clips: int, rng: np.random.Generator) -> Iterator[LabelledClip]:
    """Yield notes of a few General MIDI programs on all keys."""
    n_pitches = splits.N_PITCHES
    n_programs = n_clips // n_pitches
    for index in range(n_programs):
        at = (block * n_programs + index) % len(splits.TRAINED_PROGRAMS)
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
            if np.abs(samples).max() < 1e-4:  # some instruments lack the lowest or highest keys
                continue
            labels = {"type": _type(f"family:{program // 8}"), "program": at}
            if program < splits.N_PITCHED and program not in splits.OFF_KEY:
                labels["pitch"] = pitch
            yield LabelledClip(samples, labels)


def synthetic_notes(block: int, n_clips: int, rng: np.random.Generator) -> Iterator[LabelledClip]:
    """Yield synthesised notes, each with its own timbre."""
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
        yield LabelledClip(samples, labels)


def espeak_words(block: int, n_clips: int, rng: np.random.Generator) -> Iterator[LabelledClip]:
    """Yield words spoken by espeak-ng."""
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
        yield LabelledClip(samples, labels)


def formant_words(block: int, n_clips: int, rng: np.random.Generator) -> Iterator[LabelledClip]:
    """Yield words spoken by this package's formant synthesiser."""
    words = sorted(set(speech.WORDS) & set(splits.WORDS))
    for index in range(n_clips):
        word = words[index % len(words)]
        samples = speech.speak(word, speech.Voice.draw(rng), rng=rng)
        labels = {"type": _type("speech:formants"), "word": splits.WORDS.index(word)}
        yield LabelledClip(samples, labels)


class Family(NamedTuple):
    """A family of sounds, and how many clips of it a bank of size 1 has."""

    clips: Callable[[int, int, np.random.Generator], Iterator[LabelledClip]]
    """``(block, n_clips, rng)`` → the clips of a block."""
    n_blocks: int
    n_clips: int
    """Number of clips in a block."""


FAMILIES = {
    "midi_notes": Family(midi_notes, 42, 352),  # each program twice
    "synthetic_notes": Family(synthetic_notes, 30, 350),
    "espeak_words": Family(espeak_words, 20, 350),
    "events": Family(events, 16, 350),
    "formant_words": Family(formant_words, 6, 350),
    "drums": Family(drums, 8, 141),
    "strokes": Family(strokes, 4, 220),
    "backgrounds": Family(backgrounds, 4, 240),
}


@cache
def sound_font() -> Path:
    """Return the path of the sound font, or exit with what must be installed."""
    path = find_sound_font()
    if path is None:
        raise SystemExit("This needs: apt-get install fluidsynth fluid-soundfont-gm espeak-ng")
    return path


def placed(clip: LabelledClip, rng: np.random.Generator) -> np.ndarray:
    """Place a sound at a random time in a clip of `SECONDS`, sometimes in a room or distorted.

    Returns
    -------
    np.ndarray [shape=(N_SAMPLES,), dtype=int16]
    """
    samples = clip.samples[:N_SAMPLES]
    start = rng.integers(max(1, N_SAMPLES - len(samples)))
    sound = np.zeros(N_SAMPLES, np.float32)
    sound[start : start + len(samples)] = samples
    if rng.random() < 0.3:
        sound = in_room(sound, draw_room(SAMPLE_RATE, rng))
    if rng.random() < 0.2:
        sound = equalise(sound, SAMPLE_RATE, rng)
    if rng.random() < 0.05:
        sound = clip_hard(sound, rng.uniform(3, 12))
    return np.round(to_peak(sound, 0.9) * 32767).astype(np.int16)
