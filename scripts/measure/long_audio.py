"""Measure the peak of resident memory while 20 minutes are embedded in one call on the CPU.

    python -m scripts.measure.long_audio                  # all cases, each in a process of its own
    python -m scripts.measure.long_audio yamnet --minutes 2

It fails if a peak, without the embeddings themselves, reaches 6 GB.
"""

import argparse
import json
import multiprocessing
import os
import resource
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from . import signals

LIMIT_GB = 6.0
CASES = {
    "openl3-6144": {"model": "openl3-mel256-music", "embedding_size": 6144},
    "yamnet": {"model": "yamnet"},
    "openl3-frame-16384": {"model": "openl3-mel256-music", "time": "frame", "grid": ("all", 1)},
}
"""Options of `load_model`. Each model embeds at its native hop."""


def peak_gb() -> float:
    """Return the peak of this process's resident memory [GB]."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def report_every(seconds: float, case: str) -> None:
    """Print the peak of memory at intervals until the process ends."""
    began = time.perf_counter()

    def report() -> None:
        while True:
            time.sleep(seconds)
            elapsed = time.perf_counter() - began
            print(f"  {case}: {elapsed:.0f} s, peak {peak_gb():.2f} GB", flush=True)

    threading.Thread(target=report, daemon=True).start()


def embed(case: str, minutes: float) -> dict:
    """Embed notes in one call, and return the time and the memory that it took."""
    import hear_openl3_yamnet as hear

    model = hear.load_model(weights="random:1", **CASES[case])
    audio = signals.notes(model.sample_rate, 60 * minutes)[None]
    before = peak_gb()
    report_every(60, case)
    began = time.perf_counter()
    embeddings, _ = hear.get_timestamp_embeddings(audio, model)
    seconds = time.perf_counter() - began
    size_gb = 4 * embeddings.shape[1] * embeddings.shape[2] / 1e9
    return {
        "case": case,
        "minutes": minutes,
        "shape": list(embeddings.shape),
        "seconds": round(seconds, 1),
        "times_real_time": round(60 * minutes / seconds, 2),
        "before_gb": round(before, 2),
        "peak_gb": round(peak_gb(), 2),
        "embeddings_gb": round(size_gb, 2),
        "beside_embeddings_gb": round(peak_gb() - size_gb, 2),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}")
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--json", type=Path, help="file to write the results to")
    arguments = parser.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    results = []
    for case in arguments.cases or CASES:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            results.append(pool.submit(embed, case, arguments.minutes).result())
        print(json.dumps(results[-1]), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    return int(any(result["beside_embeddings_gb"] >= LIMIT_GB for result in results))


if __name__ == "__main__":
    sys.exit(main())
