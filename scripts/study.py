"""Cross networks, heads, scene poolings and ensembles on tasks in HEAR's format.

    python scripts/study.py --weights random --tasks FOLDER [--minutes 8] [--out docs/study]

FOLDER is what `hear-openl3-yamnet tasks make FOLDER` wrote, or any folder of tasks in HEAR's
format. Each network is run once for all its heads; two probes learn from each embedding (logistic
regression, and two hidden layers of 512 and 128 units), the same way for all. What is done is kept
in the cache, so that an interrupted study goes on where it was. The outcome is written to the
output folder: README.md, results.jsonl, tables and figures.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from study_networks import ManyHeads, calibrated, digest, pass_key, save_arrays
from study_outcomes import Outcome, probe_events, probe_scenes
from study_results import Result, Results
from study_variants import EVENT_HOP_COLUMNS, LOG_MEL, SCENE_HOP_MS, Variant, variants

from hear_openl3_yamnet import __version__
from hear_openl3_yamnet.config.configuring import configure
from hear_openl3_yamnet.config.options import Options
from hear_openl3_yamnet.config.presets import get_preset
from hear_openl3_yamnet.features import framing
from hear_openl3_yamnet.study.probes import PROBES
from hear_openl3_yamnet.study.task_folders import TaskFolder, find_tasks, read_task

N_CALIBRATING_PER_TASK = 16
RANDOM_SEED = 0
COLUMN_MS = Fraction(1936 * 1000, 48_000)  # of OpenL3's last map


@dataclass(frozen=True)
class Network:
    """A preset with its weights."""

    preset: str
    weights: dict[str, np.ndarray]
    weights_id: str


def main() -> None:
    arguments = parse_arguments()
    tasks = chosen_tasks(arguments)
    networks = load_networks(arguments, tasks)
    results = []
    for task in tasks:
        results += list(study_task(task, networks, arguments))
    from study_report import write_report

    write_report(arguments.out, Results(results), networks, arguments)


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
        "--networks", nargs="+", metavar="PRESET", help="these alone; default: all there are"
    )
    parser.add_argument(
        "--skip", nargs="+", default=[], metavar="NAME", help="ways or subjects to leave out"
    )
    return parser.parse_args()


def chosen_tasks(arguments: argparse.Namespace) -> list[TaskFolder]:
    """Read the tasks, of each so many minutes as asked for."""
    tasks = [read_task(path) for path in find_tasks(arguments.tasks)]
    if not tasks:
        sys.exit(f"There is no task in {arguments.tasks}: hear-openl3-yamnet tasks make FOLDER")
    if arguments.minutes is None:
        return tasks
    return [task.limited(min(1.0, 60 * arguments.minutes / task.seconds())) for task in tasks]


def load_networks(arguments: argparse.Namespace, tasks: list[TaskFolder]) -> list[Network]:
    """Load the networks that the weights are for."""
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
    networks = []
    for name in arguments.networks or names:
        preset = get_preset(name)
        if kind == "random":
            networks.append(untrained(name, arguments.cache, tasks))
            continue
        path = files.get(name) or locate(
            str(preset.starter_name) if kind == "starter" else preset.weights_name
        )
        networks.append(Network(name, *read_source(path, preset.backbone.NAME)))
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


def untrained(name: str, cache: Path, tasks: list[TaskFolder]) -> Network:
    """Draw a network's weights, its batch norms calibrated on training clips without labels."""
    path = cache / f"random-{RANDOM_SEED}-{name}-{tasks_digest(tasks)[:16]}.npz"
    if path.exists():
        with np.load(path) as arrays:
            weights = dict(arrays)
    else:
        config = configure(name, weights="random")
        drawn = config.backbone.random_weights(RANDOM_SEED)
        clips = [
            task.audio(split, clip, config.preset.sample_rate)
            for task in tasks
            for split in task.folds[0].train[:1]
            for clip in task.clips[split][:N_CALIBRATING_PER_TASK]
        ]
        weights = calibrated(config, drawn, clips)
        save_arrays(path, **weights)
    return Network(name, weights, f"random:{RANDOM_SEED}, calibrated@{digest(weights)[:12]}")


def tasks_digest(tasks: list[TaskFolder]) -> str:
    return hashlib.sha256("".join(task.digest() for task in tasks).encode()).hexdigest()


def study_task(
    task: TaskFolder, networks: list[Network], arguments: argparse.Namespace
) -> Iterator[Result]:
    """Embed a task in all ways, and probe each."""
    folder = arguments.cache / task.digest()[:16]
    names = [network.preset for network in networks]
    ways = without(variants(names, of_events=task.of_events), arguments.skip)
    places = {
        way.name: folder / variant_digest(way, ways, networks, task.of_events) for way in ways
    }
    embed(task, ways, places, networks)
    for way in ways:
        outcomes, embeddings = {}, None
        for name, probe in PROBES.items():
            path = places[way.name] / f"{name}.npz"
            if not path.exists():
                if embeddings is None:
                    embeddings = read_embeddings(task, way, places)
                started = time.perf_counter()
                run = probe_events if task.of_events else probe_scenes
                outcome = run(task, embeddings, probe)
                outcome.save(path)
                report(task, way.name, name, started, f"{np.mean(outcome.scores()):.3f}")
            outcomes[name] = Outcome.load(path)
        size = embedding_size(way, places)
        for name, outcome in outcomes.items():
            yield Result(task, way, name, size, outcome)


