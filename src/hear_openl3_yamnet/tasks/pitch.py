"""synth_pitch: recognise the pitch of single notes of many instruments, as in NSynth."""

from ..synthesis.notes import METHODS, PITCHES
from .listening import recorded
from .task import SAMPLE_RATE, Clip, Plan, Task, TaskOptions, clip_stream

__all__ = ["TASK"]

_NAME = "synth_pitch"
_NOTES_PER_INSTRUMENT = 8
_VELOCITIES = (25, 50, 75, 100, 127)  # those of NSynth


def _make_clip(options: TaskOptions, plan: Plan, split: str, index: int) -> Clip:
    rng = clip_stream(_NAME, options, split, index)
    pitch = int(plan.labels[index % len(plan.labels)])
    instrument = int(rng.integers(1 + plan.n_clips[split] // _NOTES_PER_INSTRUMENT))
    timbre = clip_stream(_NAME, options, split, instrument, "instrument")
    method = METHODS[timbre.choice(list(METHODS))]
    cents = rng.uniform(-20, 20)
    velocity = rng.choice(_VELOCITIES)
    note = method(pitch + cents / 100, velocity, plan.seconds, SAMPLE_RATE, timbre)
    samples = recorded(note, rng, snr=(-3, 25), colour=5, wet=0.5)
    return Clip(samples, [pitch])


TASK = Task(
    name=_NAME,
    about="88 pitches by nine methods of synthesis",
    embedding_type="scene",
    prediction_type="multiclass",
    evaluation=("pitch_acc", "chroma_acc"),
    plans={
        "full": Plan(tuple(PITCHES), {"train": 1760, "valid": 440, "test": 880}, 1.0),
        "small": Plan(tuple(range(48, 72)), {"train": 72, "valid": 24, "test": 24}, 1.0),
    },
    make_clip=_make_clip,
)
