"""synth_words: recognise a word of one second in many voices, as in Speech Commands."""

import functools

import numpy as np

from ..synthesis.phonemes import WORDS
from ..synthesis.speech import ESPEAK_VOICES, Voice, say, speak
from .listening import placed, recorded
from .task import SAMPLE_RATE, Clip, Plan, Task, TaskOptions, clip_stream

__all__ = ["TASK"]

_NAME = "synth_words"
_N_VOICES = {"train": 60, "valid": 20, "test": 32}  # splits share no voice


def _make_clip(options: TaskOptions, plan: Plan, split: str, index: int) -> Clip:
    rng = clip_stream(_NAME, options, split, index)
    word = str(plan.labels[index % len(plan.labels)])
    spoken = _spoken(word, options, split, rng)
    n_samples = round(plan.seconds * SAMPLE_RATE)
    start = round(rng.uniform(0, 1) * (n_samples - len(spoken)))
    samples = placed(spoken, start, n_samples)
    return Clip(recorded(samples, rng, snr=(0, 30), colour=4, wet=0.5), [word])


def _spoken(word: str, options: TaskOptions, split: str, rng: np.random.Generator) -> np.ndarray:
    number = int(rng.integers(_N_VOICES[split]))
    if options.speaker == "espeak-ng":
        name = _espeak_voices(options.seed)[split][number]
        speed, pitch = int(rng.integers(120, 230)), int(rng.integers(20, 80))
        return say(word, name, speed=speed, pitch=pitch, sample_rate=SAMPLE_RATE)
    voice = Voice.draw(clip_stream(_NAME, options, split, number, "voice"))
    return speak(word, voice, sample_rate=SAMPLE_RATE, rng=rng)


@functools.cache
def _espeak_voices(seed: int) -> dict[str, list[str]]:
    """Distribute espeak-ng's voices over the splits."""
    rng = clip_stream(_NAME, TaskOptions(seed=seed), "all", 0, "voices")
    voices = iter(rng.permutation(ESPEAK_VOICES).tolist())
    return {split: [next(voices) for _ in range(n)] for split, n in _N_VOICES.items()}


TASK = Task(
    name=_NAME,
    about="35 words by many voices",
    embedding_type="scene",
    prediction_type="multiclass",
    evaluation=("top1_acc",),
    plans={
        "full": Plan(tuple(sorted(WORDS)), {"train": 1400, "valid": 350, "test": 700}, 1.0),
        "small": Plan(
            ("down", "go", "left", "no", "right", "stop", "up", "yes"),
            {"train": 48, "valid": 16, "test": 24},
            1.0,
        ),
    },
    make_clip=_make_clip,
)
