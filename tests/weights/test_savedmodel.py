"""YAMNet's weights from a SavedModel that is made as the published one is."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from hear_openl3_yamnet import load_model
from hear_openl3_yamnet.errors import WeightsDownloadError, WeightsFormatError
from hear_openl3_yamnet.weights.formats import savedmodel
from hear_openl3_yamnet.weights.reading import read_source, read_weights, weight_shapes
from hear_openl3_yamnet.weights.tensorflow_hub import resolve_handle

from ..seeded_audio import NAMES, clip
from ..seeded_weights import write_yamnet
from .seeded_registry import HASTE
from .server import WeightsServer

pytestmark = pytest.mark.slow  # TensorFlow and Keras 2 take long to write one

DATA = Path(__file__).parents[1] / "data" / "yamnet_seed7.npz"
MAKER = Path(__file__).with_name("yamnet_saved_model.py")


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory) -> Path:
    return write_yamnet(tmp_path_factory.mktemp("seeded") / "yamnet.h5")


@pytest.fixture(scope="module")
def saved_model(weights_file, tmp_path_factory) -> Path:
    """A SavedModel whose weights Keras 2 reads from the seeded file and TensorFlow names."""
    folder = tmp_path_factory.mktemp("hub") / "yamnet"
    command = [sys.executable, str(MAKER), str(weights_file), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def test_the_variables_are_the_files_weights(saved_model, weights_file):
    expected = read_weights(weights_file, "yamnet")
    weights = savedmodel.read_saved_model(saved_model, weight_shapes("yamnet"))
    assert list(weights) == list(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(weights[name], value)


@pytest.mark.parametrize("by_key", [False, True])
def test_either_of_a_variables_names_is_enough(by_key, saved_model):
    _, variables = savedmodel._open_checkpoint(saved_model)
    keys = savedmodel._match(saved_model, variables, weight_shapes("yamnet"), by_key=by_key)
    assert len(set(keys.values())) == 110
    assert keys["layer10_pointwise/kernel"].startswith("_yamnet/layer_with_weights-36/kernel")


def relative_error(found: np.ndarray, expected: np.ndarray) -> float:
    return float(
        (np.linalg.norm(found - expected, axis=-1) / np.linalg.norm(expected, axis=-1)).max()
    )


def test_its_embeddings_are_the_published_codes(saved_model):
    """The published windows start every 0.48 s; ours are centred."""
    model = load_model(str(saved_model))
    assert model.weights_id.startswith("file:yamnet@")
    window, hop = 15_600, 7_680
    published = np.load(DATA)
    for name in NAMES:
        audio = clip(name, 16_000, 2.5)
        windows = np.stack([audio[i * hop : i * hop + window] for i in range(4)])
        found = embed_windows(model, windows)
        bound = 3e-2 if name == "pure" else 1e-4
        assert relative_error(found, published[f"{name}_embedding"]) < bound, name


def embed_windows(model, windows: np.ndarray) -> np.ndarray:
    """Embed windows as separate clips, and return the embeddings centred on their middle."""
    from keras import ops

    from hear_openl3_yamnet import get_timestamp_embeddings

    centre_ms = 1000 * windows.shape[1] / 2 / model.sample_rate
    embeddings, timestamps = get_timestamp_embeddings(windows, model, hop_size=centre_ms)
    np.testing.assert_allclose(ops.convert_to_numpy(timestamps)[0], [0.0, centre_ms])
    return ops.convert_to_numpy(embeddings)[:, 1]


def test_every_option_works_on_it(saved_model, weights_file):
    options = {"hop_size": 100.0, "pooling": "max", "layers": ["layer7", "layer14"]}
    audio = clip("notes", 16_000, 1.0)[None]
    from keras import ops

    from hear_openl3_yamnet import get_scene_embeddings

    found, expected = (
        ops.convert_to_numpy(get_scene_embeddings(audio, load_model(str(path), **options)))
        for path in (saved_model, weights_file)
    )
    np.testing.assert_array_equal(found, expected)


@pytest.fixture
def hub(saved_model, tmp_path, monkeypatch):
    """A server with the SavedModel, packed as on tensorflow-hub, and an empty hub cache."""
    served = tmp_path / "served"
    (served / "google" / "yamnet").mkdir(parents=True)
    with tarfile.open(served / "google" / "yamnet" / "1", "w:gz") as archive:
        archive.add(saved_model, arcname=".")
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "hub-cache"))
    monkeypatch.delenv("HEAR_OPENL3_YAMNET_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = WeightsServer(served)
    yield server
    server.close()


def test_a_handle_is_resolved_by_tensorflow_hub(hub, weights_file, monkeypatch):
    handle = f"{hub.address}/good/google/yamnet/1"
    model = load_model(handle)
    assert model.weights_id.startswith(f"file:{handle}@")
    weights, _ = read_source(handle, "yamnet")
    for name, value in read_weights(weights_file, "yamnet").items():
        np.testing.assert_array_equal(weights[name], value)
    assert hub.requests["good"] == 1
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_OFFLINE", "1")
    assert resolve_handle(handle).is_dir()


def test_offline_a_handle_is_not_asked_for(hub, monkeypatch):
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_OFFLINE", "1")
    with pytest.raises(WeightsDownloadError, match="OFFLINE forbids the network"):
        resolve_handle(f"{hub.address}/good/google/yamnet/1")
    assert not hub.requests


@pytest.mark.parametrize(
    ("behaviour", "requests"),
    [("missing", 1), ("truncated", 3), ("stall", 3), ("cut", 3)],
)
def test_a_handle_that_cannot_be_downloaded(behaviour, requests, hub):
    handle = f"{hub.address}/{behaviour}/google/yamnet/1"
    with pytest.raises(WeightsDownloadError, match=f"try {requests} of 3"):
        resolve_handle(handle, HASTE)
    assert hub.requests[behaviour] == requests


def test_a_handle_with_wrong_bytes(hub):
    """No digest of it is published, but TensorFlow's checkpoints have checksums."""
    with pytest.raises((WeightsDownloadError, WeightsFormatError)):
        read_source(f"{hub.address}/wrong/google/yamnet/1", "yamnet")


