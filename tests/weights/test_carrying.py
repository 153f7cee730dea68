"""Import and export, and the weights of an installed openl3 package."""

from __future__ import annotations

import gzip
import json
import shutil
import sys

import pytest

from hear_openl3_yamnet import load_model
from hear_openl3_yamnet.errors import (
    WeightsCacheError,
    WeightsFormatError,
    WeightsIntegrityError,
    WeightsNotFoundError,
)
from hear_openl3_yamnet.weights import carrying, finding
from hear_openl3_yamnet.weights.finding import cache_folder, look_up
from hear_openl3_yamnet.weights.receipts import content_digest
from hear_openl3_yamnet.weights.registry import load_registry

from ..program import run
from ..seeded_weights import write_openl3
from .seeded_registry import CHIRP, PACKED, PACKED_PINNED, visible

OPENL3, PINNED = "openl3-mel128-env", "openl3-mel256-music"


@pytest.fixture
def offline(registry, monkeypatch):
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_OFFLINE", "1")


def export(folder) -> None:
    assert run("weights", "export", folder).returncode == 0


def imported(path) -> tuple[str, str]:
    entry, how = carrying.import_file(path)
    return entry.name, how


@pytest.mark.parametrize(
    ("served", "name"),
    [
        ("yamnet.h5", "yamnet"),
        (PACKED, OPENL3),
        (PACKED_PINNED, PINNED),
        ("chirp_44k.wav", CHIRP),
    ],
)
def test_a_published_file_is_known_under_any_name(served, name, offline, published, tmp_path):
    path = tmp_path / "download (1)"
    shutil.copy(published / served, path)
    assert imported(path) == (name, carrying.BY_DIGEST)
    found = look_up(load_registry()[name])
    assert (found.place, found.verified) == ("cache", True)
    assert finding.locate(name) == found.path


def test_an_unpacked_file_is_known_by_its_own_digest(offline, published, tmp_path):
    path = tmp_path / "unpacked"
    path.write_bytes(gzip.decompress((published / PACKED_PINNED).read_bytes()))
    assert imported(path) == (PINNED, carrying.BY_DIGEST)


@pytest.mark.parametrize("packed", [False, True])
def test_an_openl3_file_is_known_by_name_and_shapes(packed, offline, cache, tmp_path):
    path = write_openl3(tmp_path / "openl3_audio_mel128_env.h5", seed=99)
    if packed:
        plain, path = path, tmp_path / "openl3_audio_mel128_env-v0_4_0.h5.gz"
        path.write_bytes(gzip.compress(plain.read_bytes(), 1))
    assert imported(path) == (OPENL3, carrying.BY_NAME)
    found = look_up(load_registry()[OPENL3])
    assert (found.place, found.verified) == ("cache", False)
    assert finding.weights_id(finding.locate(OPENL3)).startswith("file:openl3_audio_mel128_env")


def test_a_verified_file_takes_the_place_of_one_known_by_name(registry, cache, tmp_path):
    carrying.import_file(write_openl3(tmp_path / "openl3_audio_mel128_env.h5", seed=99))
    finding.fetch(OPENL3)
    assert look_up(load_registry()[OPENL3]).verified
    carrying.import_file(tmp_path / "openl3_audio_mel128_env.h5")
    assert look_up(load_registry()[OPENL3]).verified  # the file known by name does not replace it


def test_a_file_known_to_be_another_is_refused(offline, cache, tmp_path):
    path = write_openl3(tmp_path / "openl3_audio_mel256_music.h5", seed=99)
    with pytest.raises(WeightsIntegrityError) as caught:
        carrying.import_file(path)
    assert "expected: sha256:" in str(caught.value)
    assert f"found:    sha256:{content_digest(path)}" in str(caught.value)
    assert visible(cache) == []


def test_a_damaged_file_with_a_good_name_is_refused(offline, cache, tmp_path):
    path = write_openl3(tmp_path / "openl3_audio_mel128_env.h5")
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(WeightsFormatError, match="truncated"):
        carrying.import_file(path)
    assert visible(cache) == []


