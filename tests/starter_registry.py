"""A registry of the default preset's published file and of this package's weights, seeded."""

from __future__ import annotations

import hashlib
import json
from importlib import import_module
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from hear_openl3_yamnet.weights.registry import REGISTRY_VARIABLE

PUBLISHED = "openl3_audio_mel256_music-v0_4_0.h5"
STARTERS = {
    "openl3-mel128-starter": ("openl3", "starter-openl3-mel128.safetensors"),
    "yamnet-starter": ("yamnet", "starter-yamnet.safetensors"),
    "holistic": ("holistic", "holistic.safetensors"),
}
"""The network and the file of each."""


def write_registry(folder: Path, base: str, published_sha256: str = "0" * 64) -> Path:
    """Write the weights of this package, float16 as the real ones, and a registry beside them."""
    files = {"openl3-mel256-music": _entry("openl3", PUBLISHED, published_sha256)}
    files["openl3-mel256-music"]["url"] = f"{base}/{PUBLISHED}"
    for name, (network, file) in STARTERS.items():
        path = folder / file
        weights = import_module(f"hear_openl3_yamnet.backbones.{network}").random_weights(11)
        halves = {key: value.astype(np.float16) for key, value in weights.items()}
        save_file(halves, path, metadata={"network": network})
        files[name] = _entry(network, path.name, sha256(path))
    registry = folder / "registry.json"
    registry.write_text(json.dumps({"files": files}))
    return registry


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def environment(registry: Path, cache: Path) -> dict[str, str]:
    """Return what a process needs to use them."""
    return {REGISTRY_VARIABLE: str(registry), "HEAR_OPENL3_YAMNET_CACHE": str(cache)}


def _entry(network: str, file: str, digest: str) -> dict:
    return {
        "network": network,
        "file": file,
        "url": None,
        "digests": [f"sha256:{digest}"],
        "licence": "CC BY 4.0",
        "licence_url": "https://creativecommons.org/licenses/by/4.0/",
        "citation": f"Citation of {file}",
    }
