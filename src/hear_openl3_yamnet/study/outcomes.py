"""The outcome of a probe on a dataset: predictions for its test clips, and their score."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ..labelled.dataset import Dataset
from ..labelled.folds import Fold
from ..npz import save_npz
from . import onsets
from .nested import run_nested
from .probes import Probe, Rows, accuracy, mean_average_precision, run_probe

__all__ = ["Outcome", "Timed", "chosen_by_fold", "probe_events", "probe_scenes"]

EXCERPT_MS = 10_000.0
"""Events are counted in excerpts of ten seconds, which the bootstrap draws, because a task of
events has few test clips."""

POSTPROCESSINGS = [
    onsets.Postprocessing(threshold, median, 125.0)
    for threshold, median in product((0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7), (100.0, 250.0))
]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What is needed to score a probe on any draw of test clips.

    Attributes
    ----------
    metric : str
        As of `Dataset`.
    targets : np.ndarray [shape=(n_clips, n_labels)]
        Empty for events.
    found : np.ndarray [shape=(n_seeds, n_clips, n_labels)]
        Probabilities; for events, counts [shape=(n_seeds, n_excerpts, 3)].
    fold : np.ndarray [shape=(n_clips,), dtype=int64]
        The fold that each clip, or excerpt, was scored in.
    group : np.ndarray [shape=(n_clips,), dtype=int64]
        The group of each clip; for events, each excerpt is a group.
    validation : np.ndarray [shape=(n_folds,), dtype=float64]
        The validation score of each fold, mean over seeds.
    chosen : list
        What the probe chose on the validation rows, by seed and fold.
    """

    metric: str
    targets: np.ndarray
    found: np.ndarray
    fold: np.ndarray
    group: np.ndarray
    validation: np.ndarray
    chosen: list[Any]

    @property
    def n_clips(self) -> int:
        """Test clips, or excerpts of them."""
        return self.found.shape[1]

    @property
    def groups(self) -> list[np.ndarray]:
        """The numbers of the clips of each group."""
        order = np.argsort(self.group, kind="stable")
        starts = np.flatnonzero(np.diff(self.group[order])) + 1
        return np.split(order, starts)

    def score(self, seed: int, clips: np.ndarray) -> float:
        """Score one seed's probe on some of the clips."""
        found = self.found[seed, clips]
        if self.metric == "onset F":
            return onsets.onset_f(found)
        measure = accuracy if self.metric == "accuracy" else mean_average_precision
        return measure(self.targets[clips], found)

    def scores(self) -> list[float]:
        """Score all test clips, by seed."""
        everything = np.arange(self.n_clips)
        return [self.score(seed, everything) for seed in range(len(self.found))]

    def save(self, path: Path) -> None:
        """Write it."""
        about = json.dumps({"metric": self.metric, "chosen": self.chosen})
        save_npz(
            path,
            targets=self.targets,
            found=self.found,
            fold=self.fold,
            group=self.group,
            validation=self.validation,
            about=about,
        )

    @classmethod
    def load(cls, path: Path) -> Outcome:
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            about = json.loads(str(arrays["about"]))
            return cls(
                about["metric"],
                arrays["targets"],
                arrays["found"],
                arrays["fold"],
                arrays["group"],
                arrays["validation"],
                about["chosen"],
            )


def chosen_by_fold(outcomes: Sequence[Outcome], places: Sequence[int]) -> Outcome:
    """Put together the outcome of choosing another embedding in each fold.

    Parameters
    ----------
    outcomes : sequence of Outcome
        On one dataset, by one probe.
    places : sequence of int
        The place in `outcomes` of what each fold chooses.
    """
    first = outcomes[0]
    of_clip = np.asarray(places)[first.fold]
    found = np.stack([outcome.found for outcome in outcomes])
    return Outcome(
        first.metric,
        first.targets,
        np.moveaxis(found[of_clip, :, np.arange(first.n_clips)], 0, 1),
        first.fold,
        first.group,
        np.array([outcomes[place].validation[fold] for fold, place in enumerate(places)]),
        [],
    )


