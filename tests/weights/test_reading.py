"""Every format gives the same arrays. Every fault raises an error that names it."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from hear_openl3_yamnet.errors import WeightsFormatError, WeightsNotFoundError
from hear_openl3_yamnet.weights.formats import guard
from hear_openl3_yamnet.weights.reading import read_weights, weight_shapes

from ..seeded_weights import write_openl3, write_yamnet


@pytest.fixture(scope="module")
def yamnet_file(tmp_path_factory) -> Path:
    return write_yamnet(tmp_path_factory.mktemp("weights") / "yamnet.h5")


@pytest.fixture(scope="module")
def yamnet_weights(yamnet_file) -> dict[str, np.ndarray]:
    return read_weights(yamnet_file, "yamnet")


@pytest.fixture(scope="module")
def openl3_file(tmp_path_factory) -> Path:
    return write_openl3(tmp_path_factory.mktemp("weights") / "openl3.h5")


@pytest.fixture
def damaged(yamnet_file, tmp_path) -> Path:
    """A copy of the seeded file, which the test damages."""
    path = tmp_path / "damaged.h5"
    path.write_bytes(yamnet_file.read_bytes())
    return path


def save_safetensors(path: Path, weights: dict[str, np.ndarray]) -> Path:
    from safetensors.numpy import save_file

    save_file(weights, path)
    return path


def test_weights_come_in_order_and_with_their_values(openl3_file):
    weights = read_weights(openl3_file, "openl3")
    assert {name: value.shape for name, value in weights.items()} == weight_shapes("openl3")
    assert list(weights) == list(weight_shapes("openl3"))
    assert {value.dtype for value in weights.values()} == {np.dtype("float32")}
    # weight 4 of the file, which depends only on (seed, index)
    z = np.random.Generator(np.random.PCG64([7, 4])).standard_normal((3, 3, 1, 64))
    np.testing.assert_array_equal(weights["conv1/kernel"], (z * np.sqrt(2.0 / 9)).astype("float32"))


def test_the_weights_of_the_spectrogram_layer_are_skipped(openl3_file, tmp_path):
    old = read_weights(write_openl3(tmp_path / "old.h5", layout="kapre"), "openl3")
    for name, value in read_weights(openl3_file, "openl3").items():
        np.testing.assert_array_equal(old[name], value)


def test_layer_names_do_not_matter(yamnet_file, yamnet_weights, tmp_path):
    renamed = tmp_path / "renamed.h5"
    with h5py.File(yamnet_file) as old, h5py.File(renamed, "w") as new:
        names = []
        for number, layer in enumerate(old.attrs["layer_names"]):
            names.append(f"some_{1000 - number}")
            group = new.create_group(names[-1])
            group.attrs["weight_names"] = np.array(
                [f"any_{w.rpartition('/')[2]}" for w in old[layer].attrs["weight_names"]], "S"
            )
            for stored, weight in zip(
                old[layer].attrs["weight_names"], group.attrs["weight_names"], strict=True
            ):
                group["any/" + weight.decode()[4:]] = old[layer][stored][...]
            group.attrs["weight_names"] = np.array(
                ["any/" + w.decode()[4:] for w in group.attrs["weight_names"]], "S"
            )
        new.attrs["layer_names"] = np.array(names, "S")
    for name, value in read_weights(renamed, "yamnet").items():
        np.testing.assert_array_equal(value, yamnet_weights[name])


@pytest.mark.parametrize("dtype", ["float32", "float16", "float64"])
def test_safetensors_and_gzip_hold_the_same(dtype, yamnet_weights, tmp_path):
    plain = save_safetensors(
        tmp_path / "w.safetensors", {n: w.astype(dtype) for n, w in yamnet_weights.items()}
    )
    packed = tmp_path / "w.bin"  # the type is detected from the content
    packed.write_bytes(gzip.compress(plain.read_bytes(), 1))
    for path in (plain, packed):
        for name, value in read_weights(path, "yamnet").items():
            np.testing.assert_array_equal(
                value, yamnet_weights[name].astype(dtype).astype("float32")
            )


@pytest.mark.parametrize("pattern", [0x7FF0000000000001, 0x7FE0000000000000])
def test_safetensors_with_a_value_that_is_no_float32(pattern, yamnet_weights, tmp_path):
    """NumPy warns of a signalling NaN and of overflow, where it converts them."""
    weights = {name: value.astype("float64") for name, value in yamnet_weights.items()}
    weights["predictions/bias"].view("u8")[3] = pattern
    path = save_safetensors(tmp_path / "w.safetensors", weights)
    assert "predictions/bias holds NaN or infinity" in refused(path)


def test_a_packed_file_holds_the_same(yamnet_file, yamnet_weights, tmp_path):
    packed = tmp_path / "yamnet.h5.gz"
    packed.write_bytes(gzip.compress(yamnet_file.read_bytes(), 1))
    for name, value in read_weights(packed, "yamnet").items():
        np.testing.assert_array_equal(value, yamnet_weights[name])


def refused(path: Path, network: str = "yamnet") -> str:
    with pytest.raises(WeightsFormatError) as caught:
        read_weights(path, network)
    message = str(caught.value)
    assert str(path) in message
    return message


def test_no_file(tmp_path):
    with pytest.raises(WeightsNotFoundError, match=r"none\.h5"):
        read_weights(tmp_path / "none.h5", "yamnet")


def test_a_folder(tmp_path):
    assert "directory" in refused(tmp_path)


def test_a_text_file(tmp_path):
    path = tmp_path / "yamnet.h5"
    path.write_text("<html>404</html>")
    assert "neither HDF5 nor safetensors" in refused(path)
    assert "<html>" in refused(path)


@pytest.mark.parametrize("size", [0, 4, 8, 100, 100_000, 15_000_000])
def test_a_truncated_file(size, damaged):
    damaged.write_bytes(damaged.read_bytes()[:size])
    assert "truncated" in refused(damaged) or size <= 8


def test_a_truncated_packed_file(damaged):
    damaged.write_bytes(gzip.compress(damaged.read_bytes(), 1)[:1_000_000])
    assert "damaged or truncated gzip" in refused(damaged)


def test_another_networks_file(yamnet_file, openl3_file):
    message = refused(yamnet_file, "openl3")
    assert "weight 1" in message
    assert "is a kernel; openl3 has the gamma of input_norm there" in message
    assert "is a gamma; yamnet has the kernel of layer1_conv there" in refused(openl3_file)


def test_a_wrong_shape(damaged):
    with h5py.File(damaged, "r+") as file:
        group = file["layer3/pointwise_conv"]
        name = "layer3/pointwise_conv/kernel:0"
        del group[name]
        group[name] = np.zeros((1, 1, 64, 127), "float32")
    message = refused(damaged)
    assert "layer3/pointwise_conv" in message
    assert "(1, 1, 64, 127)" in message
    assert "(1, 1, 64, 128)" in message


@pytest.mark.parametrize("more", [-1, 1])
def test_a_wrong_count(more, damaged):
    with h5py.File(damaged, "r+") as file:
        names = list(file.attrs["layer_names"])
        file.attrs["layer_names"] = names[:-1] if more < 0 else [*names, "dense"]
    assert f"holds {108 if more < 0 else 112} weights; yamnet has 110" in refused(damaged)


def test_hdf5_of_another_program(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = np.arange(3)
    assert "not written by Keras 2 or Keras 3" in refused(tmp_path / "other.h5")


def test_a_layer_that_is_not_there(damaged):
    with h5py.File(damaged, "r+") as file:
        del file["layer5/depthwise_conv"]
    assert "has no layer5/depthwise_conv" in refused(damaged)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity(value, damaged):
    with h5py.File(damaged, "r+") as file:
        file["dense/dense/bias:0"][3] = value
    assert "predictions/bias holds NaN or infinity" in refused(damaged)


def test_a_negative_variance(damaged):
    with h5py.File(damaged, "r+") as file:
        file["layer1/conv/bn/layer1/conv/bn/moving_variance:0"][0] = -1.0
    assert "layer1_conv_norm/moving_variance has negative values" in refused(damaged)


def replace_dense_bias(path: Path, **how) -> None:
    with h5py.File(path, "r+") as file:
        del file["dense/dense/bias:0"]
        file["dense"].create_dataset("dense/bias:0", **how)


def test_integers(damaged):
    replace_dense_bias(damaged, data=np.zeros(521, "int32"))
    assert "stored as int32. Expected float32" in refused(damaged)


def test_a_size_larger_than_any_memory(damaged):
    replace_dense_bias(damaged, shape=(1 << 40,), dtype="float32", chunks=(1 << 20,))
    assert "(1099511627776,)" in refused(damaged)


def test_values_that_were_never_written(damaged):
    replace_dense_bias(damaged, shape=(521,), dtype="float32")
    assert "has no values" in refused(damaged)


def test_values_in_another_file(damaged, tmp_path):
    (tmp_path / "outside").write_bytes(bytes(521 * 4))
    replace_dense_bias(
        damaged, shape=(521,), dtype="float32", external=[(str(tmp_path / "outside"), 0, 521 * 4)]
    )
    assert "points to another file" in refused(damaged)


def test_a_link_to_another_file(damaged, yamnet_file):
    with h5py.File(damaged, "r+") as file:
        del file["dense/dense/bias:0"]
        file["dense/dense/bias:0"] = h5py.ExternalLink(yamnet_file, "dense/dense/bias:0")
    assert "is a link" in refused(damaged)


def test_a_gzip_bomb_is_refused(tmp_path):
    bomb = tmp_path / "yamnet.h5.gz"
    with gzip.open(bomb, "wb", compresslevel=9) as file:
        for _ in range(300):
            file.write(bytes(1 << 20))
    assert bomb.stat().st_size < 1 << 20
    assert "more than 256 MB" in refused(bomb)


def global_heap_without_sizes(path: Path) -> None:
    """Zero the first names in the file's global heap. The HDF5 library then loops forever."""
    data = bytearray(path.read_bytes())
    heap = data.index(b"GCOL")
    name = data.index(b"layer10/", heap)
    data[name - 40 : name + 300] = bytes(340)
    path.write_bytes(data)


