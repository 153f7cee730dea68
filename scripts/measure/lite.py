"""Compare OpenL3-lite with its teacher, and with the teacher without its last convolution.

    python -m scripts.measure.lite                               # speed, memory, size
    python -m scripts.measure.lite --scores --digits FOLDER      # accuracy

Speed: each model runs in its own process, whose peak of memory is measured. Each round runs every
model once at every hop, and ratios are computed within a round. The table has medians over rounds.
The sound is `signals.notes`.

Accuracy: linear probes on 1 s clips, on tasks of `scripts.starter.judge` (``--size`` is the factor
on their number of clips) and on digits by speakers that the probe has not heard. ``--digits`` is
the folder of the Free Spoken Digit Dataset: ``DIGIT_SPEAKER_INDEX.wav``. "transfer" is the probe
trained on the teacher's embeddings and used on the student's. Intervals are ± two standard errors
of a proportion, for the number of test clips.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from . import signals

TEACHER, STUDENT = "openl3-mel128-starter", "openl3-lite"
MODELS: dict[str, tuple[str, dict[str, str]]] = {
    TEACHER: (TEACHER, {}),
    f"{TEACHER}, layers='conv7'": (TEACHER, {"layers": "conv7"}),
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


def speed(rounds: int, seconds: float) -> None:
    """Measure and print the table of speed, memory and size."""
    rates: dict[tuple[str, str], list[float]] = {}
    peaks: dict[str, float] = {}
    context = multiprocessing.get_context("spawn")
    pools = {name: ProcessPoolExecutor(1, mp_context=context) for name in MODELS}
    print(
        f"load average at the start: {os.getloadavg()[0]:.1f}; {os.cpu_count()} cores", flush=True
    )
    for number in range(rounds + 1):  # the first one warms up
        for name, pool in pools.items():
            for hop, hop_size in HOPS.items():
                rate, peaks[name] = pool.submit(embed, name, hop_size, seconds).result()
                if number:
                    rates.setdefault((name, hop), []).append(rate)
    for pool in pools.values():
        pool.shutdown()
    print(f"load average at the end: {os.getloadavg()[0]:.1f}")
    print(
        "\n| model | GFLOP a window | MB of weights |",
        *(f"{hop} | ratio |" for hop in HOPS),
        "GB |",
    )
    print("|---|---:|---:|" + "---:|---:|" * len(HOPS) + "---:|")
    for name in MODELS:
        cells = [f"{gigaflop(name):.2f}", f"{size(name):.1f}"]
        for hop in HOPS:
            here, base = rates[name, hop], rates[TEACHER, hop]
            ratio = statistics.median(a / b for a, b in zip(here, base, strict=True))
            cells += [f"{statistics.median(here):.1f}/s", f"{ratio:.2f} ×"]
        print(f"| {name} |", " | ".join([*cells, f"{peaks[name]:.2f}"]), "|")


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


def digits(folder: Path, speakers: tuple[str, ...], n: int) -> tuple[list[np.ndarray], list[int]]:
    """Return the first n recordings of each digit by each speaker, as clips of 1 s at 48 kHz."""
    from hear_openl3_yamnet.audio.files import load_audio

    clips, labels = [], []
    for speaker in speakers:
        for digit in range(10):
            for index in range(n):
                samples = load_audio(folder / f"{digit}_{speaker}_{index}.wav", 48_000)[:48_000]
                before = (48_000 - len(samples)) // 2
                padded = np.pad(samples, (before, 48_000 - len(samples) - before))
                clips.append(0.9 * padded / max(1e-6, float(np.abs(padded).max())))
                labels.append(digit)
    return clips, labels


def scores(folder: Path | None, names: list[str], scale: float) -> None:
    """Fit probes and print the table of accuracy."""
    from hear_openl3_yamnet.weights.finding import locate
    from hear_openl3_yamnet.weights.reading import read_weights
    from scripts.starter.judge import embedder, log_mels, probe
    from scripts.starter.probe_tasks import ProbeTask, make_tasks

    tasks: dict[str, ProbeTask] = {}
    if folder is not None:
        n = max(2, round(20 * scale))
        train = digits(folder, ("george", "jackson", "lucas", "nicolas"), n)
        test = digits(folder, ("theo", "yweweler"), 2 * n)
        tasks["digits"] = ProbeTask("10 digits, recorded, unseen speakers", train, test)
    tasks |= make_tasks(scale, tuple(names))
    both = embedder("openl3", read_weights(locate(TEACHER), "openl3"), ("conv7", "conv8"))
    lite = embedder("openl3_lite", read_weights(locate(STUDENT), "openl3_lite"))
    print("| task | clips | teacher | its conv7 | student | transfer | cosine |")
    print("|---|---:|---:|---:|---:|---:|---:|", flush=True)
    rows = []
    for task in tasks.values():
        halves = [log_mels(clips, "mel128") for clips, _ in (task.train, task.test)]
        conv7, teacher = zip(*(np.split(both(half), 2, axis=1) for half in halves), strict=True)
        student = [lite(half) for half in halves]
        pairs = [teacher, conv7, student, [teacher[0], student[1]]]
        row = [np.mean([probe(task, *pair, seed) for seed in (0, 1, 2)]) for pair in pairs]
        rows.append(row)
        cosine = (teacher[1] * student[1]).sum(1)
        cosine /= np.linalg.norm(teacher[1], axis=1) * np.linalg.norm(student[1], axis=1)
        n_test = len(task.test[1])
        errors = [2 * np.sqrt(x * (1 - x) / n_test) for x in row]
        cells = [f"{x:.3f} ± {e:.3f}" for x, e in zip(row, errors, strict=True)]
        counted = f"{len(task.train[1])} + {n_test}"
        listed = [task.title, counted, *cells, f"{np.median(cosine):.4f}"]
        print(f"| {' | '.join(listed)} |", flush=True)
    means = [f"{x:.3f}" for x in np.mean(rows, axis=0)]
    print(f"| mean | | {' | '.join(means)} | |")


def main() -> None:
    """Compare the models."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of the clip; default: 4")
    parser.add_argument("--scores", action="store_true", help="accuracy in place of speed")
    parser.add_argument("--digits", type=Path, metavar="FOLDER")
    parser.add_argument("--tasks", nargs="*", default=["words", "events"])
    parser.add_argument("--size", type=float, default=0.5)
    arguments = parser.parse_args()
    if arguments.scores:
        scores(arguments.digits, arguments.tasks, arguments.size)
    else:
        speed(arguments.rounds, arguments.seconds)


if __name__ == "__main__":
    main()