def test_a_handle_after_two_failures(hub):
    handle = f"{hub.address}/failing-twice/google/yamnet/1"
    assert savedmodel.is_saved_model(resolve_handle(handle, HASTE))


def test_a_folder_without_a_saved_model(tmp_path):
    with pytest.raises(WeightsFormatError, match=r"it has no saved_model\.pb"):
        load_model(str(tmp_path), model="yamnet")


def test_openl3_is_no_saved_model(tmp_path):
    with pytest.raises(WeightsFormatError, match="only YAMNet"):
        load_model(str(tmp_path), model="openl3-mel128-env")


def test_a_truncated_saved_model(saved_model, tmp_path):
    damaged = copy_folder(saved_model, tmp_path / "damaged")
    data = damaged / "variables" / "variables.data-00000-of-00001"
    data.write_bytes(data.read_bytes()[:1_000_000])
    with pytest.raises(WeightsFormatError, match="cannot be read"):
        savedmodel.read_saved_model(damaged, weight_shapes("yamnet"))


def test_a_saved_model_without_variables(saved_model, tmp_path):
    damaged = copy_folder(saved_model, tmp_path / "damaged")
    (damaged / "variables" / "variables.index").unlink()
    with pytest.raises(WeightsFormatError, match="cannot be read"):
        savedmodel.read_saved_model(damaged, weight_shapes("yamnet"))


def test_a_saved_model_of_something_else(tmp_path):
    import tensorflow as tf

    module = tf.Module()
    module.kernel = tf.Variable(tf.zeros((3, 3, 1, 32)), name="layer1/conv/kernel")
    tf.saved_model.save(module, str(tmp_path))
    with pytest.raises(WeightsFormatError, match="1 layers with weights; YAMNet has 55"):
        savedmodel.read_saved_model(tmp_path, weight_shapes("yamnet"))


def copy_folder(source: Path, target: Path) -> Path:
    import shutil

    return Path(shutil.copytree(source, target))
