"""load_model: from names, files and configurations to models, and what it refuses."""

import hashlib
import json
import shutil

import numpy as np
import pytest

from hear_openl3_yamnet import (
    HearError,
    OptionError,
    WeightsFormatError,
    WeightsNotFoundError,
    get_timestamp_embeddings,
    load_model,
)
from tests.comparing import numpy

CLIP = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 8000)).astype(np.float32)


def refused(match, *arguments, error=OptionError, base=ValueError, **keywords):
    with pytest.raises(error, match=match) as caught:
        load_model(*arguments, **keywords)
    assert isinstance(caught.value, HearError)
    assert isinstance(caught.value, base)
    return str(caught.value)


def written(folder, content, name="configuration.json"):
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def assert_same_embeddings(first, second):
    got, expected = (numpy(get_timestamp_embeddings(CLIP, m, 200.0)[0]) for m in (first, second))
    np.testing.assert_array_equal(got, expected)


@pytest.mark.backends
def test_a_model_knows_what_it_is(untrained_yamnet):
    model = untrained_yamnet
    assert model.name == "yamnet"
    assert model.weights_id == "random:1"
    assert (model.sample_rate, model.hop_size, model.scene_hop_size) == (16000, 40.0, 480.0)
    for size in (model.timestamp_embedding_size, model.scene_embedding_size):
        assert type(size) is int
        assert size == 1024
    assert model.config["model"] == "yamnet"
    assert model.config["weights"] == "random:1"
    for part in ("'yamnet'", "1024", "16000 Hz", "hop_size=40 ms", "random:1"):
        assert part in repr(model)


@pytest.mark.backends
def test_a_model_is_what_hears_tools_look_for(untrained_yamnet):
    import keras

    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            assert isinstance(untrained_yamnet, tf.Module)
        case "torch":
            import torch

            assert isinstance(untrained_yamnet, torch.nn.Module)
            assert sum(1 for _ in untrained_yamnet.buffers()) == 57  # it moves with .to(device)


def test_a_preset_may_be_named_either_way(untrained_yamnet):
    assert_same_embeddings(load_model("yamnet", weights="random:1"), untrained_yamnet)
    assert load_model("yamnet", model="yamnet", weights="random").weights_id == "random:0"


def test_weights_may_be_given_either_way(seeded_files):
    by_path = load_model(seeded_files["yamnet"], model="yamnet")
    assert_same_embeddings(load_model(model="yamnet", weights=str(seeded_files["yamnet"])), by_path)
    digest = hashlib.sha256(seeded_files["yamnet"].read_bytes()).hexdigest()
    assert by_path.weights_id.startswith("file:")
    assert by_path.weights_id.partition("@")[2] == digest


@pytest.mark.parametrize(
    ("file", "preset"),
    [
        ("openl3_audio_mel128_env.h5", "openl3-mel128-env"),
        ("openl3_audio_linear_music-v0_4_0.h5", "openl3-linear-music"),
        ("my_yamnet_2.h5", "yamnet"),
    ],
)
def test_published_names_tell_the_preset(file, preset, seeded_files, tmp_path):
    shutil.copy(seeded_files[preset.split("-")[0]], tmp_path / file)
    assert load_model(tmp_path / file).name == preset


def test_a_configuration_in_a_file(tmp_path, untrained_yamnet):
    path = written(tmp_path, {"model": "yamnet", "weights": "random:1", "hop_size": 100})
    model = load_model(str(path))
    assert model.hop_size == 100.0
    assert_same_embeddings(model, untrained_yamnet)


def test_keywords_come_before_a_configurations_own(tmp_path):
    path = written(tmp_path, {"model": "yamnet", "weights": "random:1", "pooling": "max"})
    model = load_model(path, weights="random:2", pooling="gem")
    assert (model.weights_id, model.config["pooling"]) == ("random:2", "gem")


def test_a_configurations_paths_start_at_its_folder(tmp_path, seeded_files):
    shutil.copy(seeded_files["yamnet"], tmp_path / "weights.h5")
    path = written(tmp_path, {"model": "yamnet", "weights": "weights.h5"})
    assert_same_embeddings(load_model(path), load_model(seeded_files["yamnet"], model="yamnet"))


