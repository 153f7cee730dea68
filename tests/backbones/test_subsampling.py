"""Shift-invariant subsampling against plain NumPy versions, and what it does to embeddings."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from hear_openl3_yamnet.backbones import subsampling, yamnet
from hear_openl3_yamnet.weights.reading import read_weights
from tests.comparing import numpy
from tests.shifts import table

backends = pytest.mark.backends
SHAPES = [(8, 6), (7, 6), (8, 5), (9, 7), (2, 2)]


def random_map(shape, seed=0):
    return np.random.default_rng(seed).normal(size=(3, *shape, 4)).astype(np.float32)


def dense_max_twin(x):
    """Maximum of 2×2 at every position; beyond the end there is nothing."""
    padded = np.pad(x, [(0, 0), (0, 1), (0, 1), (0, 0)], constant_values=-np.inf)
    corners = [padded[:, i : i + x.shape[1], j : j + x.shape[2]] for i in (0, 1) for j in (0, 1)]
    return np.max(corners, axis=0)


def low_pass_twin(x):
    """Binomial, tap by tap, zeros around."""
    taps = np.array([1, 4, 6, 4, 1]) / 16
    padded = np.pad(x.astype(np.float64), [(0, 0), (2, 2), (2, 2), (0, 0)])
    return sum(
        taps[i] * taps[j] * padded[:, i : i + x.shape[1], j : j + x.shape[2]]
        for i in range(5)
        for j in range(5)
    )


def polyphase_twin(x):
    """Of the four grids of every other value, the one with the largest norm, per example."""
    chosen = []
    for example in x:
        grids = [example[i::2, j::2] for i in (0, 1) for j in (0, 1)]
        chosen.append(max(grids, key=lambda grid: (grid.astype(np.float64) ** 2).sum()))
    return np.array(chosen)


@backends
@pytest.mark.parametrize("shape", SHAPES)
def test_pooling_of_openl3(shape):
    x = random_map(shape)
    rows, columns = shape[0] // 2, shape[1] // 2
    cropped = x[:, : 2 * rows, : 2 * columns]
    dense = dense_max_twin(x)
    expected = {
        "max": cropped.reshape(3, rows, 2, columns, 2, 4).max(axis=(2, 4)),
        "blur": low_pass_twin(dense)[:, : 2 * rows : 2, : 2 * columns : 2],
        "aps": polyphase_twin(dense[:, : 2 * rows, : 2 * columns]),
    }
    assert set(expected) == set(subsampling.POOLINGS)
    for name, pool in subsampling.POOLINGS.items():
        np.testing.assert_allclose(numpy(pool(x)), expected[name], rtol=1e-5, atol=1e-6)


@backends
@pytest.mark.parametrize("shape", SHAPES)
def test_strides_of_yamnet(shape):
    x = random_map(shape)
    # TensorFlow's 'same' convolution of stride two centres on 1, 3, 5 … of an even length
    first = [1 - n % 2 for n in shape]
    padded = np.pad(x, [(0, 0), (0, shape[0] % 2), (0, shape[1] % 2), (0, 0)])
    expected = {
        "blur": low_pass_twin(x)[:, first[0] :: 2, first[1] :: 2],
        "aps": polyphase_twin(padded),
    }
    assert subsampling.STRIDES["max"] is None
    for name, twin in expected.items():
        got = numpy(subsampling.STRIDES[name](x))
        assert got.shape == (3, -(-shape[0] // 2), -(-shape[1] // 2), 4)
        np.testing.assert_allclose(got, twin, rtol=1e-5, atol=1e-6)


@backends
def test_adaptive_polyphase_follows_what_moves():
    x = random_map((8, 8))
    kept = numpy(subsampling.adaptive_polyphase(x))
    for shift in (1, 2, 5):
        moved = numpy(subsampling.adaptive_polyphase(np.roll(x, shift, axis=2)))
        np.testing.assert_array_equal(np.sort(moved, axis=2), np.sort(kept, axis=2))


@pytest.mark.parametrize("n_frames", [96, pytest.param(97, marks=backends), 51])
@pytest.mark.parametrize("name", ["blur", "aps"])
def test_yamnets_maps_keep_their_shapes(name, n_frames):
    folded = yamnet.fold(yamnet.random_weights(0))
    x = np.random.default_rng(0).normal(-3, 2, (1, 64, n_frames, 1)).astype(np.float32)
    layers = ["layer1", "layer3", "layer14"]
    for layer, y in yamnet.feature_maps(folded, x, layers, subsampling=name).items():
        assert tuple(y.shape[1:]) == yamnet.map_shape(layer, 64, n_frames)


def test_blurred_columns_stay_where_the_strided_ones_are():
    """What changes most of a blurred map is the column that strides would have put there."""
    folded = yamnet.fold(yamnet.random_weights(0))
    quiet = np.full((1, 64, 96, 1), -3, np.float32)
    for column, frame in enumerate(yamnet.frame_centres("layer7", 96)):
        if not 1 <= column <= 4:
            continue  # the outermost see the window's edges
        event = quiet.copy()
        event[:, :, int(frame)] += 3
        both = np.concatenate([quiet, event])
        maps = numpy(yamnet.feature_maps(folded, both, ["layer7"], subsampling="blur")["layer7"])
        change = np.abs(maps[1] - maps[0]).sum(axis=(0, 2))
        assert change.argmax() == column


@pytest.mark.slow
@pytest.mark.skipif(
    os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow",
    reason="the table in docs/heads.md is of TensorFlow; parity holds the other backends to it",
)
def test_embeddings_under_shifts_change_as_documented(seeded_files):
    """Measures shifts of 1 … 8 frames; docs/heads.md holds the same table."""
    measured = {
        (preset, name): changes
        for preset, name, changes in table(
            lambda preset: read_weights(seeded_files[preset[:6]], preset[:6])
        )
    }
    for preset in ("openl3-mel128-music", "yamnet"):
        blur, maximum = measured[preset, "blur"], measured[preset, "max"]
        assert np.all(blur < 0.75 * maximum)
        assert np.all(np.diff(blur) > 0)  # the further it moves, the more it changes
    documented = {}
    for line in Path(__file__).parents[2].joinpath("docs/heads.md").read_text("utf-8").splitlines():
        if row := re.fullmatch(r"\| (\S+) \| (max|blur|aps) \|((?: [\d.]+ \|){8})", line):
            documented[row[1], row[2]] = [float(n) for n in row[3].split("|")[:-1]]
    assert set(documented) == set(measured)
    for key, changes in measured.items():
        tolerance = 0.25 if key[1] == "aps" else 0.02  # rounding may flip one of its choices
        np.testing.assert_allclose(changes, documented[key], rtol=tolerance, atol=0.02)
