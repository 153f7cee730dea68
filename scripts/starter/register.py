"""Enter the digests and sizes of the shipped weights into weights/registry.json.

    python -m scripts.starter register

Run it after each change of weights/*.safetensors. tests/weights/test_shipped.py fails until
then.
"""

import argparse
import json
from pathlib import Path

from hear_openl3_yamnet.files import written_whole
from hear_openl3_yamnet.weights.receipts import sha256

WEIGHTS = Path(__file__).parents[2] / "weights"
NETWORKS = {
    "starter-openl3-mel128": ("openl3-mel128-starter", "openl3", "STARTER.md"),
    "starter-yamnet": ("yamnet-starter", "yamnet", "STARTER.md"),
    "openl3-lite": ("openl3-lite", "openl3_lite", "LITE.md"),
    "holistic": ("holistic", "holistic", "HOLISTIC.md"),
}
"""Each file's name without its suffix: its name in the registry, its network, its model card."""


def entry(path: Path, network: str, card: str) -> dict:
    """Return the registry entry of a weights file."""
    return {
        "network": network,
        "file": path.name,
        "url": None,
        "size": path.stat().st_size,
        "digests": [f"sha256:{sha256(path)}"],
        "licence": "CC BY 4.0",
        "licence_url": "https://creativecommons.org/licenses/by/4.0/",
        "citation": f"The hear-openl3-yamnet developers: weights {path.stem}, 2026. "
        f"weights/{card}.",
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add no arguments: the command takes none."""


def main(arguments: argparse.Namespace) -> None:
    """Write the entries of the files in weights/."""
    registry = WEIGHTS / "registry.json"
    listed = json.loads(registry.read_text(encoding="utf-8"))
    for stem, (name, network, card) in NETWORKS.items():
        path = WEIGHTS / f"{stem}.safetensors"
        listed["files"][name] = entry(path, network, card)
        print(f"{name}: {path.stat().st_size} bytes, sha256 {sha256(path)}")
    with written_whole(registry) as partial:
        partial.write_text(json.dumps(listed, indent=2) + "\n", encoding="utf-8")
