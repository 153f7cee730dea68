"""Judge students on the starters' synthetic tasks, beside the starters.

    python -m scripts.holistic synthetic --weights RUN0/holistic.safetensors --out scores.json

Tasks and probes are those of `scripts.starter judge`: linear probes with three seeds. Another name
for --draw draws other clips, for the last word after a training.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from hear_openl3_yamnet.config.presets import get_preset
from hear_openl3_yamnet.files import written_whole
from hear_openl3_yamnet.weights.finding import locate
from hear_openl3_yamnet.weights.reading import read_weights
from scripts.starter.judge import PROBE_SEEDS, embedder, log_mels, probe
from scripts.starter.probe_tasks import NAMES, make_tasks

OTHERS = ("yamnet-starter", "openl3-mel128-starter", "openl3-lite")


def embedders(weights: list[Path], others: list[str]) -> dict[str, tuple[str, Any]]:
    """Return the front end and the embedding function of each network, by name."""
    found = {}
    for name in others:
        preset = get_preset(name)
        network = preset.backbone.NAME
        path = locate(preset.weights_name)
        found[name] = (preset.front_end.name, embedder(network, read_weights(path, network)))
    for path in weights:
        found[path.parent.name] = ("mel128", embedder("holistic", read_weights(path, "holistic")))
    return found


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("--weights", type=Path, nargs="+", required=True)
    parser.add_argument("--other", nargs="*", choices=OTHERS, default=list(OTHERS))
    parser.add_argument("--task", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--size", type=float, default=1.0, help="factor on the number of clips")
    parser.add_argument("--draw", default="evaluation")
    parser.add_argument("--out", type=Path, required=True, help="JSON file for the scores")


def main(arguments: argparse.Namespace) -> None:
    """Judge, and write the scores."""
    networks = embedders(arguments.weights, arguments.other)
    scores: dict[str, dict[str, list[float]]] = {}
    for name in arguments.task:
        task = make_tasks(arguments.size, (name,), arguments.draw)[name]
        clips = [clips for clips, _ in (task.train, task.test)]
        windows = {end: [log_mels(c, end) for c in clips] for end, _ in networks.values()}
        for network, (end, embed) in networks.items():
            pair = [embed(some) for some in windows[end]]
            found = [round(probe(task, *pair, seed), 4) for seed in PROBE_SEEDS]
            scores.setdefault(network, {})[name] = found
            print(f"{network:22s} {name:12s} {np.mean(found):.3f}", flush=True)
    about = {"size": arguments.size, "draw": arguments.draw, "scores": scores}
    with written_whole(arguments.out) as partial:
        partial.write_text(json.dumps(about, indent=1) + "\n")
