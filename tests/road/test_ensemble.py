"""Several networks side by side equal their networks."""

import numpy as np
import pytest

from hear_openl3_yamnet import (
    OptionError,
    get_scene_embeddings,
    get_timestamp_embeddings,
    load_model,
)
from hear_openl3_yamnet.audio.downsampling import downsample
from tests import seeded_audio
from tests.comparing import assert_close, numpy
from tests.marks import slow_on

OPENL3 = "openl3-mel128-env"


def embed(audio, model, hop_size=None):
    return [numpy(x)[0] for x in get_timestamp_embeddings(audio[None], model, hop_size)]


def scene(audio, model, hop_size=None):
    return numpy(get_scene_embeddings(audio[None], model, hop_size))[0]


@pytest.fixture(scope="module")
def networks(seeded_files):
    return [{"weights": str(seeded_files[name])} for name in ("openl3", "yamnet")]


@pytest.fixture(scope="module")
def both(networks):
    return load_model(model=f"{OPENL3}+yamnet", networks=networks)


@pytest.fixture(scope="module")
def audio():
    return seeded_audio.clip("notes", 48000, 0.8)


@pytest.mark.backends
@slow_on("jax")
def test_networks_stand_side_by_side_at_the_same_centres(both, audio, seeded_model):
    assert both.sample_rate == 48000
    assert both.timestamp_embedding_size == both.scene_embedding_size == 512 + 1024
    together, timestamps = embed(audio, both, 200.0)
    openl3, openl3_times = embed(audio, seeded_model(OPENL3), 200.0)
    slow = downsample(audio[None], 48000, 16000)[0]
    yamnet, yamnet_times = embed(slow, seeded_model("yamnet"), 200.0)
    np.testing.assert_array_equal(timestamps, openl3_times)
    np.testing.assert_array_equal(timestamps, yamnet_times)
    assert_close(together[:, :512], openl3, 1e-5)
    assert_close(together[:, 512:], yamnet, 1e-5)
    expected = [
        scene(audio, seeded_model(OPENL3), 400.0),
        scene(slow, seeded_model("yamnet"), 400.0),
    ]
    assert_close(scene(audio, both, 400.0), np.concatenate(expected), 1e-5)


def test_names_and_weights_of_all_networks(both):
    assert both.name == f"{OPENL3}+yamnet"
    assert [weights.partition(":")[0] for weights in both.weights_id.split("+")] == ["file"] * 2
    assert both.hop_size == pytest.approx(1936 / 48)
    assert both.name in repr(both)


def test_the_order_is_the_names(networks, both, audio):
    other = load_model(model=f"yamnet + {OPENL3}", networks=networks[::-1])
    assert other.name == f"yamnet+{OPENL3}"
    assert other.hop_size == 40.0
    assert other.sample_rate == 48000
    first, second = embed(audio, both, 400.0)[0], embed(audio, other, 400.0)[0]
    assert_close(second, np.roll(first, 1024, axis=1), 1e-5)


def test_a_hop_that_is_no_whole_number_of_samples_inside(both, audio, seeded_model):
    together, timestamps = embed(audio, both, 333.333)
    slow = downsample(audio[None], 48000, 16000)[0]
    yamnet, yamnet_times = embed(slow, seeded_model("yamnet"), 333.333)
    np.testing.assert_allclose(timestamps, yamnet_times)
    assert_close(together[:, 512:], yamnet, 1e-5)


@pytest.mark.parametrize("n_samples", [1, 2, 3, 1937])
def test_short_clips(both, n_samples):
    embeddings, timestamps = embed(np.full(n_samples, 0.1, np.float32), both)
    assert embeddings.shape == (1 + (n_samples > 1936), 1536)
    assert len(timestamps) == len(embeddings)
    assert np.isfinite(embeddings).all()


