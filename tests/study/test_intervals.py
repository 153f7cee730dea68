"""Intervals: they cover what they say, for few groups too, and differences are paired."""

import numpy as np
import pytest

from hear_openl3_yamnet.study.intervals import Difference, bootstrap, interval


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    covered = 0
    for trial in range(100):
        right = np.random.default_rng([4, trial]).random(80) < 0.7
        draws = bootstrap(lambda _, clips, r=right: r[clips].mean(), 80, 1, n_draws=200)
        low, high = interval(draws)
        covered += low <= 0.7 <= high
    assert 86 <= covered <= 100


def test_draws_of_one_seed_are_paired():
    numbers = np.arange(50.0)
    one = bootstrap(lambda _, clips: numbers[clips].mean(), 50, 1, n_draws=20)
    other = bootstrap(lambda _, clips: numbers[clips].mean() + 1, 50, 3, n_draws=20)
    np.testing.assert_allclose(other - one, 1)


@pytest.mark.parametrize("n_groups", [6, 12])
def test_intervals_of_few_groups_cover_the_truth_as_well(n_groups):
    """Scores of clips differ by group, and clips within a group do not tell anything new."""
    covered = {"plain": 0, "widened": 0}
    groups = np.split(np.arange(10 * n_groups), n_groups)
    for trial in range(150):
        rng = np.random.default_rng([n_groups, trial])
        clips = np.repeat(rng.standard_normal(n_groups), 10)
        draws = bootstrap(lambda _, i, x=clips: x[i].mean(), len(clips), 1, 300, groups=groups)
        for name, n in (("plain", None), ("widened", n_groups)):
            low, high = interval(draws, n_groups=n)
            covered[name] += low <= 0 <= high
    assert 0.91 <= covered["widened"] / 150 <= 0.99
    assert covered["plain"] < covered["widened"]


def test_groups_are_drawn_whole():
    groups = [np.array([0, 1, 2]), np.array([3]), np.array([4, 5])]
    drawn = []

    def score(seed, clips):
        drawn.append(clips)
        return 0.0

    bootstrap(score, 6, 1, 20, groups=groups)
    for clips in drawn:
        counts = np.bincount(clips, minlength=6)
        assert counts[0] == counts[1] == counts[2]
        assert counts[4] == counts[5]
        assert counts[[0, 3, 4]].sum() == 3


def test_a_group_for_each_clip_is_the_same_as_none():
    numbers = np.random.default_rng(0).standard_normal(30)
    alone = [np.array([i]) for i in range(30)]
    draws = [
        bootstrap(lambda _, clips: numbers[clips].mean(), 30, 2, 20, groups=groups)
        for groups in (None, alone)
    ]
    np.testing.assert_array_equal(*draws)


@pytest.mark.parametrize(
    ("low", "high", "n_groups", "verdict"),
    [
        (0.01, 0.2, 6, "better"),
        (-0.2, -0.01, 6, "worse"),
        (-0.01, 0.2, 6, "not told apart"),
        (0.0, 0.2, 6, "not told apart"),
        (0.1, 0.2, 5, "too few to tell"),
    ],
)
def test_verdicts(low, high, n_groups, verdict):
    assert Difference((low + high) / 2, low, high, n_groups, fewest=6).verdict == verdict
