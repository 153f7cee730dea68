"""Weights on the Hugging Face Hub: pinned, verified, and absent offline. And how they get there."""

from __future__ import annotations

import json
import shutil
import sys

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub import constants

from hear_openl3_yamnet import load_model
from hear_openl3_yamnet.errors import (
    MissingExtraError,
    OptionError,
    WeightsDownloadError,
    WeightsIntegrityError,
    WeightsNotFoundError,
)
from hear_openl3_yamnet.weights import finding
from hear_openl3_yamnet.weights.publishing import publish
from hear_openl3_yamnet.weights.registry import load_registry, registry_path

from ..program import run
from .hub_server import REPOSITORY, REVISION, HubServer
from .seeded_registry import HASTE, git_digest, sha256_digest, visible

NAME, FILE = "openl3-lite", "openl3-lite.safetensors"
ADDRESS = f"hf://{REPOSITORY}@{REVISION}/model.safetensors"


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """What `weights publish` writes."""
    folder = tmp_path_factory.mktemp("published")
    publish(folder)
    return folder


@pytest.fixture
def hub(published, cache, tmp_path, monkeypatch):
    """A Hub that has OpenL3-lite's repository, and an empty cache of the Hub's own tools."""
    server = HubServer(published / NAME)
    # what HF_ENDPOINT sets, and HF_HUB_CACHE, where huggingface_hub is imported after it
    template = constants.HUGGINGFACE_CO_URL_TEMPLATE.replace(constants.ENDPOINT, server.address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "of the hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    yield server
    server.close()


@pytest.fixture
def entry(published, tmp_path, monkeypatch):
    """Facts of OpenL3-lite, in a registry where it is on the Hub; `enter` replaces some."""
    data = (published / NAME / "model.safetensors").read_bytes()
    facts = json.loads(registry_path().read_text())["files"][NAME]
    facts |= {"url": ADDRESS, "digests": [sha256_digest(data), git_digest(data)]}
    path = tmp_path / "registry.json"

    def enter(**changed):
        path.write_text(json.dumps({"files": {NAME: {**facts, **changed}}}))

    enter()
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_REGISTRY", str(path))
    return enter


def test_a_file_of_a_repository_is_fetched_verified_and_loaded(entry, hub, cache):
    path = finding.fetch(NAME)
    assert path == cache / FILE
    assert visible(cache) == [FILE, f"{FILE}.json"]
    assert hub.requests == [
        f"GET {REPOSITORY}/resolve/{REVISION}/model.safetensors",
        "GET storage/model.safetensors",
    ]
    assert load_model(NAME).weights_id == f"published:{NAME}@{finding.content_digest(path)}"
    assert len(hub.requests) == 2  # nothing more was asked


def test_another_file_under_the_address_is_deleted(entry, hub, cache):
    entry(digests=["sha256:" + "0" * 64])
    with pytest.raises(WeightsIntegrityError, match="expected: sha256:000"):
        finding.fetch(NAME)
    assert visible(cache) == []


@pytest.mark.parametrize(
    "url",
    [
        f"hf://{REPOSITORY}@main/model.safetensors",
        f"hf://{REPOSITORY}/model.safetensors",
        f"hf://sounds@{REVISION}/model.safetensors",
        f"hf://{REPOSITORY}@{REVISION}",
    ],
)
def test_a_revision_must_be_pinned(url, entry):
    entry(url=url)
    with pytest.raises(OptionError, match="REVISION is the commit's id of 40 hexadecimal digits"):
        load_registry()


def test_a_digest_must_be_given(entry):
    entry(digests=[])
    with pytest.raises(OptionError, match="has no digest"):
        load_registry()


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        (ADDRESS.replace("sounds", "nothing"), "401 Unauthorized: Repository not found"),
        (ADDRESS.replace(REVISION, "f" * 40), "404 Not Found: Invalid rev id"),
        (ADDRESS.replace("model", "other"), "404 Not Found: Entry not found"),
    ],
)
def test_what_the_hub_does_not_have_is_said_in_its_words(url, answer, entry, hub, cache):
    entry(url=url)
    with pytest.raises(WeightsDownloadError, match=answer):
        finding.fetch(NAME, patience=HASTE)
    assert visible(cache) == []
    assert len(hub.requests) == 1


