"""Options: what they mean, what they refuse, and the sizes they promise."""

import json

import pytest

from hear_openl3_yamnet import HearError, OptionError, list_layers, list_presets
from hear_openl3_yamnet.config import geometry
from hear_openl3_yamnet.config.configuring import configure
from hear_openl3_yamnet.config.options import option_names
from hear_openl3_yamnet.config.presets import get_preset

OPENL3, LITE = "openl3-mel128-env", "openl3-lite"


def refused(match=None, model=OPENL3, **given):
    with pytest.raises(OptionError, match=match) as caught:
        configure(model, **given)
    assert isinstance(caught.value, HearError)
    assert isinstance(caught.value, ValueError)
    return str(caught.value)


def test_presets_are_the_published_models_the_submissions_and_the_starters():
    inputs, contents = ("linear", "mel128", "mel256"), ("music", "env")
    published = {f"openl3-{i}-{c}" for i in inputs for c in contents} | {"yamnet"}
    submitted = {"hear2021-openl3", "hear2021-yamnet"}
    starters = {"openl3-mel128-starter", "yamnet-starter", "openl3-lite", "holistic"}
    assert set(list_presets()) == published | submitted | starters | {"yamnet-layer8"}
    for name in list_presets():
        preset = get_preset(name)
        assert preset.description
        assert preset.sample_rate == (16000 if "yamnet" in name else 48000)


@pytest.mark.parametrize(
    ("model", "hop_ms", "scene_hop_ms", "size"),
    [
        ("openl3-mel256-music", 1936 / 48, 484.0, 512),
        ("yamnet", 40.0, 480.0, 1024),
        ("hear2021-openl3", 50.0, 500.0, 512),
        ("hear2021-yamnet", 50.0, 480.0, 1024),
        ("openl3-mel128-starter", 1936 / 48, 484.0, 512),
        ("yamnet-starter", 40.0, 480.0, 1024),
        ("openl3-lite", 1936 / 48, 484.0, 512),
    ],
)
def test_defaults_are_the_published_ones(model, hop_ms, scene_hop_ms, size):
    options = configure(model)
    rate = options.preset.sample_rate
    assert float(geometry.hop(options) * 1000 / rate) == pytest.approx(hop_ms, abs=1e-9)
    assert float(geometry.scene_hop(options) * 1000 / rate) == pytest.approx(scene_hop_ms, abs=1e-9)
    assert geometry.timestamp_embedding_size(options) == size
    assert geometry.scene_embedding_size(options) == size
    assert options.pooling == ("mean" if "yamnet" in model else "max")
    assert options.grid == (1, 1)


def test_yamnet_layer8_is_a_head_of_the_published_weights():
    options = configure("yamnet-layer8")
    assert get_preset("yamnet-layer8").weights_name == "yamnet"
    assert (options.pooling, options.layers) == ("fusion", ("layer8",))
    assert geometry.scene_embedding_size(options) == 2048
    other = configure("yamnet-layer8", pooling="max")  # options given replace those of the preset
    assert (other.pooling, other.layers) == ("max", ("layer8",))


def test_embedding_sizes_are_heads():
    assert configure(OPENL3, embedding_size=512) == configure(OPENL3)
    assert configure(OPENL3, embedding_size=6144) == configure(OPENL3, grid=(4, 3))
    assert geometry.timestamp_embedding_size(configure(OPENL3, embedding_size=6144)) == 6144


def test_one_layer_may_be_given_by_name_alone():
    assert configure(OPENL3, layers="block2").layers == ("block2",)


def test_layers_are_listed():
    assert list_layers("openl3-linear-env")[0] == "logmel"
    assert {"block1", "block4", "conv1", "conv8"} <= set(list_layers(OPENL3))
    assert list_layers("yamnet")[-1] == "predictions"
    assert "layer14" in list_layers("yamnet")
    with pytest.raises(OptionError, match="Presets: openl3-linear-music"):
        list_layers("vggish")


