"""Enter the starter weights into weights/registry.json: their digests and sizes.

    python -m scripts.starter register

To be run whenever weights/starter-*.safetensors has changed; tests/weights/test_shipped.py fails
until then.
"""

import argparse
import json
from pathlib import Path

from hear_openl3_yamnet.weights.receipts import sha256

WEIGHTS = Path(__file__).parents[2] / "weights"
NETWORKS = {"openl3-mel128": "openl3", "yamnet": "yamnet"}


def entry(path: Path, network: str) -> dict:
    return {
        "network": network,
        "file": path.name,
        "url": None,
        "size": path.stat().st_size,
        "digests": [f"sha256:{sha256(path)}"],
        "licence": "CC BY 4.0",
        "licence_url": "https://creativecommons.org/licenses/by/4.0/",
        "citation": f"The hear-openl3-yamnet developers: starter weights {path.stem}, 2026. "
        "weights/STARTER.md.",
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes: nothing."""


def main(arguments: argparse.Namespace) -> None:
    """Enter the files that are in weights/."""
    registry = WEIGHTS / "registry.json"
    listed = json.loads(registry.read_text(encoding="utf-8"))
    for name, network in NETWORKS.items():
        path = WEIGHTS / f"starter-{name}.safetensors"
        listed["files"][f"{name}-starter"] = entry(path, network)
        print(f"{name}-starter: {path.stat().st_size} bytes, sha256 {sha256(path)}")
    registry.write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")
