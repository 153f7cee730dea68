"""Folds: which clips are for training, for choosing and for scoring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Fold", "Split", "fold_of_groups", "nested_folds", "rotating_folds"]


@dataclass(frozen=True, eq=False)
class Split:
    """Numbers of clips to train on and to choose on.

    Attributes
    ----------
    train, valid : np.ndarray [shape=(n,), dtype=int64]
    """

    train: np.ndarray
    valid: np.ndarray


@dataclass(frozen=True, eq=False)
class Fold:
    """One fold: the clips to score on, and the clips to train on and to choose on.

    Attributes
    ----------
    inner : tuple of Split
        A probe chooses its hyperparameters on them. None contains a clip of `test`.
    test : np.ndarray [shape=(n,), dtype=int64]
        Numbers of the clips to score on.
    train : np.ndarray or None
        Numbers of the clips that the chosen probe is trained on again: all but the test clips.
        None if it is not trained again after the one inner split, as HEAR's tasks require.
    """

    inner: tuple[Split, ...]
    test: np.ndarray
    train: np.ndarray | None = None


def fold_of_groups(
    groups: Sequence[str], targets: np.ndarray, n_folds: int, seed: int = 0
) -> np.ndarray:
    """Distribute groups of clips over folds that are alike in size and in labels.

    The largest groups come first. Each goes to the fold where it makes the folds most alike,
    by the sum of squares of their label counts and sizes.

    Parameters
    ----------
    groups : sequence of str
        The group of each clip.
    targets : np.ndarray [shape=(n_clips, n_labels)]
        Zeros and ones.
    n_folds : int
        At most the number of groups.
    seed : int
        Of the order of groups of equal size.

    Returns
    -------
    np.ndarray [shape=(n_clips,), dtype=int64]
        The fold of each clip. The clips of a group are in one fold, and no fold is empty.
    """
    names, of_clip = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    counts = np.zeros((len(names), targets.shape[1] + 1))
    np.add.at(counts, of_clip, np.column_stack([targets, np.ones(len(targets))]))
    sizes = counts[:, -1]
    weights = 1 / np.maximum(counts.sum(axis=0), 1) ** 2  # rare labels count as much as common ones
    shuffled = np.random.default_rng(seed).permutation(len(names))
    order = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    filled = np.zeros((n_folds, counts.shape[1]))
    fold = np.empty(len(names), np.int64)
    for group in order:
        growth = ((2 * filled + counts[group]) * counts[group] * weights).sum(axis=1)
        fold[group] = np.lexsort((filled[:, -1], growth))[0]
        filled[fold[group]] += counts[group]
    return fold[of_clip]


def nested_folds(fold_of_clip: np.ndarray) -> tuple[Fold, ...]:
    """Return one fold for each number, with the other folds as inner splits.

    Parameters
    ----------
    fold_of_clip : np.ndarray [shape=(n_clips,), dtype=int64]
        From `fold_of_groups`; at least three folds.
    """
    numbers = range(int(fold_of_clip.max()) + 1)

    def without(*left_out: int) -> np.ndarray:
        return np.flatnonzero(~np.isin(fold_of_clip, left_out))

    return tuple(
        Fold(
            tuple(
                Split(without(test, valid), np.flatnonzero(fold_of_clip == valid))
                for valid in numbers
                if valid != test
            ),
            np.flatnonzero(fold_of_clip == test),
            without(test),
        )
        for test in numbers
    )


def rotating_folds(fold_of_clip: np.ndarray) -> tuple[Fold, ...]:
    """Return one fold for each number i, as heareval does: score on i, choose on i + 1.

    Parameters
    ----------
    fold_of_clip : np.ndarray [shape=(n_clips,), dtype=int64]
        At least three folds.
    """
    count = int(fold_of_clip.max()) + 1

    def one(test: int) -> Fold:
        valid = (test + 1) % count
        train = np.flatnonzero(~np.isin(fold_of_clip, (test, valid)))
        split = Split(train, np.flatnonzero(fold_of_clip == valid))
        return Fold((split,), np.flatnonzero(fold_of_clip == test))

    return tuple(map(one, range(count)))