def test_each_part_has_unit_length(networks, both, audio):
    model = load_model(model=f"{OPENL3}+yamnet", networks=networks, normalize="l2")
    plain, unit = embed(audio, both, 400.0)[0], embed(audio, model, 400.0)[0]
    for part in (slice(0, 512), slice(512, None)):
        lengths = np.linalg.norm(plain[:, part], axis=1, keepdims=True)
        assert_close(unit[:, part], plain[:, part] / lengths, 1e-5)
        scene_lengths = np.linalg.norm(scene(audio, model, 400.0)[part])
        assert scene_lengths == pytest.approx(1, rel=1e-5)


def test_zeros_stay_zeros():
    from hear_openl3_yamnet.pooling.scenes import normalized

    rows = np.float32([[3, 4], [0, 0], [1e-30, 0]])
    np.testing.assert_allclose(normalized(rows), [[0.6, 0.8], [0, 0], [1, 0]], rtol=1e-6)


def test_three_networks_of_one_network(untrained_yamnet):
    layers = ["logmel", "layer7", "layer14"]
    model = load_model(
        model="yamnet+yamnet+yamnet", weights="random:1", networks=[{"layers": x} for x in layers]
    )
    clip = seeded_audio.clip("notes", 16000, 0.3)
    together = embed(clip, model, 150.0)[0]
    assert together.shape == (2, 1 + 512 + 1024)
    assert_close(together[:, 513:], embed(clip, untrained_yamnet, 150.0)[0], 1e-5)


def test_options_for_all_and_options_of_networks(networks):
    model = load_model(
        model=f"{OPENL3}+yamnet",
        networks=[
            {**networks[0], "pooling": "max+mean"},
            {**networks[1], "layers": ["layer12", "layer14"]},
        ],
        scene_pooling="mean+max",
        pooling="mean",
    )
    first, second = model.config["networks"]
    assert (first["pooling"], second["pooling"]) == ("max+mean", "mean")
    assert first["scene_pooling"] == second["scene_pooling"] == "mean+max"
    assert model.timestamp_embedding_size == 2 * 512 + (512 + 1024)
    assert model.scene_embedding_size == 2 * model.timestamp_embedding_size


def test_two_window_lengths_of_yamnet(untrained_yamnet):
    model = load_model(
        weights="random:1", networks=[{"model": "yamnet"}, {"model": "yamnet", "window_size": 495}]
    )
    short = load_model(model="yamnet", weights="random:1", window_size=495)
    assert model.sample_rate == 16000
    clip = seeded_audio.clip("notes", 16000, 1.0)
    together = embed(clip, model, 100.0)[0]
    assert together.shape == (10, 2048)
    assert_close(together[:, :1024], embed(clip, untrained_yamnet, 100.0)[0], 1e-5)
    assert_close(together[:, 1024:], embed(clip, short, 100.0)[0], 1e-5)


def test_openl3_has_one_window_length():
    with pytest.raises(OptionError, match="windows of 1 s alone"):
        load_model(
            weights="random", networks=[{"model": OPENL3}, {"model": OPENL3, "window_size": 500}]
        )


def test_scene_poolings_of_networks(both, networks, audio):
    pooled = load_model(model=f"{OPENL3}+yamnet", networks=networks, scene_pooling="mean+max")
    windows = embed(audio, both, 400.0)[0]
    expected = [
        f(windows[:, part], axis=0)
        for part in (slice(0, 512), slice(512, None))
        for f in (np.mean, np.max)
    ]
    assert_close(scene(audio, pooled, 400.0), np.concatenate(expected), 1e-5)


def test_a_saved_ensemble_comes_back(both, audio, tmp_path):
    both.save_config(tmp_path / "ensemble.json")
    again = load_model(tmp_path / "ensemble.json")
    assert again.config == both.config
    assert again.weights_id == both.weights_id
    np.testing.assert_array_equal(embed(audio, again, 400.0)[0], embed(audio, both, 400.0)[0])