def test_a_file_that_the_hdf5_library_never_finishes(damaged, monkeypatch):
    global_heap_without_sizes(damaged)
    monkeypatch.setattr(guard, "CPU_SECONDS", 2)
    assert "the process that read it ended with SIGXCPU after 2 s" in refused(damaged)


MACOS_RESOURCE = """
RLIM_INFINITY, RLIMIT_CPU, RLIMIT_AS, RLIMIT_CORE = -1, 0, 5, 4
def getrlimit(which):
    return RLIM_INFINITY, RLIM_INFINITY
def setrlimit(which, limits):
    if which == RLIMIT_AS:
        raise ValueError("current limit exceeds maximum limit")
"""


def test_a_good_file_is_read_where_the_system_refuses_the_memory_limit(
    yamnet_file, yamnet_weights, tmp_path, monkeypatch
):
    """macOS refuses it. The reading process has the path of this process, and so this module."""
    (tmp_path / "resource.py").write_text(MACOS_RESOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    for name, value in read_weights(yamnet_file, "yamnet").items():
        np.testing.assert_array_equal(value, yamnet_weights[name])


HEADER_LIES = {
    "longer than the file": lambda header: (1 << 62, header),
    "not JSON": lambda header: (len(header), b"{" + b"x" * (len(header) - 1)),
    "empty": lambda header: (2, b"{}"),
}


@pytest.mark.parametrize("lie", HEADER_LIES)
def test_a_safetensors_header_that_lies(lie, yamnet_weights, tmp_path):
    path = save_safetensors(tmp_path / "w.safetensors", yamnet_weights)
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    claimed, header = HEADER_LIES[lie](data[8 : 8 + length])
    path.write_bytes(claimed.to_bytes(8, "little") + header + data[8 + length :])
    assert "damaged safetensors" in refused(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data_offsets": [0, 1 << 40]}, "damaged safetensors"),
        ({"shape": [1 << 31, 1 << 31]}, "damaged safetensors"),
        ({"shape": [-1]}, "damaged safetensors"),
        ({"dtype": "I32"}, "stored as I32"),
        ({"shape": [1, 521]}, "(1, 521)"),
    ],
)
def test_a_safetensors_entry_that_lies(change, message, yamnet_weights, tmp_path):
    path = save_safetensors(tmp_path / "w.safetensors", yamnet_weights)
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header["predictions/bias"].update(change)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length :])
    assert message in refused(path)


def test_a_safetensors_file_without_a_weight(yamnet_weights, tmp_path):
    weights = dict(yamnet_weights)
    del weights["layer7_pointwise/kernel"]
    path = save_safetensors(tmp_path / "w.safetensors", weights)
    assert "has no weight layer7_pointwise/kernel" in refused(path)


def test_the_fuzzer_finds_nothing_in_a_few_cases():
    command = [sys.executable, "-m", "scripts.stress.fuzz_weights", "--cases", "6", "--seed", "3"]
    done = subprocess.run(
        [*command, "--kinds", "hdf5,gzip"],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failures" in done.stdout