def test_a_private_repository_gets_the_token_and_the_storage_does_not(
    entry, hub, cache, monkeypatch
):
    hub.token = "hf_secret"
    with pytest.raises(WeightsDownloadError, match="401"):
        finding.fetch(NAME, patience=HASTE)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    assert finding.fetch(NAME).is_file()
    assert "authorization" not in hub.stored_headers[-1]


def test_offline_nothing_is_asked(entry, hub, cache, monkeypatch):
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_OFFLINE", "1")
    with pytest.raises(WeightsNotFoundError, match="OFFLINE forbids the network") as caught:
        finding.locate(NAME)
    assert ADDRESS in str(caught.value)
    monkeypatch.delenv("HEAR_OPENL3_YAMNET_OFFLINE")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsDownloadError, match="HF_HUB_OFFLINE forbids the network"):
        finding.fetch(NAME)
    assert hub.requests == []


def test_the_cache_of_the_hubs_own_tools_is_used_if_its_file_is_the_right_one(
    entry, hub, cache, monkeypatch
):
    downloaded = huggingface_hub.hf_hub_download(
        REPOSITORY, "model.safetensors", revision=REVISION, endpoint=hub.address
    )
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_OFFLINE", "1")
    assert str(finding.locate(NAME)) == downloaded
    assert "Hugging Face's cache" in run("info", NAME).stdout
    entry(digests=["sha256:" + "0" * 64])
    assert finding.find(NAME) is None


def test_a_mirror_has_it_under_the_name_in_the_registry(entry, hub, cache, published, tmp_path):
    shutil.copyfile(published / NAME / "model.safetensors", published / NAME / FILE)
    try:
        assert finding.fetch(NAME, mirror=hub.storage).is_file()
    finally:
        (published / NAME / FILE).unlink()
    assert hub.requests == [f"GET storage/{FILE}"]


def test_without_the_extra_the_command_that_installs_it_is_named(entry, cache, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"hear-openl3-yamnet\[hub\]"):
        finding.fetch(NAME)


@pytest.mark.parametrize("name", ["openl3-mel128-starter", "yamnet-starter", "holistic", NAME])
def test_a_published_folder_is_a_repository(name, published):
    assert visible(published / name) == ["README.md", "config.json", "model.safetensors"]
    shipped = registry_path().with_name(load_registry()[name].file)
    assert (published / name / "model.safetensors").read_bytes() == shipped.read_bytes()
    card = huggingface_hub.ModelCard.load(published / name / "README.md")
    assert card.data.license == "cc-by-4.0"
    assert card.data.library_name == "hear-openl3-yamnet"
    assert not [link for link in card.text.split("](")[1:] if not link.startswith(("http", "#"))]


def test_the_card_has_the_results_as_metadata(published):
    card = huggingface_hub.ModelCard.load(published / "yamnet-starter" / "README.md")
    results = {result.dataset_name: result for result in card.data.eval_results}
    assert len(results) == 8
    assert results["16 unseen event types"].metric_value == 0.933  # STARTER.md, column YAMNet
    assert results["20 tags in mixtures (mAP)"].metric_type == "mean average precision"


def test_a_repository_that_the_hubs_client_downloads_is_a_model(hub, tmp_path):
    folder = huggingface_hub.snapshot_download(
        REPOSITORY, revision=REVISION, local_dir=tmp_path / "mine", endpoint=hub.address
    )
    model, shipped = load_model(f"{folder}/config.json"), load_model(NAME)
    assert model.weights_id == shipped.weights_id
    noise = np.random.default_rng(1).uniform(-0.5, 0.5, (1, 48_000)).astype(np.float32)
    np.testing.assert_array_equal(model.scene_embeddings(noise), shipped.scene_embeddings(noise))


def test_a_folder_with_files_is_not_written_to(tmp_path):
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "mine.txt").write_text("mine")
    with pytest.raises(OptionError, match="is there already"):
        publish(tmp_path)
    assert visible(tmp_path) == [NAME]