@pytest.mark.parametrize(
    "options",
    [
        {"model": "yamnet"},
        {"model": "yamnet", "pooling": "mean+std", "grid": ("all", 1), "layers": ("layer7",)},
        {"model": "yamnet", "time": "frame", "scene_pooling": "percentiles", "normalize": "l2"},
        {"model": "hear2021-yamnet", "window_size": 655, "subsampling": "blur", "batch_size": 3},
    ],
)
def test_a_saved_configuration_gives_the_same_model(options, tmp_path):
    model = load_model(weights="random:1", **options)
    model.save_config(tmp_path / "saved.json")
    again = load_model(tmp_path / "saved.json")
    assert again.config == model.config
    assert json.loads(json.dumps(model.config)) == model.config  # plain data
    assert repr(again) == repr(model)
    assert_same_embeddings(again, model)


def test_seeds_make_the_difference(untrained_yamnet):
    other, same = (load_model(model="yamnet", weights=f"random:{seed}") for seed in (2, 1))
    assert_same_embeddings(same, untrained_yamnet)
    embeddings = [numpy(get_timestamp_embeddings(CLIP, m)[0]) for m in (other, same)]
    assert not np.allclose(*embeddings)


def test_no_published_weights_no_others_instead():
    name = "openl3-mel256-music"
    message = refused(name, name, error=WeightsNotFoundError, base=FileNotFoundError)
    assert "hear-openl3-yamnet" in message  # the command that gets them
    assert "http" in message


def test_a_file_that_is_not_there(tmp_path):
    missing = tmp_path / "yamnet.h5"
    message = refused(None, missing, error=WeightsNotFoundError, base=FileNotFoundError)
    assert str(missing) in message


def test_a_file_of_another_network(seeded_files):
    message = refused(
        None, seeded_files["yamnet"], model="openl3-mel128-env", error=WeightsFormatError
    )
    assert seeded_files["yamnet"].name in message


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"model_file_path": "vggish"}, "'vggish' is neither a preset nor a file. Presets: openl3"),
        ({"model_file_path": "some.h5"}, "Give model= as well, one of openl3-linear-music"),
        ({"model": "vggish"}, "no preset of that name"),
        ({"model": "yamnet+vggish", "weights": "random"}, "Received: model='vggish'"),
        ({"model": 5}, "Received: model=5"),
        ({"model_file_path": "yamnet", "model": "openl3-mel128-env"}, "name two presets"),
        ({"model_file_path": "yamnet.h5", "weights": "random"}, "give it or weights, not both"),
        (
            {"model_file_path": "yamnet.h5", "model": "openl3-mel128-env"},
            "yamnet.h5 is named as weights of yamnet, and the model is openl3-mel128-env",
        ),
        (
            {"model_file_path": "openl3_audio_mel256_env.h5", "model": "openl3-mel256-music"},
            "Give model='openl3-mel256-env', or rename the file",
        ),
        (
            {"weights": "random:one"},
            "SEED is a whole number from 0 on. Received: weights='random:one'",
        ),
        ({"weights": "random:-1"}, "Received: weights='random:-1'"),
        ({"model": "yamnet", "networks": 5}, "networks must be a list with a dict of options"),
        ({"model": "yamnet", "networks": ["max"]}, "Received: networks=['max']"),
        ({"networks": []}, "Received: networks=[]"),
        (
            {"model": "yamnet+yamnet", "networks": [{}]},
            "the options of each network of model, in order",
        ),
        ({"model": "yamnet", "networks": [{"model": "openl3-mel128-env"}]}, "in order"),
        ({"model": "yamnet", "pooling": "median"}, "pooling must be one of"),
        ({"model": "openl3-mel128-env", "embedding_size": [512]}, "must be 512 or 6144"),
    ],
)
def test_what_is_refused(arguments, expected):
    assert expected in refused(None, **arguments)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("{", "is not a valid JSON configuration: Expecting property name"),
        ("", "is not a valid JSON configuration"),
        ([1], "must hold an object with keywords of load_model"),
        ({"model": "yamnet", "pooing": "max"}, "no option of that name"),
        ({"model": "yamnet", "networks": 5}, "networks must be a list"),
        ({"networks": [5]}, "Received: networks=[5]"),
        ({"model_file_path": "configuration.json"}, "names another configuration"),
    ],
)
def test_configurations_that_are_none(content, expected, tmp_path):
    assert expected in refused(None, written(tmp_path, content))


def test_a_configuration_that_is_not_there(tmp_path):
    message = refused("There is no configuration file", tmp_path / "missing.json")
    assert str(tmp_path / "missing.json") in message
