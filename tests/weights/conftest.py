"""A test registry of seeded files, a server on loopback that has them, and a cache folder."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from ..seeded_weights import write_openl3, write_yamnet
from .seeded_registry import PACKED, PACKED_PINNED, registry_files
from .server import WeightsServer
from .tflite_files import write_tflite


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with seeded files under the published names."""
    folder = tmp_path_factory.mktemp("published")
    write_yamnet(folder / "yamnet.h5")
    for name, seed in ((PACKED, 7), (PACKED_PINNED, 8)):
        unpacked = write_openl3(folder / "unpacked.h5", seed=seed).read_bytes()
        (folder / name).write_bytes(gzip.compress(unpacked, compresslevel=1))
    (folder / "chirp_44k.wav").write_bytes(b"RIFF, for files that are no weights")
    return folder


@pytest.fixture(scope="session")
def seeded_yamnet(tmp_path_factory: pytest.TempPathFactory):
    """YAMNet's Keras model with seeded weights, and these weights."""
    from hear_openl3_yamnet.backbones import yamnet
    from hear_openl3_yamnet.backbones.folding import set_keras_weights
    from hear_openl3_yamnet.weights.reading import read_weights

    weights = read_weights(write_yamnet(tmp_path_factory.mktemp("seeded") / "yamnet.h5"), "yamnet")
    model = yamnet.keras_model()
    set_keras_weights(model, weights)
    return model, weights


@pytest.fixture(scope="session")
def yamnet_8bit(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A TFLite file of it, with kernels of 8-bit integers. One process makes it for all."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    path = folder / "my-YAMNet_8bit.tflite"
    with FileLock(folder / "my-YAMNet_8bit.lock"):
        if not path.exists():
            write_tflite(path, request.getfixturevalue("seeded_yamnet")[0], "dynamic")
    return path


@pytest.fixture(scope="session")
def server(published: Path) -> Iterator[WeightsServer]:
    server = WeightsServer(published)
    yield server
    server.close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder. The network is allowed."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_CACHE", str(folder))
    monkeypatch.delenv("HEAR_OPENL3_YAMNET_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return folder


@pytest.fixture
def registry(
    published: Path,
    server: WeightsServer,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A registry of the seeded files, with addresses where the server behaves well."""
    path = tmp_path / "registry.json"
    path.write_text(json.dumps({"files": registry_files(published, f"{server.address}/good")}))
    monkeypatch.setenv("HEAR_OPENL3_YAMNET_REGISTRY", str(path))
    return path
