"""Recorded outputs of the publishers are fetched, verified, and held against what is computed here.

The stand-ins are numbers that the published code gave with seeded weights (tests/data).
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from hear_openl3_yamnet import OptionError, load_model, recorded
from hear_openl3_yamnet.commands.app import app
from hear_openl3_yamnet.tagging import class_names
from hear_openl3_yamnet.weights.registry import load_registry
from tests import seeded_audio

from ..seeded_weights import write_openl3, write_yamnet
from .seeded_registry import CHIRP, file_entry, sha256_digest
from .server import WeightsServer

DATA = Path(__file__).parents[1] / "data"
OPENL3 = "openl3-mel256-music"
PATCHES = 4


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Path:
    """A folder with weights, a sound, and what the published code gave for it."""
    folder = tmp_path_factory.mktemp("served")
    write_openl3(folder / "openl3.h5")
    write_yamnet(folder / "yamnet.h5")
    sound = seeded_audio.clip("chirp", 48_000, 2.3)
    soundfile.write(folder / "chirp_44k.wav", sound, 48_000, subtype="FLOAT")
    numbers = np.load(DATA / "openl3_mel256_seed7.npz")["hear_timestamp_embeddings"]
    np.savez(folder / "openl3.npz", embedding=numbers[1])
    numbers = np.load(DATA / "yamnet_seed7.npz")
    np.savez(
        folder / "yamnet.npz",
        embeddings=numbers["chirp_embedding"],
        predictions=numbers["chirp_scores"],
    )
    return folder


@pytest.fixture
def registry(served, tmp_path, monkeypatch):
    """A registry of these files; the comparison is that of the seeded numbers."""
    server = WeightsServer(served)
    files = {
        OPENL3: ("openl3", "openl3.h5"),
        CHIRP: (None, "chirp_44k.wav"),
        f"{OPENL3}-outputs": (None, "openl3.npz"),
        "yamnet": ("yamnet", "yamnet.h5"),
        "yamnet-outputs": (None, "yamnet.npz"),
    }
    entries = {
        name: file_entry(
            network,
            f"{server.address}/good/{file}",
            [] if name == "yamnet-outputs" else [sha256_digest((served / file).read_bytes())],
        )
        for name, (network, file) in files.items()
    }
    path = tmp_path / "registry.json"
    path.write_text(json.dumps({"files": entries}))
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_REGISTRY", str(path))
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HEAR_OPENL3_YAMNET_OFFLINE")
    embedded = recorded.Embedded(f"{OPENL3}-outputs", 512, 200.0, 0)
    monkeypatch.setattr(recorded, "OPENL3", {OPENL3: embedded})
    monkeypatch.setattr(recorded, "CHECKED", (OPENL3, "yamnet"))
    likeliest = np.load(served / "yamnet.npz")["predictions"].mean(axis=0).argmax()
    sounds = {"chirp": ("yamnet-outputs", class_names()[likeliest])}
    monkeypatch.setattr(recorded, "YAMNET", sounds)
    samples = 15_600 + (PATCHES - 1) * 7_680
    monkeypatch.setattr(
        recorded, "yamnet_sound", lambda name: seeded_audio.clip(name, 16_000, 2.5)[:samples]
    )
    yield path
    server.close()


def check(*names: str):
    return CliRunner().invoke(app, ["weights", "check", *names])


def test_what_the_published_code_gave_holds(registry):
    result = check()
    assert result.exit_code == 0, result.output
    assert "3 of 3 comparisons hold; 0 not made" in result.output
    for outcome in recorded.compare():
        assert outcome.holds, outcome


@pytest.mark.slow
def test_other_weights_differ(registry, served, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    other = write_openl3(tmp_path / "other.h5", seed=8)
    files = json.loads(registry.read_text())["files"]
    files[OPENL3]["digests"] = [sha256_digest(other.read_bytes())]
    registry.write_text(json.dumps({"files": files}))
    cache.mkdir()
    shutil.copy(other, cache / "openl3.h5")
    result = check(OPENL3)
    assert result.exit_code == 1
    assert f"{OPENL3}: DIFFERS" in result.output


def test_offline_the_rest_is_checked_and_what_is_missing_is_named(registry, monkeypatch):
    assert check("yamnet").exit_code == 0  # fetches it
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_OFFLINE", "1")
    result = check()
    assert result.exit_code == 0
    assert f"{OPENL3}: not compared" in result.output
    assert "openl3-mel256-music-outputs is not on this machine" in result.output
    assert "2 of 2 comparisons hold; 1 not made" in result.output
    assert check(OPENL3).exit_code == 1


def test_with_nothing_on_the_machine_nothing_holds(registry, monkeypatch):
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_OFFLINE", "1")
    result = check()
    assert result.exit_code == 1
    assert "0 of 0 comparisons hold; 2 not made" in result.output


def test_recorded_outputs_that_are_something_else(registry, served, tmp_path):
    cache = tmp_path / "cache"
    check("yamnet")
    (cache / "yamnet.npz").write_text("<html>404</html>")
    files = json.loads(registry.read_text())["files"]
    files["yamnet-outputs"]["digests"] = [sha256_digest(b"<html>404</html>")]
    registry.write_text(json.dumps({"files": files}))
    result = check("yamnet")
    assert result.exit_code == 1
    assert "has no recorded embeddings" in result.output


def test_names_without_recorded_outputs_are_refused():
    with pytest.raises(OptionError, match="recorded outputs for openl3-mel256-music"):
        list(recorded.compare(["openl3-mel128-music"]))


def test_yamnets_sounds():
    noise = recorded.yamnet_sound("random")
    assert (noise.shape, noise.dtype) == ((48_000,), np.float32)
    np.random.seed(51773)  # noqa: NPY002 (as YAMNet's test draws it)
    np.testing.assert_array_equal(noise[:5], np.float32(np.random.uniform(-1, 1, 5)))  # noqa: NPY002
    assert not recorded.yamnet_sound("zeros").any()


def test_the_registry_lists_what_is_compared():
    names = [recorded.CHIRP, *(e.outputs for e in recorded.OPENL3.values())]
    names += [outputs for outputs, _ in recorded.YAMNET.values()]
    entries = load_registry()
    assert all(entries[name].network is None for name in names)
    assert {name for name, entry in entries.items() if entry.network is None} == set(names)
    assert [name for name in names if not entries[name].digests] == [
        "yamnet-recorded-zeros",
        "yamnet-recorded-random",
        "yamnet-recorded-sine",
    ]


@pytest.mark.parametrize(("sound", "rank"), [("zeros", 1), ("random", 1), ("sine", 6)])
def test_yamnet_in_8_bits_knows_its_sounds(sound, rank, shared):
    model = load_model(shared("real/yamnet_dynamic_range.tflite"))
    _, wanted = recorded.YAMNET[sound]
    _, scores = recorded.patches(model, recorded.yamnet_sound(sound))
    clip = scores.mean(axis=0)
    assert 1 + (clip > clip[class_names().index(wanted)]).sum() == rank


def test_openl3s_recorded_outputs_have_the_windows_that_are_compared(shared):
    for file, windows, size, hop in (
        ("chirp_44k_kapre.npz", 16, 6144, 0.1),
        ("chirp_44k_kapre_linear.npz", 3, 512, 0.5),
    ):
        with np.load(shared(f"published/{file}")) as arrays:
            assert arrays["embedding"].shape == (windows, size)
            np.testing.assert_allclose(arrays["timestamps"], np.arange(windows) * hop)
