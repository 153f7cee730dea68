"""synth_tags: list the kinds of sounds in mixtures of very different lengths, as in FSD50K."""

import numpy as np

from ..synthesis.events import KINDS
from .listening import audible_part, placed, recorded
from .task import SAMPLE_RATE, Clip, Plan, Task, TaskOptions, clip_stream

__all__ = ["TASK"]

_NAME = "synth_tags"
_SHORTEST = 0.3  # s
_COUNTS = (1, 2, 3, 4)
_SHARES = (0.4, 0.3, 0.2, 0.1)


def _make_clip(options: TaskOptions, plan: Plan, split: str, index: int) -> Clip:
    rng = clip_stream(_NAME, options, split, index)
    seconds = _SHORTEST * (plan.seconds / _SHORTEST) ** rng.random()
    n_samples = round(seconds * SAMPLE_RATE)
    # the first tag cycles through all labels, so that each occurs; the others are random
    first = plan.labels[index % len(plan.labels)]
    others = [label for label in plan.labels if label != first]
    n_others = rng.choice(_COUNTS, p=_SHARES) - 1
    tags = [str(first), *map(str, rng.choice(others, n_others, replace=False))]
    mixture = np.zeros(n_samples, np.float32)
    for tag in tags:
        # long enough for sounds with a slow onset
        sound = audible_part(KINDS[tag](max(seconds, 1.5), SAMPLE_RATE, rng))
        latest = n_samples - round(_SHORTEST * SAMPLE_RATE)
        start = int(rng.integers(latest + 1))
        level = 10 ** (rng.uniform(-12, 0) / 20)
        mixture += placed(sound * level, start, n_samples)
    return Clip(recorded(mixture, rng, snr=(0, 30), colour=4, wet=0.5), sorted(tags))


TASK = Task(
    name=_NAME,
    about=f"{len(KINDS)} kinds of sounds, mixed, in clips of 0.3 to 10 s",
    embedding_type="scene",
    prediction_type="multilabel",
    evaluation=("mAP", "d_prime", "aucroc", "top1_acc"),
    plans={
        "full": Plan(tuple(sorted(KINDS)), {"train": 732, "valid": 183, "test": 366}, 10.0),
        "small": Plan(
            ("clock", "dog", "drill", "rain", "siren-yelp", "steps"),
            {"train": 48, "valid": 18, "test": 24},
            3.0,
        ),
    },
    make_clip=_make_clip,
    varying_length=True,
)
