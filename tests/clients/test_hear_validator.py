"""HEAR's own validator on models of every kind, first of all as a process, as its users run it."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import starter_registry
from tests.seeded_weights import write_openl3, write_yamnet

pytest.importorskip("hearvalidator", reason="hear-validator is not there; scripts/test.sh has it")

BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
pytestmark = pytest.mark.skipif(
    BACKEND == "jax", reason="HEAR's tools know TensorFlow's and PyTorch's modules only"
)

REMINDER = "IMPORTANT: A common bug we have seen in many codebases"
WARNING = r"\w*Warning: |^WARNING|^W\d{4} "  # Python's, logging's and TensorFlow's own
TENSORFLOW_LOG = "All log messages before absl::InitializeLog() is called"


def validate(*arguments, warning=None, **environment):
    """Run the validator; it must pass, and warn of nothing but this and its standing reminder."""
    command = Path(sys.executable).with_name("hear-validator")
    done = subprocess.run(
        [command, "hear_openl3_yamnet", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr
    return checked(done.stdout, done.stderr, warning)


def checked(printed, errors, warning=None):
    assert printed.endswith("Looks good!\n")
    warned = [line for line in errors.splitlines() if re.search(WARNING, line)]
    warned = [line for line in warned if TENSORFLOW_LOG not in line]
    expected = [part for part in (warning, REMINDER) if part]
    assert len(warned) == len(expected), errors
    for part in expected:
        assert part in errors
    return printed


@pytest.fixture
def validate_here(monkeypatch, capfd, recwarn):
    """Return `validate`, run in this process, which has TensorFlow and PyTorch already."""

    from hearvalidator.validate import main

    def run(*arguments):
        command = ["hear-validator", "hear_openl3_yamnet", *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", command)
        main()
        printed, errors = capfd.readouterr()
        shown = [w for w in recwarn if not issubclass(w.category, DeprecationWarning)]
        warned = "\n".join(f"{w.category.__name__}: {w.message}" for w in shown)
        return checked(printed, errors + warned)

    return run


@pytest.mark.parametrize(
    ("file", "write", "size"),
    [
        pytest.param(
            "yamnet.h5", write_yamnet, 1024, marks=[pytest.mark.backends, pytest.mark.slow]
        ),
        pytest.param("openl3_audio_mel128_env.h5", write_openl3, 512, marks=pytest.mark.slow),
    ],
)
def test_passes_with_a_file_whose_name_tells_the_network_and_a_device(tmp_path, file, write, size):
    device = {"tensorflow": "CPU:0", "torch": "cpu"}[BACKEND]
    printed = validate("-m", write(tmp_path / file), "-d", device)
    assert device in printed
    assert f"scene_embedding_size: {size}" in printed
    assert f"timestamp_embedding_size: {size}" in printed


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("yamnet", 1024),
        pytest.param("openl3-mel256-music", 512, marks=pytest.mark.slow),
        ("hear2021-yamnet", 1024),
    ],
)
def test_passes_with_the_untrained_network_of_a_configuration_file(
    validate_here, tmp_path, model, size
):
    file = tmp_path / "configuration.json"
    file.write_text(json.dumps({"model": model, "weights": "random:1"}))
    printed = validate_here("-m", file)
    assert f"scene_embedding_size: {size}" in printed


@pytest.mark.parametrize(
    ("options", "size", "scene_size"),
    [
        ({"pooling": "gem", "grid": [2, 3]}, 6144, 6144),
        ({"time": "frame", "grid": ["all", 1], "hop_size": 40}, 2048, 2048),
        ({"layers": ["logmel", "layer12"], "pooling": "max+mean"}, 1026, 1026),
        ({"pooling": "fusion"}, 4096, 4096),
        pytest.param(
            {"subsampling": "blur", "scene_pooling": "percentiles"},
            1024,
            3072,
            marks=pytest.mark.slow,
        ),
        ({"model": "yamnet+yamnet", "networks": [{}, {"window_size": 495}]}, 2048, 2048),
        pytest.param(
            {"model": "openl3-mel128-env", "time": "frame", "grid": ["all", 1]},
            8192,
            8192,
            marks=pytest.mark.slow,
        ),
    ],
    ids=["pooling", "frame", "layers", "fusion", "subsampling", "ensemble", "openl3-frame"],
)
def test_passes_with_a_model_of_each_kind(validate_here, tmp_path, options, size, scene_size):
    file = tmp_path / "configuration.json"
    file.write_text(json.dumps({"model": "yamnet", "weights": "random:1", **options}))
    printed = validate_here("-m", file)
    assert f"timestamp_embedding_size: {size}" in printed
    assert f"scene_embedding_size: {scene_size}" in printed


@pytest.mark.slow
def test_passes_with_the_default_preset_from_the_cache(tmp_path):
    cache = tmp_path / "cache"
    cache.mkdir()
    published = write_openl3(cache / "openl3_audio_mel256_music-v0_4_0.h5")
    entry = {
        "network": "openl3",
        "file": published.name,
        "url": "https://example.org/" + published.name,
        "digests": ["sha256:" + hashlib.sha256(published.read_bytes()).hexdigest()],
        "licence": "none",
        "licence_url": "none",
        "citation": "none",
    }
    registry = tmp_path / "registry.json"
    registry.write_text(json.dumps({"files": {"openl3-mel256-music": entry}}))
    printed = validate(
        HEAR_OPENL3_YAMNET_CACHE=str(cache), HEAR_OPENL3_YAMNET_REGISTRY=str(registry)
    )
    assert "No weight file provided. Using default" in printed
    assert "published:openl3-mel256-music@" in printed


@pytest.mark.slow
def test_passes_with_nothing_named_and_no_network(tmp_path):
    registry = starter_registry.write_registry(tmp_path, "https://example.org")
    printed = validate(
        warning="StarterWeightsWarning: no model was named",
        **starter_registry.environment(registry, tmp_path / "cache"),
    )
    assert "starter:holistic@" in printed