@pytest.mark.parametrize("model", ["vggish", "", None, 3, ["yamnet"]])
def test_presets_that_are_none(model):
    message = refused("no preset of that name", model)
    assert "Presets: openl3-linear-music, " in message
    assert f"Received: model={model!r}" in message


def test_options_that_are_none():
    message = refused("no option of that name", poling="max")
    assert "Options: embedding_size, weights, hop_size" in message
    assert "Received: poling='max'" in message
    for name in ("pooling", "grid", "time", "layers", "subsampling", "scene_pooling", "normalize"):
        assert name in option_names()


@pytest.mark.parametrize(
    ("option", "listed"),
    [
        ("pooling", "'max', 'mean', 'max+mean', 'sum_max_mean', 'mean+std', 'gem', 'fusion'"),
        ("time", "'window', 'frame'"),
        ("subsampling", "'max', 'blur', 'aps'"),
        ("scene_pooling", "'mean', 'max', 'mean+max', 'sum_max_mean', 'mean+std', 'percentiles'"),
        ("normalize", "'none', 'l2'"),
        ("framing", "'exact', 'dense'"),
        ("sharing", "'auto', 'off'"),
        ("precision", "'float32', 'bfloat16', 'float16', 'auto'"),
    ],
)
@pytest.mark.parametrize("value", ["median", None, 2, ["max"]])
def test_values_that_are_no_choice(option, listed, value):
    message = refused(f"{option} must be one of", **{option: value})
    assert listed in message
    assert f"Received: {option}={value!r}" in message


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"hop_size": 0}, "above 0 and at most an hour (3600000). Received: hop_size=0"),
        ({"hop_size": -5.0}, "Received: hop_size=-5.0"),
        ({"hop_size": True}, "Received: hop_size=True"),
        ({"scene_hop_size": True}, "Received: scene_hop_size=True"),
        ({"hop_size": float("nan")}, "Received: hop_size=nan"),
        ({"hop_size": 3_600_001}, "Received: hop_size=3600001"),
        ({"hop_size": "nativ"}, "Received: hop_size='nativ'"),
        ({"hop_size": 0.01}, "at least one sample, 0.0208333 ms at 48000 Hz"),
        ({"scene_hop_size": 0}, "above 0 and at most an hour"),
        (
            {"batch_size": 0},
            "batch_size must be a whole number, at least 1. Received: batch_size=0",
        ),
        ({"batch_size": 2.5}, "Received: batch_size=2.5"),
        ({"batch_size": True}, "Received: batch_size=True"),
        ({"memory_limit": 0}, "memory_limit must be a whole number, at least 1"),
        ({"gem_p": 0}, "gem_p must be a number above 0. Received: gem_p=0"),
        ({"gem_p": float("inf")}, "Received: gem_p=inf"),
        ({"gem_p": "3"}, "Received: gem_p='3'"),
        ({"gem_p": True}, "Received: gem_p=True"),
        ({"grid": 4}, "grid must be a pair: cells over bands and over frames"),
        ({"grid": (1, 2, 3)}, "Received: grid=(1, 2, 3)"),
        ({"grid": (0, 1)}, "grid must be a whole number, at least 1. Received: grid=0"),
        ({"grid": ("some", 1)}, "Received: grid='some'"),
        ({"layers": "layer7"}, "layers must be one of 'logmel', 'conv1', 'conv2', 'block1'"),
        ({"layers": ["block1", "block1"]}, "each at most once"),
        ({"layers": 7}, "Received: layers=7"),
        (
            {"layers": []},
            "layers must name one or several layers, each at most once. Received: layers=()",
        ),
    ],
)
def test_values_out_of_range(given, expected):
    assert expected in refused(next(iter(given)), **given)