def without(ways: list[Variant], skipped: list[str]) -> list[Variant]:
    """Leave out ways to embed by name or subject, and what is joined from them."""
    kept = [way for way in ways if not {way.name, way.subject} & set(skipped)]
    names = {way.name for way in kept}
    return [way for way in kept if names.issuperset(way.parts)]


def variant_digest(
    way: Variant, ways: list[Variant], networks: list[Network], of_events: bool
) -> str:
    """Name a way to embed by all that decides its values."""
    if way.parts:
        by_name = {other.name: other for other in ways}
        parts = [variant_digest(by_name[p], ways, networks, of_events) for p in way.parts]
        return hashlib.sha256("".join(parts).encode()).hexdigest()[:16]
    about: list[Any] = [way.name if not way.model else configuration(way).as_dict()]
    about += [network.weights_id for network in networks if network.preset == way.model]
    about += [EVENT_HOP_COLUMNS if of_events else SCENE_HOP_MS, __version__]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]


def configuration(way: Variant) -> Options:
    return configure(way.model, weights="random", **way.options)


def embed(
    task: TaskFolder, ways: list[Variant], places: dict[str, Path], networks: list[Network]
) -> None:
    """Compute the embeddings that are not there yet, each network's heads together."""
    missing = [w for w in ways if not w.parts and not (places[w.name] / "size").exists()]
    for way in missing:
        if way.name == LOG_MEL:
            embed_log_mel(task, places[way.name])
    passes: dict[tuple, list[Variant]] = {}
    for way in missing:
        if way.model:
            passes.setdefault(pass_key(configuration(way)), []).append(way)
    for group in passes.values():
        network = next(n for n in networks if n.preset == group[0].model)
        started = time.perf_counter()
        many = ManyHeads([configuration(way) for way in group], network.weights)
        hop = hop_of(task, many.sample_rate)
        for split, clips in task.clips.items():
            audio = [task.audio(split, clip, many.sample_rate) for clip in clips]
            if task.of_events:
                times = [timestamps(len(clip), hop, many.sample_rate) for clip in audio]
                for way, values in zip(group, many.timestamps(audio, hop), strict=True):
                    write_split(places[way.name], split, values, times)
            else:
                for way, values in zip(group, many.scenes(audio, hop), strict=True):
                    write_split(places[way.name], split, [values], [])
        for way in group:
            write_size(places[way.name], split)
        report(task, group[0].model, f"{len(group)} heads embedded", started)


def hop_of(task: TaskFolder, sample_rate: int) -> Fraction:
    """Return the hop in samples, the same time for all networks."""
    milliseconds = EVENT_HOP_COLUMNS * COLUMN_MS if task.of_events else Fraction(SCENE_HOP_MS)
    return milliseconds * sample_rate / 1000


def timestamps(n_samples: int, hop: Fraction, sample_rate: int) -> np.ndarray:
    return framing.timestamps(framing.count_windows(n_samples, hop), hop, sample_rate)


def embed_log_mel(task: TaskFolder, place: Path) -> None:
    """Embed by log-mel statistics, which have no weights."""
    from hear_openl3_yamnet.baselines import log_mel_statistics as statistics

    model = statistics.load_model()
    for split, clips in task.clips.items():
        audio = [task.audio(split, clip, model.sample_rate)[None] for clip in clips]
        if task.of_events:
            pairs = [statistics.get_timestamp_embeddings(clip, model) for clip in audio]
            values = [np.asarray(rows)[0] for rows, _ in pairs]
            write_split(place, split, values, [np.asarray(times)[0] for _, times in pairs])
        else:
            rows = [np.asarray(statistics.get_scene_embeddings(clip, model)) for clip in audio]
            write_split(place, split, [np.concatenate(rows)], [])
    write_size(place, split)


def write_split(place: Path, split: str, values: list[np.ndarray], times: list[np.ndarray]) -> None:
    arrays = {f"values{i}": x for i, x in enumerate(values)}
    save_arrays(
        place / f"embeddings-{split}.npz", **arrays, **{f"times{i}": x for i, x in enumerate(times)}
    )


def write_size(place: Path, split: str) -> None:
    """Note the embedding's size, when all splits are written."""
    with np.load(place / f"embeddings-{split}.npz") as arrays:
        (place / "size").write_text(str(arrays["values0"].shape[1]))


def embedding_size(way: Variant, places: dict[str, Path]) -> int:
    return sum(int((places[part] / "size").read_text()) for part in way.parts or [way.name])


def read_embeddings(task: TaskFolder, way: Variant, places: dict[str, Path]) -> dict[str, Any]:
    """Read a way's embeddings of each split; of an ensemble, its parts' side by side."""
    found: dict[str, Any] = {}
    for split, clips in task.clips.items():
        parts = []
        for part in way.parts or [way.name]:
            with np.load(places[part] / f"embeddings-{split}.npz") as arrays:
                parts.append(dict(arrays))
        if task.of_events:
            found[split] = [
                (np.concatenate([p[f"values{i}"] for p in parts], axis=1), parts[0][f"times{i}"])
                for i in range(len(clips))
            ]
        else:
            found[split] = np.concatenate([part["values0"] for part in parts], axis=1)
    return found


def report(task: TaskFolder, way: str, what: str, started: float, *more: str) -> None:
    seconds = f"{time.perf_counter() - started:.1f} s"
    print(" · ".join([task.name, way, what, *more, seconds]), file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
