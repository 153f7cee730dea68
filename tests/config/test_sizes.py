"""Sizes promised before any audio is seen are those of the embeddings, for every combination."""

import contextlib
import itertools

import numpy as np
import pytest

from hear_openl3_yamnet import (
    OptionError,
    get_scene_embeddings,
    get_timestamp_embeddings,
    load_model,
)
from hear_openl3_yamnet.config import geometry
from hear_openl3_yamnet.config.configuring import configure
from hear_openl3_yamnet.pooling import scenes, windows
from tests.comparing import numpy

GRIDS = [(1, 1), (2, 1), (1, 3), (2, 3), ("all", 1), ("all", "all"), (4, 3)]
LAYERS = {
    "yamnet": [
        "layer14",
        "logmel",
        "predictions",
        ("layer7", "layer12", "layer14"),
        ("logmel", "layer3"),
    ],
    "openl3": ["block4", "logmel", "conv1", ("block1", "block3"), ("logmel", "block4")],
}


def combinations(network):
    """Every combination of options that shape a head, with those that are possible configured."""
    for layers, time, pooling, grid in itertools.product(
        LAYERS[network], ("window", "frame"), windows.POOLINGS, GRIDS
    ):
        options = {"layers": layers, "time": time, "pooling": pooling, "grid": grid}
        with contextlib.suppress(OptionError):  # test_configuration reads them
            yield configure("yamnet" if network == "yamnet" else "openl3-mel128-env", **options)


@pytest.mark.parametrize("network", ["yamnet", pytest.param("openl3", marks=pytest.mark.slow)])
def test_every_head_has_the_size_promised(network):
    """Over maps of the shapes that the networks have: test_backbones sees to those."""
    count = 0
    for options in combinations(network):
        maps = {
            layer: np.zeros((1, *geometry.map_shape(options, layer)), np.float32)
            for layer in options.layers
        }
        rows = numpy(windows.embed(maps, geometry.head(options)))
        n_rows = geometry.kept_frames(options)[1] if options.time == "frame" else 1
        size = geometry.timestamp_embedding_size(options)
        assert rows.shape == (1, n_rows, size)
        for pooling in scenes.VECTORS:
            scene = scenes.ScenePooling(pooling, size)
            scene.add(rows[0])
            pooled = configure(**{**options.as_dict(), "scene_pooling": pooling})
            assert scene.result().shape == (geometry.scene_embedding_size(pooled),)
        count += 1
    assert count > 100


def sizes(model, n_samples):
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (1, n_samples)).astype(np.float32)
    embeddings, _ = get_timestamp_embeddings(audio, model, hop_size=500.0)
    scene = get_scene_embeddings(audio, model, hop_size=500.0)
    return numpy(embeddings).shape[2], numpy(scene).shape[1]


YAMNET_MODELS = [
    {"pooling": pooling, "time": time, "subsampling": subsampling, "scene_pooling": scene_pooling}
    for (pooling, time, subsampling), scene_pooling in zip(
        itertools.product(windows.POOLINGS, ("window", "frame"), ("max", "blur", "aps")),
        itertools.cycle(scenes.VECTORS),
        strict=False,
    )
    if not (time == "frame" and (pooling == "fusion" or subsampling == "aps"))
]
MORE_YAMNET_MODELS = [
    {"grid": (2, 3)},
    {"grid": ("all", "all"), "layers": ("layer7", "layer14")},
    {"layers": "predictions", "normalize": "l2"},
    {"layers": ("logmel", "layer1", "predictions"), "pooling": "max+mean"},
    {"window_size": 495, "grid": (1, 2)},
    {"window_size": 985, "grid": ("all", "all"), "subsampling": "blur"},
    {"window_size": 985, "grid": ("all", "all"), "subsampling": "aps"},
    {"window_size": 25, "grid": (2, 1)},
]


@pytest.mark.parametrize("options", YAMNET_MODELS + MORE_YAMNET_MODELS, ids=str)
def test_models_of_yamnet(options):
    model = load_model(model="yamnet", weights="random", **options)
    promised = (model.timestamp_embedding_size, model.scene_embedding_size)
    assert sizes(model, 4000) == promised
    assert all(type(size) is int for size in promised)


@pytest.mark.backends
@pytest.mark.parametrize(
    "options",
    [
        {"pooling": "fusion", "scene_pooling": "percentiles"},
        {"pooling": "max+mean", "time": "frame", "grid": ("all", 1), "scene_pooling": "mean+std"},
        {"pooling": "gem", "subsampling": "aps", "grid": (2, 2), "scene_pooling": "mean+max"},
        {"pooling": "mean+std", "subsampling": "blur", "layers": ("layer7", "layer14")},
    ],
    ids=str,
)
def test_models_of_yamnet_on_all_backends(options):
    model = load_model(model="yamnet", weights="random", **options)
    assert sizes(model, 4000) == (model.timestamp_embedding_size, model.scene_embedding_size)


@pytest.mark.parametrize(
    "options",
    [
        {"embedding_size": 6144},
        {"pooling": "fusion", "scene_pooling": "percentiles"},
        {"pooling": "gem", "grid": (3, 5), "subsampling": "blur", "scene_pooling": "mean+std"},
        {"layers": ("logmel", "block1", "conv7"), "subsampling": "aps", "pooling": "mean+std"},
        {"layers": ("block2", "block4"), "time": "frame", "grid": ("all", 1)},
        {"time": "frame", "subsampling": "blur", "pooling": "sum_max_mean"},
    ],
    ids=str,
)
def test_models_of_openl3(options):
    model = load_model(model="openl3-mel128-env", weights="random", **options)
    assert sizes(model, 4000) == (model.timestamp_embedding_size, model.scene_embedding_size)
