"""Probes in nested folds: what is scored was neither trained on nor chosen on."""

import numpy as np
import pytest

from hear_openl3_yamnet.labelled.folds import fold_of_groups, nested_folds
from hear_openl3_yamnet.study.nested import run_nested
from hear_openl3_yamnet.study.probes import PROBES, Rows, accuracy


def clips(n=90, size=12, strength=1.5, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(3, size=n)
    centres = strength * rng.standard_normal((3, size))
    rows = (centres[labels] + rng.standard_normal((n, size))).astype(np.float32)
    targets = np.eye(3, dtype=np.float32)[labels]
    folds = nested_folds(fold_of_groups([str(i // 3) for i in range(n)], targets, 5))
    return Rows(rows, targets), folds


def run(rows, folds, exclusive=True):
    return run_nested(PROBES["linear"], rows, folds, exclusive=exclusive, seed=0)


def test_it_learns_what_is_there():
    rows, folds = clips()
    for fold, (found, validation, chosen) in zip(folds, run(rows, folds), strict=True):
        assert accuracy(rows.targets[fold.test], found) > 0.8
        assert validation > 0.8
        assert chosen.keys() == {"C"}


def test_the_labels_of_test_clips_change_nothing_about_their_prediction():
    rows, folds = clips()
    test = folds[0].test
    changed = rows.targets.copy()
    changed[test] = np.roll(changed[test], 1, axis=1)
    before, after = run(rows, folds)[0], run(Rows(rows.embeddings, changed), folds)[0]
    np.testing.assert_array_equal(before[0], after[0])
    assert before[1:] == after[1:]


def test_the_penalty_is_chosen_on_the_inner_clips():
    """Of few clips with much noise, the strongest penalty is best; of clear ones, another is."""
    noisy, clear = (clips(strength=strength) for strength in (0.15, 3.0))
    of_noisy = [chosen["C"] for _, _, chosen in run(*noisy)]
    of_clear = [chosen["C"] for _, _, chosen in run(*clear)]
    assert np.mean(of_noisy) < np.mean(of_clear)


def test_a_label_that_is_not_in_the_training_clips_has_no_probability():
    rows, folds = clips()
    only = folds[1].test
    targets = rows.targets[:, [0, 1]].copy()
    targets[targets.sum(axis=1) == 0, 0] = 1
    targets = np.column_stack([targets, np.zeros(len(targets), np.float32)])
    targets[only] = [0, 0, 1]
    found, _, _ = run(Rows(rows.embeddings, targets), folds)[1]
    assert found[:, 2] == pytest.approx(0)


def test_labels_that_do_not_exclude_each_other():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((120, 6)).astype(np.float32)
    y = (x[:, :2] > 0).astype(np.float32)
    folds = nested_folds(fold_of_groups([str(i) for i in range(120)], y, 4))
    for fold, (found, validation, _) in zip(folds, run(Rows(x, y), folds, False), strict=True):
        assert np.mean((found > 0.5) == y[fold.test]) > 0.85
        assert validation > 0.85
