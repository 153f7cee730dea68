"""A study's results: scores, intervals, and paired differences of two ways to embed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from study_outcomes import Outcome
from study_variants import Variant

from hear_openl3_yamnet.study.intervals import bootstrap, interval
from hear_openl3_yamnet.study.task_folders import TaskFolder

FEWEST_CLIPS = 20
"""Test clips, or stretches of them, of which a bootstrap's interval is worth something."""


@dataclass(frozen=True, eq=False)
class Result:
    """One way to embed under one probe on one task."""

    task: TaskFolder
    variant: Variant
    probe: str
    size: int
    outcome: Outcome


@dataclass(frozen=True)
class Comparison:
    """A way's score minus another's, the mean over tasks, and its interval."""

    way: str
    reference: str
    probe: str
    difference: float
    low: float
    high: float
    n_clips: int

    @property
    def verdict(self) -> str:
        """What the interval admits to say; of few clips, percentile intervals are too narrow."""
        if self.n_clips < FEWEST_CLIPS:
            return "too few to tell"
        if self.low > 0:
            return "better"
        return "worse" if self.high < 0 else "not told apart"


class Results:
    """All results of a study, by task, way and probe."""

    def __init__(self, results: Sequence[Result]):
        self.all = list(results)
        self.tasks = list({r.task.name: r.task for r in self.all}.values())
        self.probes = list(dict.fromkeys(r.probe for r in self.all))
        self.n_seeds = max(len(r.outcome.found) for r in self.all)
        self._by_name = {(r.task.name, r.variant.name, r.probe): r for r in self.all}
        self._draws: dict[int, np.ndarray] = {}

    @property
    def scene_tasks(self) -> list[TaskFolder]:
        """The tasks of whole clips."""
        return [task for task in self.tasks if not task.of_events]

    @property
    def event_tasks(self) -> list[TaskFolder]:
        """The tasks of events in time."""
        return [task for task in self.tasks if task.of_events]

    def ways(self, task: TaskFolder) -> list[Variant]:
        """Return the ways to embed that a task has results of."""
        own = [r.variant for r in self.all if r.task.name == task.name]
        return list({way.name: way for way in own}.values())

    def has(self, task: TaskFolder, way: str) -> bool:
        """Return whether there are results of a way to embed."""
        return (task.name, way, self.probes[0]) in self._by_name

    def of(self, task: TaskFolder, way: str, probe: str) -> Result:
        """Return one result."""
        return self._by_name[task.name, way, probe]

    def metric(self, task: TaskFolder) -> str:
        """Return the name of a task's score."""
        return next(r.outcome.metric for r in self.all if r.task.name == task.name)

    def mean(self, result: Result) -> float:
        """Return the mean score over seeds."""
        return float(np.mean(result.outcome.scores()))

    def interval(self, result: Result) -> tuple[float, float]:
        """Return the interval of a score."""
        return interval(self.draws(result))

    def draws(self, result: Result) -> np.ndarray:
        """Return the bootstrap's scores [shape=(n_draws,)]; paired for results of one task."""
        if id(result) not in self._draws:
            outcome = result.outcome
            draws = bootstrap(outcome.score, outcome.n_clips, len(outcome.found))
            self._draws[id(result)] = draws
        return self._draws[id(result)]

    def compare(
        self, way: str, reference: str, probe: str, tasks: Sequence[TaskFolder]
    ) -> Comparison:
        """Return the mean over tasks of the difference of two ways to embed."""
        pairs = [(self.of(t, way, probe), self.of(t, reference, probe)) for t in tasks]
        difference = float(np.mean([self.mean(a) - self.mean(b) for a, b in pairs]))
        draws = np.mean([self.draws(a) - self.draws(b) for a, b in pairs], axis=0)
        fewest = min(a.outcome.n_clips for a, _ in pairs)
        return Comparison(way, reference, probe, difference, *interval(draws), fewest)
