"""The starter weights: loaded by name, and where nothing is named and nothing can be fetched."""

import json
import os
import shutil
import socket
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from hear_openl3_yamnet import (
    OptionError,
    StarterWeightsWarning,
    WeightsNotFoundError,
    get_timestamp_embeddings,
    load_model,
    loading,
)
from hear_openl3_yamnet.audio.files import load_audio
from hear_openl3_yamnet.weights import carrying, finding
from hear_openl3_yamnet.weights.convert import convert
from hear_openl3_yamnet.weights.registry import get_entry
from tests import program
from tests.comparing import numpy
from tests.seeded_weights import write_openl3
from tests.starter_registry import PUBLISHED, STARTERS, environment, sha256, write_registry
from tests.weights.server import WeightsServer

RECORDING = Path(__file__).parents[2] / "docs" / "recordings" / "speech-and-notes.flac"
OPENL3, YAMNET, HOLISTIC = "openl3-mel128-starter", "yamnet-starter", "holistic"
EACH = pytest.mark.parametrize("name", STARTERS)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A folder with a seeded file under the published name."""
    folder = tmp_path_factory.mktemp("published")
    write_openl3(folder / PUBLISHED)
    return folder


@pytest.fixture(scope="module")
def server(published):
    server = WeightsServer(published)
    yield server
    server.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, published, server):
    """A folder with starter weights and a registry that sends for the published ones."""
    folder = tmp_path_factory.mktemp("starter")
    write_registry(folder, f"{server.address}/good", sha256(published / PUBLISHED))
    return folder


@pytest.fixture(autouse=True)
def cache(folder, tmp_path, monkeypatch):
    """An empty cache and that registry; the network is forbidden, as in all tests."""
    cache = tmp_path / "cache"
    for variable, value in environment(folder / "registry.json", cache).items():
        monkeypatch.setenv(variable, value)
    return cache


@pytest.fixture
def online(monkeypatch):
    monkeypatch.delenv("HEAR_OPENL3_YAMNET_OFFLINE")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def starter_id(folder, name):
    return f"starter:{name}@" + sha256(folder / STARTERS[name][1])


def test_nothing_named_and_no_network(folder, tmp_path):
    with pytest.warns(StarterWeightsWarning) as caught:
        model = load_model()
    assert len(caught) == 1
    assert caught[0].filename == __file__
    for part in (
        "HEAR_OPENL3_YAMNET_OFFLINE forbids the network",
        "holistic is loaded instead: One small network on 128 mel bands, taught here",
        "The embeddings are different",
        "hear-openl3-yamnet weights fetch openl3-mel256-music",
    ):
        assert part in str(caught[0].message)
    assert (model.name, model.weights_id) == (HOLISTIC, starter_id(folder, HOLISTIC))
    assert (model.sample_rate, model.timestamp_embedding_size) == (48_000, 1024)
    assert HOLISTIC in repr(model)
    model.save_config(tmp_path / "saved.json")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again, by_name = load_model(tmp_path / "saved.json"), load_model(HOLISTIC)
    audio = load_audio(RECORDING, 48_000)[None, :24_000]
    expected = numpy(get_timestamp_embeddings(audio, model, 250.0)[0])
    assert np.ptp(expected) > 0
    np.testing.assert_array_equal(numpy(get_timestamp_embeddings(audio, again, 250.0)[0]), expected)
    for same in (again, by_name):
        assert (same.config, same.weights_id) == (model.config, model.weights_id)


@pytest.mark.filterwarnings("ignore::hear_openl3_yamnet.StarterWeightsWarning")
def test_options_alone_name_nothing(tmp_path):
    (tmp_path / "options.json").write_text(json.dumps({"hop_size": 100}))
    assert load_model(tmp_path / "options.json").name == HOLISTIC
    assert load_model(embedding_size=6144).timestamp_embedding_size == 6144  # an option of OpenL3
    assert load_model(embedding_size=512).name == OPENL3
    assert load_model(layers="conv5", pooling="mean").name == HOLISTIC


@pytest.mark.parametrize(
    "named",
    [
        {"model": "openl3-mel256-music"},
        {"model_file_path": "openl3-mel256-music"},
        {"weights": "published"},
        {"networks": [{}]},
        {"model": "openl3-mel256-music+yamnet-starter"},
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_is_named_is_never_replaced(named):
    with pytest.raises(WeightsNotFoundError, match="openl3-mel256-music is not on this machine"):
        load_model(**named)


@pytest.mark.filterwarnings("error")
def test_wrong_options_are_refused_before_anything_is_looked_for():
    with pytest.raises(OptionError, match="pooling must be one of"):
        load_model(pooling="median")


@pytest.mark.filterwarnings("error")
def test_published_weights_are_taken_where_they_can_be_had(online, published, cache, monkeypatch):
    assert loading.preset_to_load() == "openl3-mel256-music"
    assert (cache / PUBLISHED).read_bytes() == (published / PUBLISHED).read_bytes()
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_OFFLINE", "1")
    assert load_model().weights_id.startswith("published:openl3-mel256-music@")


@pytest.mark.parametrize(
    ("behaviour", "cause"),
    [
        ("missing", "404"),
        ("wrong", "is not the published file"),  # a gateway's own page, say
        ("silent", r"silent for 0\.5 s|within 0\.5 s"),
        ("stall", r"silent for 0\.5 s"),
    ],
)
def test_why_they_cannot_be_had(behaviour, cause, online, server, cache, monkeypatch):
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_MIRROR", f"{server.address}/{behaviour}")
    monkeypatch.setattr(loading, "ANSWER_SECONDS", 0.5)
    began = time.monotonic()
    with pytest.warns(StarterWeightsWarning, match=cause):
        assert loading.preset_to_load() == HOLISTIC
    assert time.monotonic() - began < 5


def test_a_cache_that_takes_no_file(online, cache):
    cache.touch()
    with pytest.warns(StarterWeightsWarning, match="is not a folder"):
        assert loading.preset_to_load() == HOLISTIC


def test_a_machine_that_never_answers_is_waited_for_once(online, monkeypatch):
    """A full queue of connections, as behind a wall that drops packets."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        monkeypatch.setenv("HEAR_OPENL3_YAMNET_MIRROR", f"http://127.0.0.1:{full.getsockname()[1]}")
        monkeypatch.setattr(loading, "ANSWER_SECONDS", 0.5)
        began = time.monotonic()
        with pytest.warns(StarterWeightsWarning, match=r"within 0\.5 s"):
            assert loading.preset_to_load() == HOLISTIC
        assert 0.5 <= time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    ("model", "weights"),
    [
        ("openl3-mel128-env", OPENL3),
        ("openl3-mel128-music", OPENL3),
        ("hear2021-yamnet", YAMNET),
        (None, OPENL3),
        ("openl3-mel128-starter+yamnet", f"{OPENL3}+{YAMNET}"),
    ],
)
def test_starter_weights_go_with_the_presets_of_their_front_ends(model, weights, folder):
    loaded = load_model(model=model, weights="starter")
    assert loaded.name == (model or OPENL3)
    assert loaded.weights_id == "+".join(starter_id(folder, name) for name in weights.split("+"))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"model": "openl3-mel256-env", "weights": "starter"}, "for openl3-mel256-env"),
        ({"model": "yamnet+openl3-linear-env", "weights": "starter"}, "for openl3-linear-env"),
        ({"model": OPENL3, "weights": "published"}, "a preset of starter weights"),
        ({"model": YAMNET, "weights": "starter-openl3-mel128.safetensors"}, "named as weights of"),
    ],
)
def test_starter_weights_go_with_no_other(arguments, expected):
    with pytest.raises(OptionError, match=expected):
        load_model(**arguments)


