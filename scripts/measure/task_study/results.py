"""The results of many tasks: scores, intervals, and paired differences of two variants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hear_openl3_yamnet.labelled.dataset import Dataset
from hear_openl3_yamnet.study.cross import Result
from hear_openl3_yamnet.study.intervals import Difference, bootstrap, interval
from hear_openl3_yamnet.study.variants import Variant

FEWEST_CLIPS = 20
"""Test clips, or excerpts of them, from which on an interval of a bootstrap is worth something."""


@dataclass(frozen=True)
class Comparison:
    """A variant's score minus another's, the mean over tasks."""

    name: str
    reference: str
    probe: str
    difference: Difference


class Results:
    """All results of a study, by task, variant and probe."""

    def __init__(self, results: Sequence[Result]):
        self.all = list(results)
        self.datasets = list({r.dataset.name: r.dataset for r in self.all}.values())
        self.probes = list(dict.fromkeys(r.probe for r in self.all))
        self.n_seeds = max(len(r.outcome.found) for r in self.all)
        self._by_name = {(r.dataset.name, r.name, r.probe): r for r in self.all}
        self._draws: dict[int, np.ndarray] = {}

    @property
    def scenes(self) -> list[Dataset]:
        """The tasks of whole clips."""
        return [dataset for dataset in self.datasets if not dataset.of_events]

    @property
    def events(self) -> list[Dataset]:
        """The tasks of events in time."""
        return [dataset for dataset in self.datasets if dataset.of_events]

    def variants(self, dataset: Dataset) -> list[Variant]:
        """Return the variants that a task has results of."""
        own = [r.variant for r in self.all if r.dataset.name == dataset.name]
        return list({variant.name: variant for variant in own}.values())

    def has(self, dataset: Dataset, name: str) -> bool:
        """Return whether there are results of a variant."""
        return (dataset.name, name, self.probes[0]) in self._by_name

    def of(self, dataset: Dataset, name: str, probe: str) -> Result:
        """Return one result."""
        return self._by_name[dataset.name, name, probe]

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
        self, name: str, reference: str, probe: str, datasets: Sequence[Dataset]
    ) -> Comparison:
        """Return the mean over tasks of the difference of two variants."""
        pairs = [(self.of(d, name, probe), self.of(d, reference, probe)) for d in datasets]
        value = float(np.mean([a.score - b.score for a, b in pairs]))
        draws = np.mean([self.draws(a) - self.draws(b) for a, b in pairs], axis=0)
        fewest = min(a.outcome.n_clips for a, _ in pairs)
        difference = Difference(value, *interval(draws), fewest, FEWEST_CLIPS)
        return Comparison(name, reference, probe, difference)
