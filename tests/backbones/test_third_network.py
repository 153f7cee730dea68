"""A third network is one module with the names of `Backbone`, and a preset.

A toy network of twenty lines, registered here, gets embeddings, heads, hops and streams.
"""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import ops

from hear_openl3_yamnet import get_scene_embeddings, get_timestamp_embeddings, load_model
from hear_openl3_yamnet.backbones import BACKBONES, Backbone, folding
from hear_openl3_yamnet.config.presets import PRESETS, Preset
from hear_openl3_yamnet.features.frontends import FRONT_ENDS
from tests import seeded_audio
from tests.comparing import assert_close, numpy

SHAPES = {"mix/kernel": (64, 8)}
STRIDES = {"logmel": 1, "pooled": 4, "mix": 4}


def feature_maps(weights, logmel, layers, *, subsampling="max"):
    pooled = ops.average_pool(logmel, (1, 4), strides=(1, 4), padding="valid")
    mixed = ops.einsum("nbtc,bk->ntk", pooled, weights["mix/kernel"])[:, None]
    maps = {"logmel": logmel, "pooled": pooled, "mix": ops.relu(mixed)}
    return {layer: maps[layer] for layer in layers}


TOY = SimpleNamespace(
    NAME="toy",
    ORIGIN="this test",
    LAYERS=tuple(STRIDES),
    LAST_LAYER="mix",
    FUSED_LAYERS=("pooled", "mix"),
    NATIVE_HOP=640,
    ANY_WINDOW=True,
    SUBSAMPLINGS=("max",),
    FASTEST_BATCH=32,
    FASTEST_BATCH_GPU=32,
    EPSILON=0.0,
    WEIGHT_SHAPES=SHAPES,
    fold=lambda weights: weights,
    random_weights=lambda seed: folding.random_weights(SHAPES, seed),
    feature_maps=feature_maps,
    map_shape=lambda layer, bands, frames: {
        "logmel": (bands, frames, 1),
        "pooled": (bands, frames // 4, 1),
        "mix": (1, frames // 4, 8),
    }[layer],
    frame_stride=STRIDES.__getitem__,
    frame_centres=lambda layer, frames: (
        np.arange(frames // STRIDES[layer]) * STRIDES[layer] + (STRIDES[layer] - 1) / 2
    ),
    keras_model=lambda bands=64, frames=96: keras.Sequential(),
)


@pytest.fixture(autouse=True)
def toy(monkeypatch):
    monkeypatch.setitem(BACKBONES, "toy", TOY)
    preset = Preset("toy", TOY, FRONT_ENDS["yamnet"], "toy", None, "a toy", file_name="toy")
    monkeypatch.setitem(PRESETS, "toy", preset)


AUDIO = seeded_audio.clip("notes", 16000, 1.5)


def test_it_is_a_backbone_as_the_others_are():
    assert all(isinstance(backbone, Backbone) for backbone in BACKBONES.values())
    assert set(BACKBONES) == {"holistic", "openl3", "openl3_lite", "yamnet", "toy"}


@pytest.mark.backends
@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({}, 8),
        ({"pooling": "mean+std"}, 16),
        ({"pooling": "gem", "grid": (1, 3)}, 24),
        ({"pooling": "fusion"}, 64 + 8),
        ({"layers": ["pooled", "mix"], "grid": (1, 1), "time": "frame"}, 9),
        ({"window_size": 495}, 8),
        ({"normalize": "l2", "scene_pooling": "mean+max"}, 8),
    ],
    ids=str,
)
def test_embeddings_heads_and_hops(options, size):
    model = load_model("toy", weights="random:1", **options)
    for hop_size in (None, 50.0):
        embeddings, timestamps = get_timestamp_embeddings(AUDIO[None], model, hop_size)
        n_timestamps = int(np.ceil(1500 / (hop_size or model.hop_size)))
        assert embeddings.shape == (1, n_timestamps, size)
        assert timestamps.shape == (1, n_timestamps)
        assert np.isfinite(numpy(embeddings)).all()
    scene = get_scene_embeddings(AUDIO[None], model)
    assert scene.shape == (1, model.scene_embedding_size)


def test_its_embedding_is_its_own_map_pooled():
    model = load_model("toy", weights="random:1", pooling="max")
    embeddings, _ = get_timestamp_embeddings(AUDIO[None], model, 1000.0)
    front_end, weights = FRONT_ENDS["yamnet"], TOY.random_weights(1)
    window = np.pad(AUDIO, (front_end.window // 2, 0))[: front_end.window]
    starts = np.arange(front_end.n_frames)[:, None] * front_end.frame_hop
    frames = window[starts + np.arange(front_end.frame_length)] * front_end.taper()
    amplitudes = np.abs(np.fft.rfft(frames, front_end.fft_length)) @ front_end.bands()
    log_mel = np.log(amplitudes + 1e-3).reshape(24, 4, 64).mean(axis=1)
    expected = np.maximum(log_mel @ weights["mix/kernel"], 0).max(axis=0)
    assert_close(numpy(embeddings)[0, 0], expected, 1e-4)


def test_streams_give_what_the_whole_clip_gives():
    model = load_model("toy", weights="random:1")
    stream = model.stream()
    blocks = [stream.push(block)[0] for block in np.split(AUDIO, [100, 9000])]
    streamed = np.concatenate([*blocks, stream.flush()[0]])
    whole, _ = get_timestamp_embeddings(AUDIO[None], model)
    assert_close(streamed, numpy(whole)[0], 1e-5)


def test_it_joins_an_ensemble():
    model = load_model("toy+yamnet", weights="random:1", networks=[{"hop_size": 40.0}, {}])
    embeddings, _ = get_timestamp_embeddings(AUDIO[None], model)
    assert embeddings.shape[2] == 8 + 1024


def test_weights_are_read_from_a_file_that_it_names(tmp_path):
    from safetensors.numpy import save_file

    save_file(TOY.random_weights(3), tmp_path / "toy.safetensors")
    read = load_model(tmp_path / "toy.safetensors")
    drawn = load_model("toy", weights="random:3")
    got, expected = (get_scene_embeddings(AUDIO[None], model) for model in (read, drawn))
    assert_close(got, numpy(expected), 1e-6)
