"""Compare OpenL3-lite with its teacher, and with the teacher without its last convolution.

    python -m scripts.measure.lite                          # speed, memory, size
    python -m scripts.measure.lite --scores --tasks words   # accuracy on these tasks

Both print tables and keep what they measured in ``docs/lite.json``, from which
`scripts.measure.plot_performance` draws a figure. Tasks can be measured one after another: the
table of accuracy has all that the file has, and those of the study of YAMNet.

Speed: each model runs in its own process, whose peak of memory is measured. Each round runs every
model once at every hop, and ratios are computed within a round. The table has medians over rounds.
The sound is `signals.notes`.

Accuracy: linear probes on 1 s clips, on tasks of `scripts.starter.judge` (``--size`` is the factor
on their number of clips), the mean over three probe seeds. "transfer" is the probe trained on the
teacher's embeddings and used on the student's. Intervals are ± two standard errors of a
proportion, for the number of test clips.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import os
import resource
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from hear_openl3_yamnet.files import written_whole

from . import signals

DOCS = Path(__file__).parents[2] / "docs"

TEACHER, STUDENT = "openl3-mel128-starter", "openl3-lite"
WITHOUT_LAST, TRANSFER = f"{TEACHER}, conv7", "transfer"
MODELS: dict[str, tuple[str, dict[str, str]]] = {
    TEACHER: (TEACHER, {}),
    WITHOUT_LAST: (TEACHER, {"layers": "conv7"}),
    STUDENT: (STUDENT, {}),
}
HOPS = {"50 ms": 50.0, "native, 40.33 ms": None}

_loaded: dict[str, Any] = {}


def embed(name: str, hop_size: float | None, seconds: float) -> tuple[float, float]:
    """Embed a clip; return windows a second, and the peak of memory so far in GB."""
    from hear_openl3_yamnet import get_timestamp_embeddings, load_model

    preset, options = MODELS[name]
    if name not in _loaded:
        _loaded[name] = load_model(preset, **options)
    model = _loaded[name]
    audio = signals.notes(model.sample_rate, seconds)[None]
    began = time.perf_counter()
    embeddings, _ = get_timestamp_embeddings(audio, model, hop_size)
    elapsed = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    return embeddings.shape[1] / elapsed, peak


def speed(rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Measure speed, memory and size; return a row for each model, with the rates of each round."""
    rows: dict[str, dict[str, Any]] = {
        name: {"model": name, "gigaflop": gigaflop(name), "megabytes": size(name), "rates": {}}
        for name in MODELS
    }
    context = multiprocessing.get_context("spawn")
    pools = {name: ProcessPoolExecutor(1, mp_context=context) for name in MODELS}
    print(
        f"load average at the start: {os.getloadavg()[0]:.1f}; {os.cpu_count()} cores", flush=True
    )
    for number in range(rounds + 1):  # the first one warms up
        for name, pool in pools.items():
            for hop, hop_size in HOPS.items():
                rate, peak = pool.submit(embed, name, hop_size, seconds).result()
                rows[name]["peak_gb"] = round(peak, 2)
                if number:
                    rows[name]["rates"].setdefault(hop, []).append(round(rate, 2))
    for pool in pools.values():
        pool.shutdown()
    print(f"load average at the end: {os.getloadavg()[0]:.1f}")
    return list(rows.values())


def print_speed(rows: list[dict[str, Any]]) -> None:
    """Print the table of speed, memory and size."""
    print(
        "\n| model | GFLOP a window | MB of weights |",
        *(f"{hop} | ratio |" for hop in HOPS),
        "GB |",
    )
    print("|---|---:|---:|" + "---:|---:|" * len(HOPS) + "---:|")
    (teacher,) = (row for row in rows if row["model"] == TEACHER)
    for row in rows:
        cells = [f"{row['gigaflop']:.2f}", f"{row['megabytes']:.1f}"]
        for hop in HOPS:
            here, base = row["rates"][hop], teacher["rates"][hop]
            ratio = statistics.median(a / b for a, b in zip(here, base, strict=True))
            cells += [f"{statistics.median(here):.1f}/s", f"{ratio:.2f} ×"]
        print(f"| {row['model']} |", " | ".join([*cells, f"{row['peak_gb']:.2f}"]), "|")


def gigaflop(name: str) -> float:
    """Return the floating-point operations of one window by itself, in 10⁹."""
    from hear_openl3_yamnet.backbones import operations
    from hear_openl3_yamnet.config.presets import get_preset

    preset, options = MODELS[name]
    backbone, front_end = get_preset(preset).backbone, get_preset(preset).front_end
    layers = [options.get("layers", backbone.LAST_LAYER)]
    return operations.count(backbone, layers, front_end.n_bands, front_end.n_frames) / 1e9


