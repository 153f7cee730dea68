"""Probes in nested folds: the hyperparameter is chosen without the clips that are scored."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from os import cpu_count
from typing import Any

import numpy as np

from ..labelled.folds import Fold
from .probes import Probe, Rows, fitting, preparation, rank

__all__ = ["run_nested"]

MOST_THREADS = 8
"""Each has a copy of the training rows."""


def run_nested(
    probe: Probe, rows: Rows, folds: Sequence[Fold], *, exclusive: bool, seed: int
) -> list[tuple[np.ndarray, float, dict[str, Any]]]:
    """Train, choose and predict in nested folds.

    In each fold a candidate is chosen by its score on all inner validation rows together. It is
    then trained on all rows but the test rows.

    Parameters
    ----------
    probe : Probe
    rows : Rows
        Of all clips.
    folds : sequence of Fold
        From `labelled.folds.nested_folds`.
    exclusive : bool
        Whether a row has exactly one label.
    seed : int

    Returns
    -------
    list of (np.ndarray, float, dict)
        For each fold: the probabilities of its test rows [shape=(n_test, n_labels),
        dtype=float32], the validation score of the chosen candidate, and its hyperparameters.
    """
    everything = np.arange(len(rows.targets))

    def outside(train: np.ndarray, last: int | None = None) -> _Predictions:
        rest = np.setdiff1d(everything, train)
        prepare = preparation(rows.embeddings[train])
        known = Rows(prepare(rows.embeddings[train]), rows.targets[train])
        asked = prepare(rows.embeddings[rest])
        candidates = probe.fit(known, exclusive, seed)
        if last is not None:
            candidates = islice(candidates, last, last + 1)
        return _Predictions(rest, [(chosen, predict(asked)) for chosen, predict in candidates])

    # two folds leave out the same clips: the one's test clips are the other's validation clips
    trainings = {split.train.tobytes(): split.train for fold in folds for split in fold.inner}
    with fitting(), ThreadPoolExecutor(min(MOST_THREADS, cpu_count() or 1)) as pool:
        try:
            inner = dict(zip(trainings, pool.map(outside, trainings.values()), strict=True))
            chosen = [_chosen(fold, inner, rows.targets, exclusive) for fold in folds]
            outer = list(pool.map(outside, [f.train for f in folds], [i for i, _ in chosen]))
        finally:
            pool.shutdown(cancel_futures=True)
    return [
        (predictions.of(fold.test)[0], score, predictions.candidates[0][0])
        for fold, predictions, (_, score) in zip(folds, outer, chosen, strict=True)
    ]


@dataclass(frozen=True, eq=False)
class _Predictions:
    """What each candidate predicts for the rows that it was not trained on.

    Attributes
    ----------
    rows : np.ndarray [shape=(n,), dtype=int64]
        Their numbers, sorted.
    candidates : list of (dict, np.ndarray [shape=(n, n_labels)])
    """

    rows: np.ndarray
    candidates: list[tuple[dict[str, Any], np.ndarray]]

    def of(self, wanted: np.ndarray) -> list[np.ndarray]:
        """Return each candidate's probabilities of some of the rows."""
        places = np.searchsorted(self.rows, wanted)
        return [probabilities[places] for _, probabilities in self.candidates]


def _chosen(
    fold: Fold, inner: dict[bytes, _Predictions], targets: np.ndarray, exclusive: bool
) -> tuple[int, float]:
    """Return which candidate is best on the inner validation rows of a fold, and its score."""
    valid = targets[np.concatenate([split.valid for split in fold.inner])]
    found = [inner[split.train.tobytes()].of(split.valid) for split in fold.inner]
    ranks = [
        rank(valid, np.concatenate(of_splits), exclusive) for of_splits in zip(*found, strict=True)
    ]
    best = max(range(len(ranks)), key=ranks.__getitem__)
    return best, ranks[best][0]