def probe_scenes(dataset: Dataset, embeddings: np.ndarray, probe: Probe) -> Outcome:
    """Probe embeddings of clips [shape=(n_clips, size)]."""
    rows = Rows(embeddings, dataset.targets())
    nested = dataset.folds[0].train is not None
    found, validation, chosen = [], [], []
    for seed in range(probe.n_seeds):
        if nested:
            runs = run_nested(probe, rows, dataset.folds, exclusive=dataset.exclusive, seed=seed)
        else:
            runs = [_run_fold(dataset, rows, fold, probe, seed) for fold in dataset.folds]
        found.append(np.concatenate([on_test.astype(np.float32) for on_test, _, _ in runs]))
        validation.append([score for _, score, _ in runs])
        chosen += [choice for _, _, choice in runs]
    tested = np.concatenate([fold.test for fold in dataset.folds])
    names = [clip.group for clip in dataset.clips]
    return Outcome(
        dataset.metric,
        rows.targets[tested],
        np.stack(found),
        _numbered([len(fold.test) for fold in dataset.folds]),
        np.unique(names, return_inverse=True)[1][tested],
        np.mean(validation, axis=0),
        chosen,
    )


def _run_fold(
    dataset: Dataset, rows: Rows, fold: Fold, probe: Probe, seed: int
) -> tuple[np.ndarray, float, dict[str, Any]]:
    """Probe a fold with one inner split: as `run_nested` for one fold."""
    (split,) = fold.inner
    train, valid = (
        Rows(rows.embeddings[clips], rows.targets[clips]) for clips in (split.train, split.valid)
    )
    test = rows.embeddings[fold.test]
    on_test, on_valid, choice = run_probe(
        probe, train, valid, test, exclusive=dataset.exclusive, seed=seed
    )
    measure = accuracy if dataset.exclusive else mean_average_precision
    return on_test, measure(valid.targets, on_valid), choice


def _numbered(counts: Sequence[int]) -> np.ndarray:
    """Return 0 as often as the first count says, then 1 …."""
    return np.repeat(np.arange(len(counts)), counts)


Timed = Sequence[tuple[np.ndarray, np.ndarray]]
"""For each clip: embeddings [shape=(n_timestamps, size)], timestamps [ms]."""


def probe_events(dataset: Dataset, embeddings: Timed, probe: Probe) -> Outcome:
    """Probe frames, turn their probabilities into events, and count matched onsets."""
    found, validation, chosen = [], [], []
    for seed in range(probe.n_seeds):
        runs = [_run_events(dataset, embeddings, fold, probe, seed) for fold in dataset.folds]
        found.append(np.concatenate([counts for counts, _, _ in runs]))
        validation.append([score for _, score, _ in runs])
        chosen += [choice for _, _, choice in runs]
    return Outcome(
        dataset.metric,
        np.empty(0),
        np.stack(found),
        _numbered([len(counts) for counts, _, _ in runs]),
        np.arange(len(found[0])),
        np.mean(validation, axis=0),
        chosen,
    )


def _run_events(
    dataset: Dataset, embeddings: Timed, fold: Fold, probe: Probe, seed: int
) -> tuple[np.ndarray, float, dict[str, Any]]:
    """Probe the frames of a fold: counts of onsets, validation score, what was chosen."""
    (split,) = fold.inner
    on_test, on_valid, choice = run_probe(
        probe,
        _frames(dataset, embeddings, split.train),
        _frames(dataset, embeddings, split.valid),
        np.concatenate([embeddings[clip][0] for clip in fold.test]),
        exclusive=False,
        seed=seed,
    )
    scores = [
        onsets.onset_f(_count(dataset, embeddings, split.valid, on_valid, how))
        for how in POSTPROCESSINGS
    ]
    best = POSTPROCESSINGS[int(np.argmax(scores))]
    counts = _count(dataset, embeddings, fold.test, on_test, best)
    choice = {**choice, "threshold": best.threshold, "median_ms": best.median_ms}
    return counts, max(scores), choice


def _frames(dataset: Dataset, embeddings: Timed, clips: np.ndarray) -> Rows:
    return Rows(
        np.concatenate([embeddings[clip][0] for clip in clips]),
        np.concatenate(
            [
                onsets.frame_targets(dataset.clips[i].answer, embeddings[i][1], dataset.labels)
                for i in clips
            ]
        ),
    )


def _count(
    dataset: Dataset,
    embeddings: Timed,
    clips: np.ndarray,
    probabilities: np.ndarray,
    how: onsets.Postprocessing,
) -> np.ndarray:
    counts, done = [], 0
    for number in clips:
        (rows, times), answer = embeddings[number], dataset.clips[number].answer
        reference = onsets.reference_onsets(answer, dataset.labels)
        own = onsets.find_onsets(probabilities[done : done + len(rows)], times, how)
        done += len(rows)
        ends = [event["end"] for event in answer]
        n_excerpts = max(1, round(max([*ends, times[-1]]) / EXCERPT_MS))
        counts.append(
            onsets.count_onsets(reference, own, dataset.tolerance_ms, EXCERPT_MS, n_excerpts)
        )
    return np.concatenate(counts)