def size(name: str) -> float:
    """Return the megabytes of the shipped file, or of the part of it that a model uses."""
    from hear_openl3_yamnet.config.presets import get_preset
    from hear_openl3_yamnet.weights.finding import locate

    preset, options = MODELS[name]
    backbone = get_preset(preset).backbone
    whole = locate(get_preset(preset).weights_name).stat().st_size / 1e6
    last = options.get("layers", backbone.LAST_LAYER)
    unused = backbone.LAYERS[backbone.LAYERS.index(last) + 1 :]
    shapes = backbone.WEIGHT_SHAPES.items()
    counts = [(weight.split("/")[0], int(np.prod(shape))) for weight, shape in shapes]
    return whole * (
        1 - sum(n for layer, n in counts if layer in unused) / sum(n for _, n in counts)
    )


def scores(names: list[str], scale: float) -> list[dict[str, Any]]:
    """Fit probes; return a row for each task."""
    from hear_openl3_yamnet.weights.finding import locate
    from hear_openl3_yamnet.weights.reading import read_weights
    from scripts.starter.judge import PROBE_SEEDS, embedder, log_mels, probe
    from scripts.starter.probe_tasks import make_tasks

    both = embedder("openl3", read_weights(locate(TEACHER), "openl3"), ("conv7", "conv8"))
    lite = embedder("openl3_lite", read_weights(locate(STUDENT), "openl3_lite"))
    rows = []
    for name, task in make_tasks(scale, tuple(names)).items():
        halves = [log_mels(clips, "mel128") for clips, _ in (task.train, task.test)]
        conv7, teacher = zip(*(np.split(both(half), 2, axis=1) for half in halves), strict=True)
        student = [lite(half) for half in halves]
        cosine = (teacher[1] * student[1]).sum(1)
        cosine /= np.linalg.norm(teacher[1], axis=1) * np.linalg.norm(student[1], axis=1)
        pairs = {TEACHER: teacher, WITHOUT_LAST: conv7, STUDENT: student}
        pairs[TRANSFER] = [teacher[0], student[1]]
        found = {
            of: float(np.mean([probe(task, *pair, seed) for seed in PROBE_SEEDS]))
            for of, pair in pairs.items()
        }
        counts = [len(task.train[1]), len(task.test[1])]
        about = {"task": name, "title": task.title, "clips": counts}
        rows.append({**about, "scores": found, "cosine": float(np.median(cosine))})
    return rows


def scores_of_study(path: Path = DOCS / "study/yamnet/scores.csv") -> list[dict[str, Any]]:
    """Return a row for each task of whole clips in the study of YAMNet that has the models."""
    rows: dict[str, dict[str, Any]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            row = rows.setdefault(line["task"], {"task": line["task"], "scores": {}})
            row["scores"][line["configuration"]] = float(line["score"])
    for row in rows.values():
        row["scores"] = {name: row["scores"].get(name) for name in (*MODELS, TRANSFER)}
    return [row for row in rows.values() if row["scores"][TEACHER] and row["scores"][STUDENT]]


def print_scores(rows: list[dict[str, Any]]) -> None:
    """Print the table of accuracy, and how far the student is from its teacher."""
    print("| task | clips | teacher | its conv7 | student | transfer | cosine |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for row in rows:
        cells = [row.get("title", row["task"]), " + ".join(map(str, row.get("clips", [])))]
        for score in row["scores"].values():
            error = ""
            if score is not None and "clips" in row:
                error = f" ± {2 * np.sqrt(score * (1 - score) / row['clips'][1]):.3f}"
            cells.append("" if score is None else f"{score:.3f}{error}")
        cells.append(f"{row['cosine']:.4f}" if "cosine" in row else "")
        print(f"| {' | '.join(cells)} |")
    means = [f"{np.mean([row['scores'][name] for row in rows]):.3f}" for name in MODELS]
    print(f"| mean | | {' | '.join(means)} | | |")
    for name in list(MODELS)[1:]:
        leads = {row["task"]: row["scores"][name] - row["scores"][TEACHER] for row in rows}
        worst = min(leads, key=lambda task: leads[task])
        print(f"{name}: mean difference {np.mean(list(leads.values())):+.3f}; ", end="")
        print(f"worst {leads[worst]:+.3f} ({worst})")


def main() -> None:
    """Compare the models."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of the clip; default: 4")
    parser.add_argument("--scores", action="store_true", help="accuracy in place of speed")
    parser.add_argument("--tasks", nargs="*", default=["words", "events"])
    parser.add_argument("--size", type=float, default=1.0)
    parser.add_argument("--out", type=Path, default=DOCS / "lite.json", metavar="FILE")
    arguments = parser.parse_args()
    kept = {"speed": [], "scores": []}
    if arguments.out.exists():
        kept = json.loads(arguments.out.read_text(encoding="utf-8"))
    if arguments.scores:
        found = scores(arguments.tasks, arguments.size)
        others = [row for row in kept["scores"] if row["task"] not in arguments.tasks]
        kept["scores"] = sorted(others + found, key=lambda row: row["task"])
        print_scores(kept["scores"] + scores_of_study())
    else:
        kept["speed"] = speed(arguments.rounds, arguments.seconds)
        print_speed(kept["speed"])
    with written_whole(arguments.out) as partial:
        partial.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
