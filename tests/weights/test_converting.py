"""Converted files are read back, and say where their weights came from."""

from __future__ import annotations

import json
import os

import h5py
import numpy as np
import pytest

from hear_openl3_yamnet import load_model
from hear_openl3_yamnet.errors import OptionError, WeightsCacheError, WeightsFormatError
from hear_openl3_yamnet.weights import finding
from hear_openl3_yamnet.weights.convert import convert, infer_network, read_provenance
from hear_openl3_yamnet.weights.reading import read_weights, weight_shapes
from hear_openl3_yamnet.weights.receipts import content_digest

from ..seeded_weights import write_openl3, write_yamnet

SUFFIXES = [".weights.h5", ".safetensors"]


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    return {
        "openl3": write_openl3(folder / "openl3_audio_mel128_env.h5", layout="kapre"),
        "yamnet": write_yamnet(folder / "yamnet.h5"),
    }


@pytest.fixture(scope="module")
def values(sources):
    return {network: read_weights(path, network) for network, path in sources.items()}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("network", ["openl3", "yamnet"])
def test_what_is_written_is_read_back(network, dtype, suffix, sources, values, tmp_path):
    out = tmp_path / f"{network}{suffix}"
    convert(sources[network], out, network, dtype)
    expected = values[network]
    found = read_weights(out, network)
    assert list(found) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value.astype(dtype).astype("float32"))
    assert os.listdir(tmp_path) == [out.name]
    n_values = sum(int(np.prod(shape)) for shape in weight_shapes(network).values())
    assert out.stat().st_size < 1.04 * n_values * np.dtype(dtype).itemsize


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_model_loads_it(suffix, sources, tmp_path):
    out = tmp_path / f"yamnet{suffix}"
    convert(sources["yamnet"], out, "yamnet")
    model = load_model(str(out))
    assert model.weights_id == f"file:{out.name}@{content_digest(out)}"
    assert model.weights_id in repr(model)


@pytest.mark.parametrize("network", ["openl3", "yamnet"])
def test_keras_itself_loads_it(network, sources, values, tmp_path):
    from importlib import import_module

    from hear_openl3_yamnet.backbones.folding import keras_weights

    out = tmp_path / "w.weights.h5"
    convert(sources[network], out, network)
    window = (128, 199) if network == "openl3" else (64, 96)
    model = import_module(f"hear_openl3_yamnet.backbones.{network}").keras_model(*window)
    model.load_weights(out)
    found = keras_weights(model)
    for name, value in values[network].items():
        np.testing.assert_array_equal(found[name], value)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_provenance_of_a_file(suffix, sources, tmp_path):
    out = tmp_path / f"w{suffix}"
    returned = convert(sources["yamnet"], out, "yamnet", "float16")
    provenance = read_provenance(out)
    assert provenance == returned
    assert provenance["source"] == "yamnet.h5"
    assert provenance["source_sha256"] == content_digest(sources["yamnet"])
    assert provenance["dtype"] == "float16"
    assert provenance["licence"].startswith("unknown")
    assert infer_network(out) == "yamnet"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_provenance_of_a_published_file_is_passed_on(suffix, registry, tmp_path):
    path = finding.fetch("openl3-mel128-env")
    first, second = tmp_path / f"first{suffix}", tmp_path / "second.safetensors"
    convert(path, first, "openl3")
    provenance = convert(first, second, "openl3", "float16")
    assert provenance["source"] == "openl3-mel128-env"
    assert provenance["source_sha256"] == content_digest(path)
    assert provenance["licence"] == "CC BY 4.0"
    assert provenance["source_address"].endswith("openl3_audio_mel128_env-v0_4_0.h5.gz")
    assert provenance["dtype"] == "float16"


def test_too_large_for_float16(sources, tmp_path):
    source = tmp_path / "yamnet.h5"
    source.write_bytes(sources["yamnet"].read_bytes())
    with h5py.File(source, "r+") as file:
        file["dense/dense/bias:0"][0] = 1e6
    out = tmp_path / "w.safetensors"
    with pytest.raises(WeightsFormatError, match="predictions/bias has values too large"):
        convert(source, out, "yamnet", "float16")
    assert not out.exists()


def test_wrong_options_are_refused(sources, tmp_path):
    with pytest.raises(OptionError, match=r"end in \.weights\.h5 or \.safetensors"):
        convert(sources["yamnet"], tmp_path / "w.pt", "yamnet")
    with pytest.raises(OptionError, match="one of float32, float16"):
        convert(sources["yamnet"], tmp_path / "w.safetensors", "yamnet", "int8")
    unnamed = tmp_path / "mine.h5"
    unnamed.write_bytes(sources["yamnet"].read_bytes())
    with pytest.raises(
        OptionError, match="--network, one of openl3, yamnet, openl3_lite, holistic"
    ):
        infer_network(unnamed)


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("my-OpenL3-lite.h5", "openl3_lite"),
        ("openl3_lite.h5", "openl3_lite"),
        ("openl3.h5", "openl3"),
    ],
)
def test_a_file_is_named_after_its_network(name, network, tmp_path):
    file = tmp_path / name
    file.write_bytes(b"not read")
    assert infer_network(file) == network


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_folder_to_write_to(suffix, sources, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsCacheError, match="is not a folder"):
        convert(sources["yamnet"], tmp_path / "file" / f"w{suffix}", "yamnet")


def damage(path, change) -> None:
    with h5py.File(path, "r+") as file:
        change(file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.pop("layers/conv2d_3"), "has no conv2d_3"),
        (lambda f: f.pop("layers/conv2d_3/vars/1"), "layers/conv2d_3 holds 1 weights"),
        (lambda f: f.pop("layers"), "not written by Keras 2 or Keras 3"),
    ],
)
def test_a_damaged_keras_3_file(change, message, sources, tmp_path):
    out = tmp_path / "openl3.weights.h5"
    convert(sources["openl3"], out, "openl3")
    damage(out, change)
    with pytest.raises(WeightsFormatError, match=message):
        read_weights(out, "openl3")


def test_invalid_provenance_is_ignored(sources, tmp_path):
    out = tmp_path / "w.weights.h5"
    convert(sources["yamnet"], out, "yamnet")
    assert json.dumps(read_provenance(out))
    damage(out, lambda f: f.attrs.__setitem__("hear_openl3_yamnet", np.bytes_("{")))
    assert read_provenance(out) == {}
