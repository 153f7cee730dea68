"""The networks: weights, shapes, and the folded network against the published layers."""

import weakref

import numpy as np
import pytest

from hear_openl3_yamnet.backbones import folding, openl3, openl3_lite, yamnet
from hear_openl3_yamnet.engine.backend import BACKEND
from hear_openl3_yamnet.weights.reading import read_weights
from hear_openl3_yamnet.weights.registry import registry_path
from tests.comparing import numpy
from tests.marks import slow_on

BACKBONES = {"openl3": openl3, "yamnet": yamnet, "openl3_lite": openl3_lite}


OPENL3_LITE = registry_path().with_name("openl3-lite.safetensors")


@pytest.fixture(scope="module")
def weights(seeded_files):
    read = {name: read_weights(seeded_files[name], name) for name in ("openl3", "yamnet")}
    return {**read, "openl3_lite": read_weights(OPENL3_LITE, "openl3_lite")}


def small_input(n_bands, n_frames, n_windows=2):
    return np.random.default_rng(0).normal(0, 1, (n_windows, n_bands, n_frames, 1)).astype("f4")


def test_weights_are_as_many_as_published():
    def count(backbone, *left_out):
        shapes = backbone.WEIGHT_SHAPES.items()
        return sum(int(np.prod(shape)) for name, shape in shapes if not name.startswith(left_out))

    assert count(openl3, "none") == 4_689_860
    assert count(yamnet, "none") == 3_751_369
    assert count(openl3_lite, "none") == 693_924
    assert len(openl3.WEIGHT_SHAPES) == 48
    assert len(yamnet.WEIGHT_SHAPES) == 27 * 4 + 2


@pytest.mark.backends
@pytest.mark.parametrize(
    ("name", "shape", "scale", "offset"),
    [
        pytest.param("openl3", (32, 40), 20.0, -45.0, marks=slow_on("jax")),
        pytest.param("openl3_lite", (32, 43), 20.0, -45.0, marks=slow_on("jax")),
        pytest.param("yamnet", (64, 96), 2.0, -3.0, marks=slow_on("jax")),
    ],
)
def test_folded_network_equals_the_published_layers(name, shape, scale, offset, weights):
    backbone = BACKBONES[name]
    x = scale * small_input(*shape) + offset
    model = backbone.keras_model(*shape)
    folding.set_keras_weights(model, weights[name])
    expected = numpy(model(x, training=False))
    last = backbone.LAYERS[-1]
    got = numpy(backbone.feature_maps(backbone.fold(weights[name]), x, [last])[last])
    np.testing.assert_allclose(
        got.reshape(expected.shape), expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max()
    )


@pytest.mark.parametrize("name", BACKBONES)
def test_weights_go_into_keras_models_and_out_again(name, weights):
    model = BACKBONES[name].keras_model(64, 96)
    folding.set_keras_weights(model, weights[name])
    back = folding.keras_weights(model)
    assert list(back) == list(BACKBONES[name].WEIGHT_SHAPES)
    for key, value in back.items():
        np.testing.assert_array_equal(value, weights[name][key])


@pytest.mark.parametrize("n_frames", [96, pytest.param(99, marks=pytest.mark.backends), 197])
@pytest.mark.parametrize("name", BACKBONES)
def test_maps_have_the_shapes_promised(name, n_frames):
    backbone = BACKBONES[name]
    folded = backbone.fold(backbone.random_weights(0))
    maps = backbone.feature_maps(folded, small_input(64, n_frames, 1), backbone.LAYERS)
    assert list(maps) == list(backbone.LAYERS)
    for layer, x in maps.items():
        assert tuple(x.shape) == (1, *backbone.map_shape(layer, 64, n_frames))


@pytest.mark.parametrize(
    ("backbone", "layer", "bands", "frames", "shape"),
    [
        (openl3, "conv8", 256, 199, (32, 24, 512)),
        (openl3, "conv8", 128, 199, (16, 24, 512)),
        (openl3, "block4", 257, 197, (32, 24, 512)),
        (openl3, "block2", 256, 199, (64, 49, 128)),
        (openl3_lite, "block4", 128, 199, (16, 24, 512)),
        (openl3_lite, "block2", 128, 199, (32, 49, 128)),
        (yamnet, "layer14", 64, 96, (2, 3, 1024)),
        (yamnet, "layer7", 64, 96, (4, 6, 512)),
        (yamnet, "predictions", 64, 96, (1, 1, 521)),
    ],
)
def test_the_published_maps(backbone, layer, bands, frames, shape):
    assert backbone.map_shape(layer, bands, frames) == shape