@pytest.mark.parametrize(
    ("model", "given", "expected"),
    [
        (OPENL3, {"embedding_size": 6144, "pooling": "mean"}, "give it or pooling, not both"),
        (OPENL3, {"embedding_size": 512, "grid": (1, 1), "time": "frame"}, "give it or grid, time"),
        (OPENL3, {"embedding_size": 1024}, "must be 512 or 6144. Received: 1024"),
        ("yamnet", {"embedding_size": 512}, "YAMNet's 1024 values change with pooling, grid and"),
        # 24 cells on 2 frames, and the like: what is possible
        ("yamnet", {"grid": (1, 24)}, "cut into 1 or 2 cells over bands and 1, 2 or 3 over frames"),
        ("yamnet", {"grid": (4, 1)}, "The map of layer14 has 2 bands and 3 frames"),
        (OPENL3, {"grid": (7, 1)}, "1, 2, 3, 4, 6, 8 or 16 cells over bands"),
        (OPENL3, {"pooling": "fusion", "grid": (4, 1)}, "takes no grid. Received: grid=(4, 1)"),
        (OPENL3, {"time": "frame", "pooling": "fusion"}, "'fusion', which pools over time"),
        (OPENL3, {"time": "frame", "grid": (1, 3)}, "a grid over frames; take grid=(bands, 1)"),
        ("yamnet", {"time": "frame", "layers": "predictions"}, "which have no frames"),
        (OPENL3, {"time": "frame", "subsampling": "aps"}, "moves frames depending on the"),
        ("yamnet", {"time": "frame", "layers": "layer14", "grid": (3, 1)}, "2 bands and 1 frames"),
        (
            OPENL3,
            {"framing": "dense", "subsampling": "blur"},
            "dense' is made for OpenL3 with subs",
        ),
        ("yamnet", {"framing": "dense"}, "dense' is made for OpenL3 with subsampling='max'"),
        (LITE, {"framing": "dense"}, "Received: openl3-lite (network openl3_lite) with"),
        (LITE, {"subsampling": "blur"}, "openl3-lite takes only subsampling='max': its strides"),
        (LITE, {"window_size": 500}, "OpenL3 and OpenL3-lite take windows of 1 s alone"),
        (OPENL3, {"layers": "predictions"}, "layers must be one of"),
        ("yamnet", {"layers": "block2"}, "layers must be one of"),
        (
            OPENL3,
            {"window_size": 500},
            "and OpenL3-lite was trained on it). Only YAMNet takes others",
        ),
        (
            "yamnet",
            {"window_size": 20},
            "from 25 (one STFT frame) to 60000. Received: window_size=20",
        ),
        ("yamnet", {"window_size": "long"}, "Received: window_size='long'"),
        ("yamnet", {"window_size": True}, "Received: window_size=True"),
        ("yamnet", {"window_size": 500, "time": "frame"}, "335, 655, 975 … ms"),
    ],
)
def test_options_that_do_not_go_together(model, given, expected):
    assert expected in refused(None, model, **given)


@pytest.mark.parametrize(("size", "n_map_frames"), [(335, 1), (655, 2), (1295, 4)])
def test_windows_that_keep_time_are_whole_map_frames(size, n_map_frames):
    options = configure("yamnet", time="frame", window_size=size)
    assert geometry.map_shape(options, "layer14")[1] == n_map_frames
    assert options.front_end.n_frames == 32 * n_map_frames


def test_other_windows_of_yamnet():
    options = configure("yamnet", window_size=495)
    assert options.front_end.window == 7920
    assert options.front_end.n_frames == 48
    assert geometry.map_shape(options, "layer14") == (2, 2, 1024)
    assert geometry.timestamp_embedding_size(options) == 1024


@pytest.mark.parametrize("model", ["openl3-mel256-music", "yamnet"])
def test_configurations_are_plain_data_and_come_back(model):
    config = configure(
        model, hop_size=50, pooling="gem", gem_p=2, grid=("all", 1), weights="random:3"
    )
    plain = json.loads(json.dumps(config.as_dict()))
    assert plain["model"] == model
    assert plain["grid"] == ["all", 1]
    assert configure(**plain) == config


def test_configurations_cannot_be_changed():
    config = configure("yamnet")
    with pytest.raises(AttributeError):
        config.pooling = "max"
