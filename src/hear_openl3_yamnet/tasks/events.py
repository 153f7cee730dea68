"""synth_events: find short events in noise, and their times, as in DCASE 2016 task 2."""

from typing import Any

import numpy as np

from ..synthesis.events import KINDS
from ..synthesis.mixing import equalise
from ..synthesis.rooms import draw_room, in_room
from .listening import audible_part, background, placed
from .task import SAMPLE_RATE, Clip, Plan, Task, TaskOptions, clip_stream

__all__ = ["TASK"]

_NAME = "synth_events"
_PER_SECOND = 0.35
_SNRS = (-6.0, 0.0, 6.0)  # dB, event to background, as in DCASE
_SPREAD = 4.0  # dB, standard deviation of the events' levels
_PEAK = 0.7
_LABELS = (
    "clapping",
    "coins",
    "cough",
    "dog",
    "door",
    "glass-clink",
    "knock",
    "laughter",
    "paper",
    "telephone-bell",
    "typewriter",
)


def _make_clip(options: TaskOptions, plan: Plan, split: str, index: int) -> Clip:
    rng = clip_stream(_NAME, options, split, index)
    n_samples = round(plan.seconds * SAMPLE_RATE)
    noise = background(n_samples, rng)
    snr = _SNRS[index % len(_SNRS)]
    loudness = np.sqrt((noise**2).mean()) * 10 ** (snr / 20)
    sounds = np.zeros(n_samples, np.float32)
    events: list[dict[str, Any]] = []
    for _ in range(round(_PER_SECOND * plan.seconds)):
        label = str(rng.choice(plan.labels))
        sound = _event(label, rng)
        start = int(rng.integers(n_samples - len(sound)))
        event = _answer(label, start, len(sound))
        if any(_too_close(event, other) for other in events):
            continue
        level = loudness * 10 ** (rng.normal(0, _SPREAD) / 20)
        sounds += placed(sound * (level / np.sqrt((sound**2).mean())), start, n_samples)
        events.append(event)
    # reverberation prolongs an event but keeps its onset: the response begins with the direct sound
    mixture = _unscaled_in_room(sounds, rng) + noise
    samples = (mixture * (_PEAK / np.abs(mixture).max())).astype(np.float32)
    return Clip(samples, sorted(events, key=lambda event: event["start"]))


def _event(label: str, rng: np.random.Generator) -> np.ndarray:
    sound = audible_part(KINDS[label](rng.uniform(0.6, 1.5), SAMPLE_RATE, rng))
    return audible_part(equalise(sound, SAMPLE_RATE, rng, 3.0))


def _answer(label: str, start: int, length: int) -> dict[str, Any]:
    milliseconds = 1000 / SAMPLE_RATE
    return {
        "label": label,
        "start": round(start * milliseconds, 3),
        "end": round((start + length) * milliseconds, 3),
    }


def _too_close(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether two events of one kind would sound like one. Other kinds may overlap."""
    apart = 300.0  # ms
    return (
        one["label"] == other["label"]
        and one["start"] < other["end"] + apart
        and other["start"] < one["end"] + apart
    )


def _unscaled_in_room(sounds: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    heard = in_room(sounds, draw_room(SAMPLE_RATE, rng))
    energy = (sounds**2).mean() / max(float((heard**2).mean()), 1e-12)
    return heard * np.sqrt(energy)


def _plan(seconds: float, **n_clips: int) -> Plan:
    return Plan(_LABELS, n_clips, seconds)


TASK = Task(
    name=_NAME,
    about="11 kinds of events, with onsets, in 2 minutes of background",
    embedding_type="event",
    prediction_type="multilabel",
    evaluation=("event_onset_200ms_fms", "segment_1s_er"),
    plans={
        "full": _plan(120.0, train=16, valid=4, test=8),
        "small": _plan(30.0, train=4, valid=2, test=2),
    },
    make_clip=_make_clip,
)