@EACH
def test_a_copy_tells_its_preset_and_what_it_is(name, folder, tmp_path):
    copy = shutil.copy(folder / STARTERS[name][1], tmp_path)
    model = load_model(copy)
    assert (model.name, model.weights_id) == (name, starter_id(folder, name))


@EACH
@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_starter_weights_that_are_damaged(name, damage, folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_REGISTRY", str(tmp_path / "registry.json"))
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    file = tmp_path / STARTERS[name][1]
    file.unlink() if damage == "gone" else os.truncate(file, 1000)
    for get in (finding.fetch, load_model):
        with pytest.raises(WeightsNotFoundError, match="come with this package: install it again"):
            get(name)
    assert finding.find(name) is None
    other = {HOLISTIC: OPENL3}.get(name, HOLISTIC)
    with pytest.warns(StarterWeightsWarning, match=f"{other} is loaded instead"):
        assert load_model().name == other


def test_a_registry_without_starter_weights(tmp_path, folder, monkeypatch):
    listed = json.loads((folder / "registry.json").read_text())["files"]
    only = {name: entry for name, entry in listed.items() if entry["url"]}
    (tmp_path / "registry.json").write_text(json.dumps({"files": only}))
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_REGISTRY", str(tmp_path / "registry.json"))
    with pytest.raises(WeightsNotFoundError, match="openl3-mel256-music is not on this"):
        load_model()
    with pytest.raises(OptionError, match="no weights named 'yamnet-starter'"):
        load_model("yamnet", weights="starter")


@EACH
def test_starter_weights_are_never_fetched_imported_or_exported(name, folder, cache, tmp_path):
    path = folder / STARTERS[name][1]
    assert finding.fetch(name) == finding.locate(name) == path
    assert carrying.import_file(path) == (get_entry(name), carrying.BY_DIGEST)
    assert not cache.exists()
    with pytest.raises(WeightsNotFoundError, match="no weights on this machine to export"):
        carrying.weights_here()


def test_a_converted_copy_tells_what_it_was(folder, tmp_path):
    path = folder / "starter-yamnet.safetensors"
    provenance = convert(path, tmp_path / "x.safetensors", "yamnet")
    assert (provenance["source"], provenance["source_sha256"]) == (YAMNET, sha256(path))
    assert (provenance["source_address"], provenance["licence"]) == ("this package", "CC BY 4.0")


def run(*arguments):
    done = program.run(*arguments)
    assert done.returncode == 0, done.stderr
    return done


def test_embed_warns_once(folder, tmp_path):
    done = run("embed", RECORDING, "-o", tmp_path / "x.npz", "--hop-size", "500")
    assert done.stderr.count("Warning:") == 1
    assert "\nWarning: no model was named" in f"\n{done.stderr}"
    with np.load(tmp_path / "x.npz") as written:
        assert written["weights_id"] == starter_id(folder, HOLISTIC)
        assert json.loads(str(written["config"]))["weights"] == "starter"


@EACH
def test_commands_tell_where_starter_weights_are(name, folder):
    path = folder / STARTERS[name][1]
    assert f"{name}: {path}" in run("weights", "fetch", name).stdout
    (row,) = [r for r in run("weights", "list").stdout.splitlines() if r.startswith(name)]
    assert row.endswith(f"verified  CC BY 4.0  {path}")
    told = run("info", name).stdout
    for part in (f" {path} (this package)\n", "CC BY 4.0", f"Citation of {path.name}"):
        assert part in told
