"""The ``weights`` commands."""

from __future__ import annotations

import pytest

from hear_openl3_yamnet.weights import finding
from hear_openl3_yamnet.weights.receipts import content_digest
from hear_openl3_yamnet.weights.registry import load_registry
from tests import program

from ..seeded_weights import write_openl3
from .seeded_registry import PACKED, visible

OPENL3 = "openl3-mel128-env"


def run(*arguments: object, status: int = 0) -> tuple[str, str]:
    done = program.run("weights", *arguments)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout, done.stderr


def test_fetch_some_then_list_verify_and_path(registry, cache):
    out, _ = run("fetch", "yamnet", OPENL3)
    assert f"yamnet: {cache / 'yamnet.h5'}" in out
    table, _ = run("list")
    rows = {row.split()[0]: row for row in table.splitlines()}
    assert list(rows) == ["name", *load_registry()]
    for part in ("verified", "Apache-2.0", "15.3 MB", str(cache / "yamnet.h5")):
        assert part in rows["yamnet"]
    for part in ("not here", "CC BY 4.0", "http://127.0.0.1"):
        assert part in rows["openl3-mel256-music"]
    assert f"{OPENL3}: verified" in run("verify")[0]
    assert run("path", "yamnet")[0].strip() == str(cache / "yamnet.h5")


def test_fetch_all_and_a_mirror(registry, server, cache):
    _, errors = run("fetch", "--all", "--mirror", f"{server.address}/missing", status=1)
    assert errors.count("answers 404") == len(load_registry())  # a port may have these digits, too
    assert visible(cache) == []
    run("fetch", "--all", "--mirror", f"{server.address}/good/")
    assert all(finding.find(name) for name in load_registry())


def test_fetch_needs_a_name(registry):
    _, errors = run("fetch", status=2)
    assert "or --all" in errors
    _, errors = run("fetch", "vggish", status=1)
    assert "Names: openl3-mel128-env" in errors


def test_only_terminals_show_a_progress_bar(registry):
    assert run("fetch", "yamnet")[1] == ""


def test_verify_says_what_is_damaged(registry, cache):
    path = finding.fetch("yamnet")
    path.write_bytes(path.read_bytes()[:-1])
    assert "yamnet: damaged" in run("verify", status=1)[0]
    assert "damaged" in run("list")[0]
    assert f"{OPENL3}: not here" in run("verify", OPENL3, status=1)[0]


def test_path_downloads_nothing(registry, server, cache):
    server.requests.clear()
    _, errors = run("path", "yamnet", status=1)
    assert "hear-openl3-yamnet weights fetch yamnet" in errors
    assert not server.requests


def test_import_and_export(registry, published, tmp_path, monkeypatch):
    by_name = write_openl3(tmp_path / "openl3_audio_mel128_env.h5", seed=99)
    out, _ = run("import", published / "yamnet.h5", by_name)
    assert "yamnet, recognised by its digest" in out
    assert f"{OPENL3}, recognised by its name and shapes, not verified" in out
    out, _ = run("export", tmp_path / "stick")
    assert "yamnet.h5 (verified)" in out
    assert "openl3_audio_mel128_env-v0_4_0.h5 (not verified)" in out
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_CACHE", str(tmp_path / "elsewhere"))
    out, _ = run("import", *sorted((tmp_path / "stick").iterdir()))
    assert len(out.splitlines()) == 2
    _, errors = run("import", published / PACKED, tmp_path / "none.h5", status=1)
    assert "none.h5" in errors
    assert finding.weights_id(finding.find(OPENL3)).startswith(f"published:{OPENL3}@")


def test_convert_a_published_name(registry, tmp_path):
    out, _ = run("convert", "yamnet", tmp_path / "w.safetensors", "--dtype", "float16")
    digest = content_digest(finding.find("yamnet"))
    assert f"w.safetensors: float16, from yamnet@{digest}" in out


def test_convert_says_what_it_needs(registry, tmp_path):
    unnamed = write_openl3(tmp_path / "mine", seed=99)
    _, errors = run("convert", unnamed, tmp_path / "w.safetensors", status=2)
    assert "--network, one of openl3, yamnet, openl3_lite, holistic" in errors
    _, errors = run("convert", tmp_path / "openl3.h5", tmp_path / "w.safetensors", status=1)
    assert "There is no weights file" in errors


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": {"yamnet": {}}}'])
def test_an_invalid_registry(text, registry):
    registry.write_text(text)
    assert "HEAR_OPENL3_YAMNET_REGISTRY" in run("list", status=2)[1]


def test_the_packages_own_registry(monkeypatch):
    monkeypatch.delenv("HEAR_OPENL3_YAMNET_REGISTRY", raising=False)
    entries = [entry for entry in load_registry().values() if not entry.is_starter]
    assert len([entry for entry in entries if entry.network]) == 7
    for entry in entries:
        if entry.network:
            assert entry.licence == ("CC BY 4.0" if entry.network == "openl3" else "Apache-2.0")
            assert entry.digests
        assert entry.packed == (entry.network == "openl3")
        for digest in entry.digests:
            kind, _, hexadecimal = digest.partition(":")
            assert len(bytes.fromhex(hexadecimal)) == {"sha256": 32, "git": 20}[kind]
