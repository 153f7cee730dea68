"""A task: its clips, their answers, and its metadata for heareval."""

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
    "Task",
    "TaskError",
    "TaskOptions",
    "clip_stream",
]

SAMPLE_RATE = 48_000
"""Rate at which all clips are synthesised [Hz]. Other rates are resampled from it."""

Answer = list[str] | list[int] | list[dict[str, Any]]
"""The labels of a clip, or its events ``{"label": …, "start": ms, "end": ms}``."""


class TaskError(HearError, OSError):
    """A task's folder cannot be written, or it holds another task."""


@dataclass(frozen=True)
class Clip:
    """A sound and the answer that a model should give."""

    samples: np.ndarray
    """Samples [shape=(n_samples,), dtype=float32] at `SAMPLE_RATE`, in [-1, 1]."""
    answer: Answer


@dataclass(frozen=True)
class Plan:
    """The extent of a task: its labels, and the number and length of its clips."""

    labels: tuple[str, ...] | tuple[int, ...]
    n_clips: Mapping[str, int]
    """Number of clips of each split."""
    seconds: float
    """Length of a clip, or the greatest length if lengths vary [s]."""


@dataclass(frozen=True)
class TaskOptions:
    """Options of a written task. Equal options give equal bytes."""

    size: str = "full"
    """``"full"`` or ``"small"``."""
    seed: int = 0
    sample_rates: tuple[int, ...] = (SAMPLE_RATE,)
    """Rates at which each clip is written [Hz]."""
    speaker: str = "formant"
    """Synthesiser of the words: ``"formant"`` or ``"espeak-ng"``."""


@dataclass(frozen=True)
class Task:
    """One of the five tasks."""

    name: str
    about: str
    embedding_type: str
    prediction_type: str
    evaluation: tuple[str, ...]
    """Metrics of heareval. It selects models by the first one."""
    plans: Mapping[str, Plan]
    """The plan of each size, ``"full"`` and ``"small"``."""
    make_clip: Callable[[TaskOptions, Plan, str, int], Clip]
    """Make clip ``(options, plan, split, index)``. It does not depend on the clips before it."""
    k_fold: bool = False
    varying_length: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)
    """Additional metadata of this task."""

    def folder(self, options: TaskOptions) -> str:
        """Return the folder's name in HEAR's form: task, version, size."""
        return f"{self.name}-v1-{options.size}"

    def metadata(self, options: TaskOptions) -> dict[str, Any]:
        """Return the content of task_metadata.json."""
        plan = self.plans[options.size]
        splits = list(plan.n_clips)
        split_mode = (
            {"split_mode": "new_split_kfold", "nfolds": len(splits)}
            if self.k_fold
            else {"split_mode": "trainvaltest"}
        )
        return {
            "task_name": self.name,
            "version": "v1",
            "mode": options.size,
            "embedding_type": self.embedding_type,
            "prediction_type": self.prediction_type,
            **split_mode,
            "splits": splits,
            "sample_duration": None if self.varying_length else plan.seconds,
            "evaluation": list(self.evaluation),
            **self.more,
        }


def clip_stream(
    task: str, options: TaskOptions, split: str, index: int, shared: str = ""
) -> np.random.Generator:
    """Return the random generator of a clip, or of something that clips of one split share.

    Parameters
    ----------
    task, split : str
        Names of the task and of the split.
    options : TaskOptions
    index : int
        Number of the clip, or of the shared object.
    shared : str
        Name of the shared object, such as ``"instrument"``; empty for a clip.
    """
    return stream(f"tasks/{task}", f"{split}/{shared}", index, seed=options.seed)
