"""Cross networks, heads, scene poolings and ensembles on tasks in HEAR's format.

    python -m scripts.measure.task_study --weights random --tasks FOLDER [--minutes 8]

FOLDER is what `hear-openl3-yamnet tasks make FOLDER` wrote, or any folder of tasks in HEAR's
format. Each network runs once for all its heads. Two probes learn from each embedding (logistic
regression, and two hidden layers of 512 and 128 units), in the same way for all. Results are kept
in the cache, so that an interrupted study continues where it stopped. The output folder gets
README.md, results.jsonl, tables and figures.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import sys
from pathlib import Path

import numpy as np

from hear_openl3_yamnet.config.configuring import configure
from hear_openl3_yamnet.config.presets import get_preset
from hear_openl3_yamnet.labelled.dataset import Dataset
from hear_openl3_yamnet.labelled.task_folders import TaskFolder, find_tasks, read_task
from hear_openl3_yamnet.npz import save_npz
from hear_openl3_yamnet.study.cross import cross
from hear_openl3_yamnet.study.probes import PROBES

from .crossed import crossed
from .report import write_report
from .results import Results
from .untrained import calibrated, digest

N_CALIBRATING_PER_TASK = 16
RANDOM_SEED = 0

Weights = tuple[dict[str, np.ndarray], str]
"""A network's weights, and their id."""


def main() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("hear_openl3_yamnet.study").setLevel(logging.INFO)
    arguments = parse_arguments()
    tasks = chosen_tasks(arguments)
    datasets = [task.dataset() for task in tasks]
    networks = load_networks(arguments, datasets)
    results = []
    for dataset in datasets:
        variants = [
            variant
            for variant in crossed(list(networks), of_events=dataset.of_events)
            if not {variant.name, variant.subject} & set(arguments.skip)
        ]
        results += cross(
            dataset, variants, arguments.cache, list(PROBES), lambda o: networks[o.model]
        )
    ids = {name: weights_id for name, (_, weights_id) in networks.items()}
    write_report(arguments.out, Results(results), tasks, ids, arguments)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--weights",
        default="published",
        help="published, starter, random, or a folder with weights files (default: published)",
    )
    parser.add_argument("--tasks", type=Path, required=True, help="folder of tasks")
    parser.add_argument("--out", type=Path, default=Path("docs/study"))
    parser.add_argument("--cache", type=Path, default=Path("study-cache"))
    parser.add_argument(
        "--minutes", type=float, help="of sound of each task at the most, drawn from its clips"
    )
    parser.add_argument(
        "--networks", nargs="+", metavar="PRESET", help="only these; default: all there are"
    )
    parser.add_argument(
        "--skip", nargs="+", default=[], metavar="NAME", help="variants or subjects to leave out"
    )
    return parser.parse_args()


def chosen_tasks(arguments: argparse.Namespace) -> list[TaskFolder]:
    """Read the tasks, and keep as many minutes of each as asked for."""
    tasks = [read_task(path) for path in find_tasks(arguments.tasks)]
    if not tasks:
        sys.exit(f"There is no task in {arguments.tasks}: hear-openl3-yamnet tasks make FOLDER")
    if arguments.minutes is None:
        return tasks
    seconds = 60 * arguments.minutes
    return [task.limited(min(1.0, seconds / task.dataset().seconds())) for task in tasks]


def load_networks(arguments: argparse.Namespace, datasets: list[Dataset]) -> dict[str, Weights]:
    """Load the networks that the weights are for, by preset."""
    from hear_openl3_yamnet.weights.finding import locate
    from hear_openl3_yamnet.weights.reading import read_source

    kind = arguments.weights
    files: dict[str, Path] = {}
    if kind == "random":
        # music and env are one network under random weights: another seed, no more
        names = ["openl3-mel128-music", "openl3-mel256-music", "yamnet"]
    elif kind == "starter":
        names = ["openl3-mel128-starter", "yamnet-starter"]
    else:
        names = [f"openl3-{i}-{c}" for i in ("mel128", "mel256") for c in ("music", "env")]
        names.append("yamnet")
    if kind not in ("random", "starter", "published"):
        files = weights_files(Path(kind), names)
        names = list(files)
    networks = {}
    for name in arguments.networks or names:
        preset = get_preset(name)
        if kind == "random":
            networks[name] = untrained(name, arguments.cache, datasets)
            continue
        path = files.get(name) or locate(
            str(preset.starter_name) if kind == "starter" else preset.weights_name
        )
        networks[name] = read_source(path, preset.backbone.NAME)
    return networks


def weights_files(folder: Path, names: list[str]) -> dict[str, Path]:
    """Find weights by the published files' names, or the presets'."""
    found = {}
    for name in names:
        stems = (name, name.replace("openl3-", "openl3_audio_").replace("-", "_"))
        files = [p for p in sorted(folder.iterdir()) if p.name.startswith(stems)]
        if files:
            found[name] = files[0]
    if not found:
        sys.exit(f"{folder} holds no weights file named as one of {', '.join(names)}.")
    return found


def untrained(name: str, cache: Path, datasets: list[Dataset]) -> Weights:
    """Draw a network's weights, its batch norms calibrated on training clips without labels."""
    of_data = hashlib.sha256("".join(d.digest() for d in datasets).encode()).hexdigest()
    path = cache / f"random-{RANDOM_SEED}-{name}-{of_data[:16]}.npz"
    if path.exists():
        with np.load(path) as arrays:
            weights = dict(arrays)
    else:
        options = configure(name, weights="random")
        drawn = options.backbone.random_weights(RANDOM_SEED)
        clips = [
            dataset.clips[number].audio(options.preset.sample_rate)
            for dataset in datasets
            for number in first_training_clips(dataset)
        ]
        weights = calibrated(options, drawn, clips)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_npz(path, **weights)
    return weights, f"random:{RANDOM_SEED}, calibrated@{digest(weights)[:12]}"


def first_training_clips(dataset: Dataset) -> np.ndarray:
    """Return the numbers of the first clips of the first training split."""
    return dataset.folds[0].inner[0].train[:N_CALIBRATING_PER_TASK]


if __name__ == "__main__":
    main()
