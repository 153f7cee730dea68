"""Compare the speed and the sizes of YAMNet's heads, on this machine.

    python -m scripts.measure.yamnet_study.speed [--weights FILE] [PRESET …]

Each round embeds every preset once, so that ratios are computed within a round. The first round
warms up. The table has medians. Speed does not depend on the weights.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time

from hear_openl3_yamnet import get_scene_embeddings, get_timestamp_embeddings, load_model
from scripts.measure import signals

SECONDS = 30.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("presets", nargs="*", default=["yamnet", "yamnet-layer8"])
    parser.add_argument("--weights", default="starter")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    models = {name: load_model(name, weights=arguments.weights) for name in arguments.presets}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in models}
    for _ in range(arguments.rounds + 1):
        for name, model in models.items():
            audio = signals.notes(model.sample_rate, SECONDS)[None]
            began = time.perf_counter()
            get_timestamp_embeddings(audio, model, 50.0)
            between = time.perf_counter()
            get_scene_embeddings(audio, model)
            seconds[name].append((between - began, time.perf_counter() - between))
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} processors")
    print("| preset | values | timestamps, 50 ms | ratio | scene | ratio |")
    print("|---|---:|---:|---:|---:|---:|")
    first = seconds[arguments.presets[0]][1:]
    for name, model in models.items():
        cells = [name, str(model.timestamp_embedding_size)]
        for kind in (0, 1):
            own = [each[kind] for each in seconds[name][1:]]
            ratio = statistics.median(a / b[kind] for a, b in zip(own, first, strict=True))
            cells += [f"{SECONDS / statistics.median(own):.0f} × real time", f"{ratio:.2f}"]
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
