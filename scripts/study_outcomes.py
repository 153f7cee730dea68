"""What a probe made of a task: outcomes on its test clips, and their score."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from study_networks import save_arrays

from hear_openl3_yamnet.study import onsets
from hear_openl3_yamnet.study.probes import (
    Probe,
    Rows,
    accuracy,
    mean_average_precision,
    run_probe,
)
from hear_openl3_yamnet.study.task_folders import Fold, TaskFolder

STRETCH_MS = 10_000.0
"""Events count in stretches of ten seconds, which the bootstrap draws: test clips are too few."""

POSTPROCESSINGS = [
    onsets.Postprocessing(threshold, median, 125.0)
    for threshold, median in product((0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7), (100.0, 250.0))
]


@dataclass(frozen=True)
class Outcome:
    """What is needed to score a probe on any draw of test clips.

    Attributes
    ----------
    metric : str
        ``accuracy``, ``mAP`` or ``onset F``.
    targets : np.ndarray [shape=(n_clips, n_labels)]
        Empty for events.
    found : np.ndarray [shape=(n_seeds, n_clips, n_labels)]
        Probabilities; for events, counts [shape=(n_seeds, n_stretches, 3)].
    chosen : list
        What the probe chose on the validation rows, by seed and fold.
    """

    metric: str
    targets: np.ndarray
    found: np.ndarray
    chosen: list[Any]

    @property
    def n_clips(self) -> int:
        """Test clips, or stretches of them."""
        return self.found.shape[1]

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
        about = np.array(json.dumps({"metric": self.metric, "chosen": self.chosen}))
        save_arrays(path, targets=self.targets, found=self.found, about=about)

    @classmethod
    def load(cls, path: Path) -> Outcome:
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            about = json.loads(str(arrays["about"]))
            return cls(about["metric"], arrays["targets"], arrays["found"], about["chosen"])


def probe_scenes(task: TaskFolder, embeddings: dict[str, np.ndarray], probe: Probe) -> Outcome:
    """Probe embeddings of clips [shape=(n_clips, size)] of each split."""
    targets = {split: task.targets(split) for split in task.clips}
    found, chosen = [], []
    for seed in range(probe.n_seeds):
        rows = []
        for fold in task.folds:
            train, valid = (
                _joined(embeddings, targets, fold.train),
                _joined(embeddings, targets, (fold.valid,)),
            )
            probabilities, _, choice = run_probe(
                probe, train, valid, embeddings[fold.test], exclusive=task.exclusive, seed=seed
            )
            rows.append(probabilities.astype(np.float32))
            chosen.append(choice)
        found.append(np.concatenate(rows))
    truth = np.concatenate([targets[fold.test] for fold in task.folds])
    return Outcome("accuracy" if task.exclusive else "mAP", truth, np.stack(found), chosen)


def _joined(
    embeddings: dict[str, np.ndarray], targets: dict[str, np.ndarray], splits: tuple[str, ...]
) -> Rows:
    return Rows(
        np.concatenate([embeddings[split] for split in splits]),
        np.concatenate([targets[split] for split in splits]),
    )


Timed = dict[str, list[tuple[np.ndarray, np.ndarray]]]
"""By split and clip: embeddings [shape=(n_timestamps, size)], timestamps [ms]."""


def probe_events(task: TaskFolder, embeddings: Timed, probe: Probe) -> Outcome:
    """Probe frames, turn their probabilities into events, and count matched onsets."""
    found, chosen = [], []
    for seed in range(probe.n_seeds):
        counts = []
        for fold in task.folds:
            fold_counts, choice = _probe_fold(task, embeddings, fold, probe, seed)
            counts.append(fold_counts)
            chosen.append(choice)
        found.append(np.concatenate(counts))
    return Outcome("onset F", np.empty(0), np.stack(found), chosen)


def _probe_fold(
    task: TaskFolder, embeddings: Timed, fold: Fold, probe: Probe, seed: int
) -> tuple[np.ndarray, dict[str, Any]]:
    test = np.concatenate([values for values, _ in embeddings[fold.test]])
    on_test, on_valid, choice = run_probe(
        probe,
        _frames(task, embeddings, fold.train),
        _frames(task, embeddings, (fold.valid,)),
        test,
        exclusive=False,
        seed=seed,
    )
    best = max(
        POSTPROCESSINGS,
        key=lambda how: onsets.onset_f(_count(task, embeddings, fold.valid, on_valid, how)),
    )
    counts = _count(task, embeddings, fold.test, on_test, best)
    return counts, {**choice, "threshold": best.threshold, "median_ms": best.median_ms}


def _frames(task: TaskFolder, embeddings: Timed, splits: tuple[str, ...]) -> Rows:
    values, targets = [], []
    for split in splits:
        for clip, (rows, times) in zip(task.clips[split], embeddings[split], strict=True):
            values.append(rows)
            targets.append(onsets.frame_targets(clip.answer, times, task.labels))
    return Rows(np.concatenate(values), np.concatenate(targets))


def _count(
    task: TaskFolder,
    embeddings: Timed,
    split: str,
    probabilities: np.ndarray,
    how: onsets.Postprocessing,
) -> np.ndarray:
    tolerance = float(task.metadata["evaluation"][0].split("_")[2].removesuffix("ms"))
    counts, done = [], 0
    for clip, (rows, times) in zip(task.clips[split], embeddings[split], strict=True):
        reference = onsets.reference_onsets(clip.answer, task.labels)
        own = onsets.find_onsets(probabilities[done : done + len(rows)], times, how)
        done += len(rows)
        ends = [event["end"] for event in clip.answer]
        n_stretches = max(1, round(max([*ends, times[-1]]) / STRETCH_MS))
        counts.append(onsets.count_onsets(reference, own, tolerance, STRETCH_MS, n_stretches))
    return np.concatenate(counts)
