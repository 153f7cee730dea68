"""Ranks, wins and medians of tables that are small enough to check by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hear_openl3_yamnet.evaluation.scores import (
    Scores,
    best_in_task,
    mean_over_tasks,
    median_over_tasks,
    n_common_tasks,
    order_by_mean_rank,
    pairwise_wins,
    ranks,
    wins,
)

NAN = float("nan")
# four models; five tasks: no ties, a tie, a tie of the best, one missing score, no score
SCORES = np.array(
    [
        [0.9, 0.1, 0.5, 0.3],
        [0.9, 0.5, 0.5, 0.3],
        [0.2, 0.7, 0.1, 0.7],
        [NAN, 0.4, 0.6, 0.0],
        [NAN, NAN, NAN, NAN],
    ]
)

TABLES = arrays(
    float,
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    # few values, so that many are equal
    elements=st.sampled_from([0.0, 0.25, 0.5, 1.0, NAN]),
)


def test_ranks():
    expected = [
        [1, 4, 2, 3],
        [1, 2.5, 2.5, 4],
        [3, 1.5, 4, 1.5],
        [NAN, 2, 1, 3],
        [NAN, NAN, NAN, NAN],
    ]
    np.testing.assert_array_equal(ranks(SCORES), expected)


def test_best_in_task_and_wins():
    expected = [
        [True, False, False, False],
        [True, False, False, False],
        [False, True, False, True],
        [False, False, True, False],
        [False, False, False, False],
    ]
    np.testing.assert_array_equal(best_in_task(SCORES), expected)
    np.testing.assert_array_equal(wins(SCORES), [2, 1, 1, 1])


def test_pairwise_wins_count_common_tasks_and_halve_ties():
    expected = [
        [1.5, 2, 3, 2],  # each task of a model with itself is a tie
        [1, 2, 1.5, 2.5],
        [0, 2.5, 2, 3],
        [1, 1.5, 1, 2],
    ]
    np.testing.assert_array_equal(pairwise_wins(SCORES), expected)
    np.testing.assert_array_equal(
        n_common_tasks(SCORES), [[3, 3, 3, 3], [3, 4, 4, 4], [3, 4, 4, 4], [3, 4, 4, 4]]
    )


def test_means_and_medians_are_over_the_tasks_a_model_has():
    np.testing.assert_allclose(mean_over_tasks(ranks(SCORES)), [5 / 3, 2.5, 2.375, 2.875])
    np.testing.assert_allclose(median_over_tasks(ranks(SCORES)), [1, 2.25, 2.25, 3])
    np.testing.assert_allclose(median_over_tasks(SCORES), [0.9, 0.45, 0.5, 0.3])


@pytest.mark.filterwarnings("error")
def test_a_model_without_any_score_is_last_and_warns_of_nothing():
    scores = np.array([[NAN, 0.1, 0.2], [NAN, 0.3, 0.4]])
    np.testing.assert_array_equal(mean_over_tasks(ranks(scores)), [NAN, 2, 1])
    np.testing.assert_allclose(median_over_tasks(scores), [NAN, 0.2, 0.3])
    np.testing.assert_array_equal(order_by_mean_rank(scores), [2, 1, 0])


def test_sorting_takes_the_scores_along():
    scores = Scores(("a", "b"), ("", ""), ("low", "high"), np.array([[0.1, 0.2], [NAN, 0.4]]))
    best_first = scores.sorted_by_mean_rank()
    assert best_first.models == ("high", "low")
    np.testing.assert_array_equal(best_first.of("low"), [0.1, NAN])


@given(TABLES)
def test_ranks_of_a_task_add_up_as_if_none_were_equal(scores):
    n_models = np.sum(~np.isnan(scores), axis=1)
    np.testing.assert_array_equal(np.nansum(ranks(scores), axis=1), n_models * (n_models + 1) / 2)


@given(TABLES)
def test_a_rank_is_one_plus_the_number_of_better_models_and_half_of_the_equal_ones(scores):
    own, others = scores[:, :, None], scores[:, None, :]
    n_better, n_equal = np.sum(others > own, axis=2), np.sum(others == own, axis=2) - 1
    expected = np.where(np.isnan(scores), NAN, 1 + n_better + n_equal / 2)
    np.testing.assert_array_equal(ranks(scores), expected)


@given(TABLES)
def test_of_two_models_one_wins_what_the_other_loses(scores):
    won = pairwise_wins(scores)
    np.testing.assert_array_equal(won + won.T, n_common_tasks(scores))


@given(TABLES)
def test_rank_one_unshared_is_the_only_best(scores):
    alone = best_in_task(scores) & (best_in_task(scores).sum(axis=1, keepdims=True) == 1)
    np.testing.assert_array_equal(ranks(scores) == 1, alone)