def test_a_file_that_is_not_published(offline, cache, tmp_path):
    path = write_openl3(tmp_path / "mine.h5", seed=99)
    with pytest.raises(WeightsFormatError, match="neither the digest nor the name"):
        carrying.import_file(path)
    with pytest.raises(WeightsNotFoundError, match="no file"):
        carrying.import_file(tmp_path / "nothing.h5")
    assert visible(cache) == []


def test_import_into_a_cache_that_is_a_file(offline, published, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_CACHE", str(tmp_path / "file"))
    with pytest.raises(WeightsCacheError, match="is not a folder"):
        carrying.import_file(published / "yamnet.h5")


@pytest.fixture
def carried(registry, tmp_path, monkeypatch):
    """A folder exported on a machine that fetched all files but one, and imported that one."""
    for name in ("yamnet", PINNED, CHIRP):
        finding.fetch(name)
    carrying.import_file(write_openl3(tmp_path / "openl3_audio_mel128_env.h5", seed=99))
    folder = tmp_path / "stick" / "weights"
    export(folder)
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_OFFLINE", "1")
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_CACHE", str(tmp_path / "elsewhere"))
    return folder


def test_an_exported_folder_has_the_list_and_the_licences(carried, registry):
    assert visible(carried) == sorted(
        [entry.file + end for entry in load_registry().values() for end in ("", ".json")]
        + ["LICENCES.txt", "registry.json"]
    )
    assert (carried / "registry.json").read_text() == registry.read_text()
    text = (carried / "LICENCES.txt").read_text()
    for entry in load_registry().values():
        for part in (entry.file, entry.licence, entry.citation, entry.url):
            assert part in text


def test_an_exported_folder_is_imported_elsewhere(carried):
    for path in sorted(carried.iterdir()):
        if not carrying.is_companion(path):
            name, how = imported(path)
            assert how == (carrying.BY_NAME if name == OPENL3 else carrying.BY_DIGEST)
    for entry in load_registry().values():
        assert look_up(entry).verified == (entry.name != OPENL3)


def test_a_receipt_proves_an_unpacked_file(registry, tmp_path, monkeypatch):
    """The digests of most unpacked OpenL3 files are not published: the receipt is the proof."""
    fetched = finding.fetch(OPENL3)
    export(tmp_path / "stick")
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_CACHE", str(tmp_path / "elsewhere"))
    path = tmp_path / "stick" / fetched.name
    assert imported(path) == (OPENL3, carrying.BY_DIGEST)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert imported(path) == (OPENL3, carrying.BY_NAME)
    assert look_up(load_registry()[OPENL3]).verified


def test_an_exported_folder_serves_as_the_cache(carried, monkeypatch):
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_CACHE", str(carried))
    for entry in load_registry().values():
        assert look_up(entry).verified == (entry.name != OPENL3)


def test_a_file_that_cannot_be_exported_costs_itself(registry, tmp_path):
    for name in ("yamnet", PINNED):
        finding.fetch(name)
    damaged = look_up(load_registry()["yamnet"]).path
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    folder = tmp_path / "stick"
    done = run("weights", "export", folder)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: yamnet: {damaged} is damaged")
    assert done.stdout.startswith(f"{PINNED}: ")
    assert {load_registry()[PINNED].file, "registry.json", "LICENCES.txt"} <= {*visible(folder)}
    assert load_registry()["yamnet"].citation not in (folder / "LICENCES.txt").read_text()


def test_nothing_to_export(offline, cache, tmp_path):
    with pytest.raises(WeightsNotFoundError, match="weights fetch --all"):
        carrying.weights_here()
    assert run("weights", "export", tmp_path / "stick").returncode == 1
    assert not (tmp_path / "stick").exists()


@pytest.fixture
def openl3_package(tmp_path, published, monkeypatch):
    """An installed openl3 package: weights, and a module that must not be imported."""
    folder = tmp_path / "site" / "openl3"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('openl3 was imported')")
    for served in (PACKED, PACKED_PINNED):
        name = served.replace("-v0_4_0.h5.gz", ".h5")
        (folder / name).write_bytes(gzip.decompress((published / served).read_bytes()))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    yield folder
    sys.modules.pop("openl3", None)


def test_an_installed_openl3_packages_files_are_found(offline, openl3_package):
    for name, verified in ((OPENL3, False), (PINNED, True)):
        found = look_up(load_registry()[name])
        assert found.path == openl3_package / found.path.name
        assert (found.place, found.verified) == ("openl3 package", verified)
        assert finding.locate(name) == found.path
    assert finding.weights_id(finding.locate(PINNED)).startswith(f"published:{PINNED}@")
    assert finding.weights_id(finding.locate(OPENL3)).startswith("file:openl3_audio_mel128_env.h5@")
    assert finding.find("yamnet") is None


def test_another_versions_files_are_not_taken(offline, openl3_package):
    write_openl3(openl3_package / "openl3_audio_mel256_music.h5", seed=99)
    assert finding.find(PINNED) is None
    with pytest.raises(WeightsNotFoundError, match=str(openl3_package)):
        finding.locate(PINNED)


def test_the_cache_comes_before_the_package(registry, openl3_package, cache):
    finding.fetch(OPENL3)
    assert finding.find(OPENL3).parent == cache


def test_the_platforms_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("HEAR_OPENL3_YAMNET_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # Linux; elsewhere it changes nothing
    assert cache_folder().parts[-2:] == ("hear-openl3-yamnet", "weights")
    assert not cache_folder().exists() or sys.platform != "linux"


def test_a_receipt_that_is_damaged_proves_nothing(registry, cache):
    path = finding.fetch(OPENL3)
    receipt = path.with_name(path.name + ".json")
    for text in ("", "[]", json.dumps({"name": OPENL3}), "{" * 100_000, "[" * 100_000):
        receipt.write_text(text)
        assert finding.find(OPENL3) is None


def test_a_tflite_conversion_is_used_until_the_published_file_is_there(
    offline, published, yamnet_8bit, cache
):
    assert imported(yamnet_8bit) == ("yamnet", carrying.BY_NAME)
    found = look_up(load_registry()["yamnet"])
    assert (found.path, found.verified) == (cache / "yamnet.tflite", False)
    assert load_model("yamnet").weights_id.startswith("quantised:yamnet.tflite@")
    assert imported(published / "yamnet.h5") == ("yamnet", carrying.BY_DIGEST)
    assert load_model("yamnet").weights_id.startswith("published:yamnet@")


def test_a_tflite_conversion_is_exported_and_imported_elsewhere(
    offline, yamnet_8bit, tmp_path, monkeypatch
):
    carrying.import_file(yamnet_8bit)
    export(tmp_path / "stick")
    assert "yamnet.tflite" in visible(tmp_path / "stick")
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_CACHE", str(tmp_path / "elsewhere"))
    assert imported(tmp_path / "stick" / "yamnet.tflite") == ("yamnet", carrying.BY_NAME)
    assert look_up(load_registry()["yamnet"]).path == tmp_path / "elsewhere" / "yamnet.tflite"


def test_a_tflite_conversion_that_was_damaged_later_is_absent(offline, yamnet_8bit, cache):
    carrying.import_file(yamnet_8bit)
    path = cache / "yamnet.tflite"
    path.write_bytes(path.read_bytes()[:-1])
    assert look_up(load_registry()["yamnet"]) is None


def test_a_yamnet_8bit_of_no_published_network_is_not_imported(offline, tmp_path, cache):
    (tmp_path / "yamnet.tflite").write_bytes(b"\x08\0\0\0TFL3")
    (tmp_path / "vggish.tflite").write_bytes(b"\x08\0\0\0TFL3")
    with pytest.raises(WeightsFormatError, match="damaged"):
        carrying.import_file(tmp_path / "yamnet.tflite")
    with pytest.raises(WeightsFormatError, match="neither the digest nor the name"):
        carrying.import_file(tmp_path / "vggish.tflite")
    assert visible(cache) == []
