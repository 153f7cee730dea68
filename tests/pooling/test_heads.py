"""Each head against a plain NumPy version: loops over cells, as the definitions read."""

import os

import numpy as np
import pytest

from hear_openl3_yamnet.pooling import windows as heads
from tests.comparing import numpy

pytestmark = pytest.mark.backends

SHAPES_AND_GRIDS = [
    ((16, 24), (1, 1)),
    ((16, 24), (4, 3)),
    ((32, 24), (4, 3)),
    ((16, 24), (16, 1)),
    ((2, 3), (2, 3)),
    # uneven: cells hang over at both ends, more at the second
    ((10, 8), (4, 3)),
    ((7, 5), (4, 3)),
    ((9, 97), (5, 7)),
    ((2, 3), (1, 2)),
]


def random_map(shape, channels=5, seed=0):
    """Values of both signs, one channel all negative, as OpenL3's last map has them."""
    x = np.random.default_rng(seed).normal(0.3, 2.0, (3, *shape, channels)).astype(np.float32)
    x[..., 0] = -1 - np.abs(x[..., 0])
    return x


def cells_twin(length, count):
    """The frames of a map that each cell covers, by TensorFlow's rule for 'same' pooling."""
    size = -(-length // count)
    before = (count * size - length) // 2
    return [(max(i * size - before, 0), min((i + 1) * size - before, length)) for i in range(count)]


ONE_CELL = {
    "max": [lambda v, p: v.max()],
    "mean": [lambda v, p: v.mean()],
    "max+mean": [lambda v, p: v.max(), lambda v, p: v.mean()],
    "sum_max_mean": [lambda v, p: v.max() + v.mean()],
    "mean+std": [lambda v, p: v.mean(), lambda v, p: np.sqrt(((v - v.mean()) ** 2).mean())],
    "gem": [lambda v, p: (np.maximum(v, 1e-6) ** p).mean() ** (1 / p)],
}


def pool_twin(x, pooling, grid, p):
    vectors = []
    for window in x.astype(np.float64):
        vector = [
            function(window[top:bottom, left:right, channel], p)
            for function in ONE_CELL[pooling]
            for top, bottom in cells_twin(x.shape[1], grid[0])
            for left, right in cells_twin(x.shape[2], grid[1])
            for channel in range(x.shape[3])
        ]
        vectors.append(vector)
    return np.array(vectors)


@pytest.mark.parametrize(("shape", "grid"), SHAPES_AND_GRIDS)
@pytest.mark.parametrize("pooling", ONE_CELL)
def test_pooling(pooling, shape, grid):
    x = random_map(shape)
    got = numpy(heads.pool(x, pooling, grid, gem_p=3.0))
    np.testing.assert_allclose(got, pool_twin(x, pooling, grid, 3.0), rtol=1e-5, atol=2e-6)
    assert got.dtype == np.float32
    assert got.shape[1] == heads.vectors_per_cell(pooling) * grid[0] * grid[1] * x.shape[3]


@pytest.mark.parametrize("p", [0.5, 1.0, 2.0, 8.0])
def test_generalised_means(p):
    x = np.abs(random_map((8, 6)))
    got = numpy(heads.pool(x, "gem", (2, 2), gem_p=p))
    np.testing.assert_allclose(got, pool_twin(x, "gem", (2, 2), p), rtol=1e-5)


def test_the_generalised_mean_lies_between_mean_and_maximum():
    x = np.abs(random_map((8, 6)))
    mean, gem, maximum = (numpy(heads.pool(x, name)) for name in ("mean", "gem", "max"))
    assert np.all(mean < gem)
    assert np.all(gem < maximum)
    np.testing.assert_allclose(numpy(heads.pool(x, "gem", gem_p=1.0)), mean, rtol=1e-5)


def test_poolings_are_all_here():
    assert set(heads.POOLINGS) == {*ONE_CELL, "fusion"}


@pytest.mark.skipif(
    os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow", reason="TensorFlow's own pooling"
)
@pytest.mark.parametrize(("shape", "grid"), SHAPES_AND_GRIDS)
def test_cells_are_those_of_tensorflows_same_pooling(shape, grid):
    import tensorflow as tf

    x = random_map(shape)
    size = [-(-length // count) for length, count in zip(shape, grid, strict=True)]
    expected = tf.nn.max_pool2d(x, size, size, "SAME").numpy()
    assert expected.shape[1:3] == grid
    np.testing.assert_array_equal(numpy(heads.pool(x, "max", grid)), expected.reshape(3, -1))


@pytest.mark.parametrize("length", [1, 2, 3, 24, 32, 97])
def test_possible_counts_are_those_that_leave_no_cell_empty(length):
    possible = [n for n in range(1, length + 1) if heads.cells((length, 1), (n, 1)) is not None]
    assert heads.possible_counts(length) == possible
    for count in possible:
        covered = [end - start for start, end in cells_twin(length, count)]
        assert min(covered) > 0
        assert sum(covered) == length


def test_no_cells_beyond_the_map():
    assert heads.cells((2, 3), (3, 1)) is None
    assert heads.cells((10, 3), (6, 1)) is None  # cells of two: five of them hold all
    assert heads.cells((10, 3), (4, 1)) == ((4, 1), (3, 3), (1, 0))


def fusion_twin(maps):
    """Niizumi et al. (2022), as their adapters do it: see the heads module."""
    fused = []
    for windows in zip(*(x.astype(np.float64) for x in maps), strict=True):
        n_frames = min(x.shape[1] for x in windows)
        rows = []
        for x in windows:
            step = x.shape[1] // n_frames
            for channel in range(x.shape[2]):
                for band in range(x.shape[0]):
                    values = x[band, :, channel]
                    rows.append([values[t * step : (t + 1) * step].max() for t in range(n_frames)])
        features = np.array(rows)
        fused.append(features.max(axis=1) + features.mean(axis=1))
    return np.array(fused)


@pytest.mark.parametrize(
    "shapes",
    [
        [(8, 6, 4)],
        [(32, 49, 3), (16, 24, 5)],  # OpenL3's block2 and block4: one frame of 49 is left over
        [(8, 6, 4), (4, 3, 7), (2, 3, 2)],
        [(4, 3, 2), (8, 12, 3)],  # the deepest need not come last
    ],
)
def test_fusion(shapes):
    rng = np.random.default_rng(1)
    maps = [rng.normal(size=(2, *shape)).astype(np.float32) for shape in shapes]
    got = numpy(heads.fuse(maps))
    assert got.shape == (2, sum(bands * channels for bands, _, channels in shapes))
    np.testing.assert_allclose(got, fusion_twin(maps), rtol=1e-5, atol=2e-6)


@pytest.mark.parametrize(("first", "step"), [(0, 1), (2, 1), (3, 2), (0, 4)])
def test_columns_are_taken_apart(first, step):
    x = np.random.default_rng(2).normal(size=(3, 4, 13, 5)).astype(np.float32)
    got = numpy(heads.take_frames(x, first, count=3, step=step))
    starts = [first + i * step for i in range(3)]
    expected = [window[:, start : start + step] for window in x for start in starts]
    np.testing.assert_array_equal(got, expected)
