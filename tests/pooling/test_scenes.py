"""Pooling over a clip: one pass over batches equals NumPy over all windows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hear_openl3_yamnet.pooling.scenes import VECTORS, ScenePooling

TWINS = {
    "mean": lambda x: x.mean(axis=0),
    "max": lambda x: x.max(axis=0),
    "mean+max": lambda x: np.concatenate([x.mean(axis=0), x.max(axis=0)]),
    "sum_max_mean": lambda x: x.max(axis=0) + x.mean(axis=0),
    "mean+std": lambda x: np.concatenate([x.mean(axis=0), x.std(axis=0)]),
    "percentiles": lambda x: np.concatenate([np.percentile(x, p, axis=0) for p in (10, 50, 90)]),
}


def pooled(embeddings, pooling, cuts=()):
    scene = ScenePooling(pooling, embeddings.shape[1])
    for batch in np.split(embeddings, cuts):
        scene.add(batch)
    return scene.result()


def test_poolings_are_all_here():
    assert set(VECTORS) == set(TWINS)


@pytest.mark.parametrize("n_windows", [1, 2, 37])
@pytest.mark.parametrize("pooling", TWINS)
def test_equals_numpy(pooling, n_windows):
    x = np.random.default_rng(0).normal(-1, 3, (n_windows, 6)).astype(np.float32)
    got = pooled(x, pooling)
    expected = TWINS[pooling](x.astype(np.float64))
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-7)
    assert got.dtype == np.float32
    assert got.shape == (len(VECTORS[pooling]) * 6,)


@pytest.mark.parametrize("pooling", TWINS)
@given(cuts=st.lists(st.integers(1, 39), unique=True).map(sorted))
def test_any_split_into_batches_gives_the_same(pooling, cuts):
    x = np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32)
    whole = pooled(x, pooling)
    np.testing.assert_allclose(pooled(x, pooling, cuts), whole, rtol=1e-6, atol=1e-7)


def test_small_spreads_on_large_means_survive_float32_input():
    # a sum of squares would lose them: 1e8 + 1e-4
    x = (1e4 + 1e-2 * np.arange(1000) % 5)[:, None].astype(np.float32)
    got = pooled(x, "mean+std", cuts=[1, 10, 500])
    expected = TWINS["mean+std"](x.astype(np.float64))
    np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_what_was_added_may_be_overwritten():
    batch = np.ones((2, 3), np.float32)
    scene = ScenePooling("percentiles", 3)
    scene.add(batch)
    batch[:] = 9
    np.testing.assert_array_equal(scene.result(), np.ones(9))
