"""synth_strokes: recognise a drum stroke in 0.8 s of playing, in folds, as in Mridangam."""

import numpy as np

from ..synthesis.percussion import STROKES
from .listening import placed, recorded
from .task import SAMPLE_RATE, Clip, Plan, Task, TaskOptions, clip_stream

__all__ = ["TASK"]

_NAME = "synth_strokes"
_N_DRUMS = 4  # in each fold, each with its own tuning
_LOWEST, _HIGHEST = 90.0, 260.0  # Hz


def _make_clip(options: TaskOptions, plan: Plan, split: str, index: int) -> Clip:
    rng = clip_stream(_NAME, options, split, index)
    drum = clip_stream(_NAME, options, split, int(rng.integers(_N_DRUMS)), "drum")
    tuning = _LOWEST * (_HIGHEST / _LOWEST) ** drum.random()
    kind = str(plan.labels[index % len(plan.labels)])
    before = str(rng.choice(plan.labels))

    def stroke(name: str, level: float) -> np.ndarray:
        velocity = rng.uniform(40, 127)
        sound = STROKES[name](tuning, velocity, plan.seconds, SAMPLE_RATE, rng)
        return sound * (level / np.abs(sound).max())

    n_samples = round(plan.seconds * SAMPLE_RATE)
    sound = placed(stroke(kind, 1.0), round(rng.uniform(0, 0.05) * SAMPLE_RATE), n_samples)
    # the previous stroke still rings
    ringing = stroke(before, 10 ** (rng.uniform(-20, 0) / 20))
    sound += placed(ringing, -round(rng.uniform(0.1, 0.4) * SAMPLE_RATE), n_samples)
    return Clip(recorded(sound, rng, snr=(0, 30), colour=4, wet=0.5), [kind])


def _folds(n_folds: int, n_clips: int) -> dict[str, int]:
    return {f"fold{i:02d}": n_clips for i in range(n_folds)}


TASK = Task(
    name=_NAME,
    about="14 percussive strokes on drums of many tunings",
    embedding_type="scene",
    prediction_type="multiclass",
    evaluation=("top1_acc",),
    plans={
        "full": Plan(tuple(sorted(STROKES)), _folds(5, 168), 0.8),
        "small": Plan(("bass", "bell", "block", "muted", "open", "slap"), _folds(3, 24), 0.8),
    },
    make_clip=_make_clip,
    k_fold=True,
)
