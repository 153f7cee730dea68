"""What a task is: its sounds, their answers, and what heareval is told about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import HearError
from ..synthesis.streams import stream

__all__ = [
    "SAMPLE_RATE",
    "Answer",
    "Clip",
    "Plan",
    "Recipe",
    "Task",
    "TaskError",
    "clip_stream",
]

SAMPLE_RATE = 48_000
"""Hz: all clips are synthesised at this rate, and resampled to the others."""

Answer = list[str] | list[int] | list[dict[str, Any]]
"""Labels of a clip, or events: ``{"label": …, "start": ms, "end": ms}``."""


class TaskError(HearError, OSError):
    """A task's folder cannot be written, or holds another task than was asked for."""


@dataclass(frozen=True)
class Clip:
    """A sound and what is to be found out about it."""

    samples: np.ndarray
    """[shape=(n_samples,)], float32 at `SAMPLE_RATE`, in [-1, 1]."""
    answer: Answer


@dataclass(frozen=True)
class Plan:
    """How much there is of a task."""

    labels: tuple[str, ...] | tuple[int, ...]
    n_clips: Mapping[str, int]
    """Of each split."""
    seconds: float
    """Length of a clip, or the greatest where lengths vary."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what is written; equal recipes give equal bytes."""

    size: str = "full"
    seed: int = 0
    sample_rates: tuple[int, ...] = (SAMPLE_RATE,)
    speaker: str = "formant"
    """Who says words: ``"formant"`` or ``"espeak-ng"``."""


@dataclass(frozen=True)
class Task:
    """One of the five tasks."""

    name: str
    about: str
    embedding_type: str
    prediction_type: str
    evaluation: tuple[str, ...]
    """heareval's metrics; the first one chooses the model."""
    plans: Mapping[str, Plan]
    """By size: ``"full"`` and ``"small"``."""
    make_clip: Callable[[Recipe, Plan, str, int], Clip]
    """``(recipe, plan, split, index)``: the clip is the same whatever was made before it."""
    k_fold: bool = False
    varying_length: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)
    """Metadata that only this task has."""

    def folder(self, recipe: Recipe) -> str:
        """Name the task's folder as HEAR does: task, version, size."""
        return f"{self.name}-v1-{recipe.size}"

    def metadata(self, recipe: Recipe) -> dict[str, Any]:
        """Return what goes into task_metadata.json."""
        plan = self.plans[recipe.size]
        splits = list(plan.n_clips)
        split_mode = (
            {"split_mode": "new_split_kfold", "nfolds": len(splits)}
            if self.k_fold
            else {"split_mode": "trainvaltest"}
        )
        return {
            "task_name": self.name,
            "version": "v1",
            "mode": recipe.size,
            "embedding_type": self.embedding_type,
            "prediction_type": self.prediction_type,
            **split_mode,
            "splits": splits,
            "sample_duration": None if self.varying_length else plan.seconds,
            "evaluation": list(self.evaluation),
            **self.more,
        }


def clip_stream(
    task: str, recipe: Recipe, split: str, index: int, part: str = ""
) -> np.random.Generator:
    """Return the random numbers of one clip, or of something that clips of one split share."""
    return stream(f"tasks/{task}", f"{split}/{part}", index, seed=recipe.seed)
