"""Folds: a group is never trained on and scored on alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hear_openl3_yamnet.labelled.folds import fold_of_groups, nested_folds


@st.composite
def grouped_clips(draw):
    """Groups and labels of clips, and a number of folds that the groups can fill."""
    n_groups = draw(st.integers(3, 12))
    rest = draw(st.lists(st.integers(0, n_groups - 1), max_size=40))
    groups = draw(st.permutations([*range(n_groups), *rest]))
    labels = draw(st.lists(st.integers(0, 3), min_size=len(groups), max_size=len(groups)))
    n_folds = draw(st.integers(3, min(6, n_groups)))
    return [f"g{group}" for group in groups], np.eye(4)[labels], n_folds


@given(grouped_clips(), st.integers(0, 3))
def test_groups_never_leak(clips, seed):
    groups, targets, n_folds = clips
    of_clip = np.array(groups)
    folds = nested_folds(fold_of_groups(groups, targets, n_folds, seed))
    for fold in folds:
        assert not set(of_clip[fold.test]) & set(of_clip[fold.train])
        for split in fold.inner:
            train, valid = set(of_clip[split.train]), set(of_clip[split.valid])
            assert not train & valid
            assert not set(of_clip[fold.test]) & (train | valid)


@given(grouped_clips())
def test_each_clip_is_scored_once_and_chosen_on_in_every_other_fold(clips):
    groups, targets, n_folds = clips
    folds = nested_folds(fold_of_groups(groups, targets, n_folds))
    everything = list(range(len(groups)))
    assert len(folds) == n_folds
    assert sorted(np.concatenate([fold.test for fold in folds])) == everything
    for fold in folds:
        assert sorted([*fold.train, *fold.test]) == everything
        valid = np.concatenate([split.valid for split in fold.inner])
        assert sorted(valid) == fold.train.tolist()
        assert all(len(split.train) for split in fold.inner)


def test_folds_are_alike_in_size_and_labels():
    rng = np.random.default_rng(0)
    groups = [str(group) for group in rng.integers(40, size=400)]
    labels = rng.choice(4, p=[0.6, 0.2, 0.15, 0.05], size=400)
    folds = fold_of_groups(groups, np.eye(4)[labels], 5)
    counts = np.array([np.bincount(labels[folds == fold], minlength=4) for fold in range(5)])
    assert counts.sum(axis=1) == pytest.approx(80, abs=8)
    assert counts[:, 3] == pytest.approx(counts[:, 3].mean(), abs=3)


def test_equal_seeds_give_equal_folds():
    groups, targets = [str(i) for i in range(30)], np.eye(3)[np.arange(30) % 3]
    first, second, other = (fold_of_groups(groups, targets, 5, seed) for seed in (0, 0, 1))
    assert first.tolist() == second.tolist()
    assert first.tolist() != other.tolist()
