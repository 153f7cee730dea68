"""Compare the speed of `embed_corpus` with that of embedding the same audio in memory.

    python -m scripts.measure.benchmark_corpus          # 1 000 clips of 1 s, 20 clips of 2 minutes
    python -m scripts.measure.benchmark_corpus --short 100 --long 2

Both ways use the same model at its native hop, in one process, and alternate. In memory, the clips
are decoded at the model's rate, and embedded in one call (short clips) or one by one (long clips).
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

FILE_RATE = 44_100


def make_files(folder: Path, n_files: int, seconds: float) -> None:
    """Write noise as 16-bit mono WAV files. Their rate requires resampling."""
    folder.mkdir()
    rng = np.random.default_rng(1)
    for number in range(n_files):
        samples = 0.1 * rng.standard_normal(round(seconds * FILE_RATE), dtype=np.float32)
        soundfile.write(folder / f"{number:05d}.wav", samples, FILE_RATE)


def measure(model, folder: Path, seconds: float, rounds: int) -> dict:
    """Embed the clips of a folder in both ways, and return the windows per second."""
    from hear_openl3_yamnet.audio.files import load_audio
    from hear_openl3_yamnet.corpora import embed_corpus

    clips = [load_audio(path, model.sample_rate) for path in sorted(folder.iterdir())]
    together = [np.stack(clips)] if seconds < 10 else [clip[None] for clip in clips]
    times: dict[str, list[float]] = {"memory": [], "corpus": []}
    n_windows = 0
    for number in range(rounds):
        began = time.perf_counter()
        n_windows = sum(
            np.prod(model.timestamp_embeddings(audio)[0].shape[:2]) for audio in together
        )
        times["memory"].append(time.perf_counter() - began)
        began = time.perf_counter()
        out = folder.parent / f"out-{folder.name}-{number}"
        embed_corpus(folder, out, model, outputs="timestamps")
        times["corpus"].append(time.perf_counter() - began)
    rates = {way: float(n_windows / np.median(taken)) for way, taken in times.items()}
    return {
        "clips": len(clips),
        "seconds": seconds,
        "windows": int(n_windows),
        "windows_per_s": {way: round(rate, 1) for way, rate in rates.items()},
        "ratio": round(rates["corpus"] / rates["memory"], 3),
        "all_s": {way: [round(t, 2) for t in taken] for way, taken in times.items()},
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="yamnet")
    parser.add_argument("--short", type=int, default=1000, help="clips of 1 s")
    parser.add_argument("--long", type=int, default=20, help="clips of 2 minutes")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

    import hear_openl3_yamnet as hear

    model = hear.load_model(model=arguments.model, weights="random:1")
    model.timestamp_embeddings(np.zeros((1, 5 * model.sample_rate), np.float32))  # compiles
    print(f"load average {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as place:
        for seconds, n_files in [(1.0, arguments.short), (120.0, arguments.long)]:
            folder = Path(place) / f"{seconds:g}s"
            make_files(folder, n_files, seconds)
            print(json.dumps(measure(model, folder, seconds, arguments.rounds)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
