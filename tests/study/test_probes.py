"""Probes: they learn what is there and nothing else, and repeat."""

import numpy as np
import pytest

from hear_openl3_yamnet.study.probes import (
    PROBES,
    Rows,
    mean_average_precision,
    preparation,
    run_probe,
)
from tests.comparing import assert_close


def blobs(n, size, rng, *, centres):
    labels = rng.integers(len(centres), size=n)
    rows = centres[labels] + rng.standard_normal((n, size))
    return Rows(rows.astype(np.float32), np.eye(len(centres), dtype=np.float32)[labels])


@pytest.mark.parametrize("name", PROBES)
@pytest.mark.parametrize("size", [16, 300])  # narrower and wider than the training rows
def test_probes_learn_what_is_there_and_nothing_else(name, size):
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((4, size)) * 8 / size**0.5
    train, valid, test = (blobs(n, size, rng, centres=centres) for n in (160, 80, 200))
    found, _, _ = run_probe(PROBES[name], train, valid, test.embeddings, exclusive=True, seed=0)
    assert np.mean(found.argmax(1) == test.targets.argmax(1)) > 0.8
    shuffled = Rows(train.embeddings, rng.permutation(train.targets))
    found, _, _ = run_probe(PROBES[name], shuffled, valid, test.embeddings, exclusive=True, seed=0)
    assert np.mean(found.argmax(1) == test.targets.argmax(1)) == pytest.approx(0.25, abs=0.2)


@pytest.mark.parametrize("name", PROBES)
def test_probes_give_each_label_a_probability_of_its_own(name):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((300, 6)).astype(np.float32)
    y = np.stack([x[:, 0] > 0, x[:, 1] > 0, np.ones(300, bool)], axis=1).astype(np.float32)
    found, _, _ = run_probe(
        PROBES[name],
        Rows(x[:150], y[:150]),
        Rows(x[150:200], y[150:200]),
        x[200:],
        exclusive=False,
        seed=0,
    )
    assert found.shape == (100, 3)
    assert mean_average_precision(y[200:], found) > 0.95
    assert np.all(found[:, 2] > 0.8)  # a label that every row has


def test_seeds_repeat_and_differ():
    rng = np.random.default_rng(2)
    rows = blobs(24, 8, rng, centres=rng.standard_normal((3, 8)))
    runs = [
        run_probe(PROBES["two-layer"], rows, rows, rows.embeddings, exclusive=True, seed=s)[0]
        for s in (0, 0, 1)
    ]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_average_precision_is_scikit_learns():
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(3)
    targets = (rng.random((40, 5)) < 0.3).astype(np.float32)
    probabilities = np.round(rng.random((40, 5)), 1)  # with ties
    truth = average_precision_score(targets, probabilities, average="macro")
    assert mean_average_precision(targets, probabilities) == pytest.approx(truth)


def test_wide_rows_are_rotated_without_losing_a_distance():
    """Products within the span of the training rows stay, but for the scale; 1e-5 is rounding."""
    rng = np.random.default_rng(0)
    mixing = rng.standard_normal((20, 300))
    train, others = (rng.standard_normal((n, 20)) @ mixing for n in (50, 7))
    train[:, 5] = 1
    prepare = preparation(train.astype(np.float32))
    own, asked = prepare(train), prepare(others)
    assert own.shape == (50, 50)
    deviation = train.std(axis=0)
    deviation[5] = np.inf  # a constant column tells nothing
    plain, plain_asked = ((rows - train.mean(axis=0)) / deviation for rows in (train, others))
    assert_close(own @ own.T, plain @ plain.T * 50 / 300, 1e-5)
    assert_close(asked @ own.T, plain_asked @ plain.T * 50 / 300, 1e-5)
    assert not preparation(np.ones((5, 9), np.float32))(train[:5, :9]).any()


@pytest.mark.parametrize("n_far", [1, 2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_wide_rows_of_which_some_are_far_from_the_others_are_rotated(n_far, seed):
    rng = np.random.default_rng(seed)
    train = rng.standard_normal((200, 500)).astype(np.float32)
    train[:n_far] += 1e3 * rng.standard_normal((n_far, 1)).astype(np.float32)
    assert np.isfinite(preparation(train)(train)).all()