def test_layers_are_tapped_where_their_names_say(weights):
    folded = openl3.fold(weights["openl3"])
    x = -40 + 20 * small_input(16, 16, 1)
    maps = {name: numpy(y) for name, y in openl3.feature_maps(folded, x, openl3.LAYERS).items()}
    np.testing.assert_array_equal(maps["logmel"], x)
    np.testing.assert_array_equal(maps["block4"], maps["conv8"])
    assert maps["conv8"].min() < 0  # bare
    for layer in ("conv1", "conv7", "block3"):
        assert maps[layer].min() == 0  # after its ReLU
    for layer, before in (("block1", "conv2"), ("block2", "conv4"), ("block3", "conv6")):
        _, bands, frames, channels = maps[layer].shape
        cells = maps[before].reshape(1, bands, 2, frames, 2, channels)
        np.testing.assert_array_equal(maps[layer], cells.max(axis=(2, 4)))


@pytest.mark.parametrize("layer", ["block1", "block2", "block3", "block4"])
def test_maps_of_lite_are_shaped_and_placed_as_those_of_openl3(layer):
    for bands, frames in ((128, 199), (64, 101)):
        shapes = (backbone.map_shape(layer, bands, frames) for backbone in (openl3_lite, openl3))
        assert len(set(shapes)) == 1
        np.testing.assert_array_equal(
            openl3_lite.frame_centres(layer, frames), openl3.frame_centres(layer, frames)
        )


def receptive_fields(backbone, layer, n_frames, n_bands=8, reach=100.0):
    """First and last input frame that each column of a layer's map depends on, by trying."""
    folded = backbone.fold(backbone.random_weights(0))
    x = np.repeat(small_input(n_bands, n_frames, 1), n_frames + 1, axis=0)
    for frame in range(n_frames):
        x[frame, :, frame] += reach
    maps = numpy(backbone.feature_maps(folded, x, [layer])[layer])
    depends = np.abs(maps[:-1] - maps[-1]).max(axis=(1, 3)) > 0  # (frame, column)
    first = depends.argmax(axis=0)
    last = n_frames - 1 - depends[::-1].argmax(axis=0)
    return first, last


@pytest.mark.parametrize(
    ("name", "layer", "n_frames", "width"),
    [
        ("openl3", "conv2", 24, 5),
        ("openl3", "block1", 24, 6),
        ("openl3", "block2", 48, 16),
        ("openl3", "conv8", 101, 68),
        ("openl3_lite", "block1", 24, 8),
        ("openl3_lite", "block2", 48, 22),
        ("openl3_lite", "block4", 199, 162),
        ("yamnet", "layer1", 32, 3),
        ("yamnet", "layer3", 32, 11),
        ("yamnet", "layer6", 64, 43),
        ("yamnet", "layer7", 96, 59),
    ],
)
def test_columns_have_their_centres_where_they_look(name, layer, n_frames, width):
    backbone = BACKBONES[name]
    first, last = receptive_fields(backbone, layer, n_frames)
    centres = backbone.frame_centres(layer, n_frames)
    assert len(centres) == backbone.map_shape(layer, 8, n_frames)[1]
    np.testing.assert_array_equal(np.diff(centres), backbone.frame_stride(layer))
    whole = last - first + 1 == width  # columns that see no edge
    assert whole.any()
    np.testing.assert_array_equal((first + last)[whole] / 2, centres[whole])


@pytest.mark.parametrize("name", BACKBONES)
def test_untrained_weights_are_the_seeds(name):
    backbone = BACKBONES[name]
    first, again, other = (backbone.random_weights(seed) for seed in (3, 3, 4))
    assert {key: value.shape for key, value in first.items()} == backbone.WEIGHT_SHAPES
    for key, value in first.items():
        np.testing.assert_array_equal(value, again[key])
        assert value.dtype == np.float32
    kernels = [key for key in first if key.endswith("kernel")]
    assert not any(np.array_equal(first[key], other[key]) for key in kernels)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("openl3", -80.0, 0.0), ("openl3_lite", -80.0, 0.0), ("yamnet", np.log(1e-3), 1.0)],
)
def test_untrained_networks_get_a_fair_input(name, low, high):
    """Activations neither vanish nor explode from the first layer to the last."""
    backbone = BACKBONES[name]
    x = np.random.default_rng(5).uniform(low, high, (2, 64, 96, 1)).astype(np.float32)
    maps = backbone.feature_maps(backbone.fold(backbone.random_weights(0)), x, backbone.LAYERS[1:])
    spreads = {layer: float(numpy(y).std()) for layer, y in maps.items() if layer != "predictions"}
    assert all(0.05 < spread < 20 for spread in spreads.values()), spreads


@pytest.mark.backends
@pytest.mark.skipif(BACKEND != "torch", reason="graphs drop what they need no more")
def test_maps_that_nobody_asked_for_are_dropped(weights, monkeypatch):
    import torch

    held, most = [], 0
    apply = openl3.apply_convolution

    def convolve(*arguments):
        nonlocal most
        x = apply(*arguments)
        held.append(weakref.ref(x))
        most = max(most, sum(reference() is not None for reference in held))
        return x

    monkeypatch.setattr(openl3, "apply_convolution", convolve)
    with torch.no_grad():
        openl3.feature_maps(openl3.fold(weights["openl3"]), small_input(32, 40), ["conv8"])
    assert len(held) == 8
    assert most == 2
