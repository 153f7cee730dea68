"""Embed many short files, some of them bad, kill the run repeatedly, and check the result.

    python -m scripts.stress.soak_corpus /tmp/soak                     # 10 000 files, 20 kills
    python -m scripts.stress.soak_corpus /tmp/soak --files 300 --kills 3

The checks are: each id occurs once; exactly the bad files (1 %, of ten kinds) are failures; values
equal those of direct calls; resident memory stays flat after the first thousand files of a run
without kills. The same command continues an interrupted check. It needs Linux (/proc).
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import soundfile

from hear_openl3_yamnet.files import written_whole

MODEL = {"model": "yamnet", "weights": "random:1", "hop_size": 200}
SHARD_ROWS = 50
TOLERANCE = 1e-5
RATES = (8_000, 16_000, 22_050, 44_100, 48_000)
FORMATS = ("wav", "wav", "flac", "ogg")


def sound(rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """Return a tone in noise of 0.2 to 1.5 s with one or two channels, and its sample rate."""
    rate = int(rng.choice(RATES))
    n = round(rate * rng.uniform(0.2, 1.5))
    t = np.arange(n)[:, None] / rate
    pitch = rng.uniform(100, 3000, int(rng.integers(1, 3)))
    return 0.4 * np.sin(2 * np.pi * pitch * t) + 0.05 * rng.standard_normal((n, 1)), rate


def make_files(folder: Path, n_files: int, seed: int) -> dict[str, list[str]]:
    """Write the files, and return the ids of the bad ones by the kind of damage."""
    rng = np.random.default_rng(seed)
    bad: dict[str, list[str]] = {}
    ways = list(BAD)
    n_bad = max(len(ways), n_files // 100)
    where = dict(zip(rng.choice(n_files, n_bad, replace=False).tolist(), range(n_bad), strict=True))
    for number in range(n_files):
        place = folder / f"{number // 1000:03d}"
        place.mkdir(parents=True, exist_ok=True)
        samples, rate = sound(rng)
        if number in where:
            way = ways[where[number] % len(ways)]
            path = BAD[way](place / f"{number:06d}", samples, rate)
            bad.setdefault(way, []).append(path.relative_to(folder).as_posix())
        else:
            soundfile.write(place / f"{number:06d}.{FORMATS[number % 4]}", samples, rate)
    return bad


def _bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _cut(ending: str):
    def write(stem: Path, samples: np.ndarray, rate: int) -> Path:
        path = stem.with_suffix(ending)
        soundfile.write(path, samples, rate)
        return _bytes(path, path.read_bytes()[: path.stat().st_size // 2])

    return write


def _with(value: float):
    def write(stem: Path, samples: np.ndarray, rate: int) -> Path:
        samples[len(samples) // 2] = value
        soundfile.write(stem.with_suffix(".wav"), samples, rate, subtype="FLOAT")
        return stem.with_suffix(".wav")

    return write


def _silent(stem: Path, samples: np.ndarray, rate: int) -> Path:
    soundfile.write(stem.with_suffix(".wav"), samples[:0], rate)
    return stem.with_suffix(".wav")


def _link(stem: Path, samples: np.ndarray, rate: int) -> Path:
    stem.with_suffix(".wav").symlink_to("nowhere.wav")
    return stem.with_suffix(".wav")


def _pipe(stem: Path, samples: np.ndarray, rate: int) -> Path:
    os.mkfifo(stem.with_suffix(".wav"))
    return stem.with_suffix(".wav")


BAD = {
    "empty": lambda stem, samples, rate: _bytes(stem.with_suffix(".wav"), b""),
    "text": lambda stem, samples, rate: _bytes(stem.with_suffix(".flac"), b"no sound\n" * 99),
    "truncated WAV": _cut(".wav"),
    "truncated FLAC": _cut(".flac"),
    "truncated OGG": _cut(".ogg"),
    "NaN": _with(np.nan),
    "infinity": _with(np.inf),
    "no samples": _silent,
    "dangling link": _link,
    "pipe": _pipe,
}


def start(source: Path, out: Path, *more: str) -> subprocess.Popen:
    options = [f"--option={key}={value}" for key, value in MODEL.items() if key == "hop_size"]
    command = [sys.executable, "-m", "hear_openl3_yamnet", "corpus", "embed", source, out]
    command += ["--model", MODEL["model"], "--weights", MODEL["weights"], *options, *more]
    command += ["--shard-rows", str(SHARD_ROWS)]
    with (out.parent / "log.txt").open("a") as log:
        return subprocess.Popen(list(map(str, command)), stdout=log, stderr=log)


def n_rows(out: Path) -> int:
    """Return an upper estimate of the rows on the disk: shards may have fewer than SHARD_ROWS."""
    return SHARD_ROWS * len(list(out.glob("part-*.parquet"))) if out.is_dir() else 0


def kill_sometime(source: Path, out: Path, n_files: int, rng: random.Random) -> str:
    """Start a run and kill it, either during its start or some files later."""
    run = start(source, out, "--both")
    early = rng.random() < 0.2
    target = n_rows(out) + rng.randint(1, max(2, n_files // 20))
    end = time.monotonic() + (rng.uniform(0.5, 6) if early else 3600)
    while run.poll() is None and time.monotonic() < end and (early or n_rows(out) < target):
        time.sleep(0.02)
    time.sleep(rng.uniform(0, 0.5))
    finished = run.poll() is not None
    run.send_signal(signal.SIGKILL)
    run.wait()
    return "finished before" if finished else "as it started" if early else "at work"


def resident_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    line = next((line for line in text.splitlines() if line.startswith("VmRSS")), "VmRSS 0 kB")
    return int(line.split()[1]) / 1024


def measure_memory(source: Path, out: Path) -> list[tuple[int, float]]:
    """Embed scenes without a kill. Return pairs of written rows and resident memory [MB]."""
    run = start(source, out, "--scene")
    seen: list[tuple[int, float]] = []
    while run.poll() is None:
        try:
            seen.append((n_rows(out), resident_mb(run.pid)))
        except OSError:
            break
        time.sleep(0.1)
    run.wait()
    return seen


def check_rows(source: Path, out: Path, bad: dict[str, list[str]]) -> dict:
    """Check that each file occurs once, and that exactly the bad files are failures."""
    wanted = sorted(
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.is_symlink() or not path.is_dir()
    )
    tables = [pq.read_table(path) for path in sorted(out.glob("part-*.parquet"))]
    ids = [id_ for table in tables for id_ in table["id"].to_pylist()]
    status = [value for table in tables for value in table["status"].to_pylist()]
    failed = {id_ for id_, value in zip(ids, status, strict=True) if value == "failed"}
    return {
        "files": len(wanted),
        "every id once": sorted(ids) == wanted,
        "in the input's order": ids == sorted(ids),
        "failed": len(failed),
        "the bad ones failed, no others": failed == {id_ for way in bad.values() for id_ in way},
        "shards": len(tables),
        "leftovers": len(list(out.glob(".partial-*"))),
    }


def check_values(source: Path, out: Path, n_checked: int, seed: int) -> dict:
    """Compare rows with direct calls for single files."""
    import hear_openl3_yamnet as hear
    from hear_openl3_yamnet.audio.files import load_audio
    from hear_openl3_yamnet.corpora import load_corpus

    model = hear.load_model(**MODEL)
    corpus = load_corpus(out)
    chosen = set(random.Random(seed).sample(corpus.ids, min(n_checked, len(corpus.ids))))
    largest = 0.0
    for batch in corpus.batches(["id", "scene", "timestamps", "embeddings"], batch_size=64):
        for row in batch.to_pylist():
            if row["id"] not in chosen:
                continue
            audio = load_audio(source / row["id"], model.sample_rate)[None]
            embeddings, times = map(np.asarray, hear.get_timestamp_embeddings(audio, model))
            assert np.array_equal(times[0], np.float32(row["timestamps"])), row["id"]
            scene = np.asarray(hear.get_scene_embeddings(audio, model))
            pairs = [(row["embeddings"], embeddings[0]), ([row["scene"]], scene)]
            for got, expected in pairs:
                got, expected = np.asarray(got, np.float64), np.asarray(expected, np.float64)
                errors = np.linalg.norm(got - expected, axis=1) / np.linalg.norm(expected, axis=1)
                largest = max(largest, float(errors.max()))
    return {
        "checked": len(chosen),
        "largest relative L2 distance": largest,
        "equal": largest < TOLERANCE,
    }


def memory_report(seen: list[tuple[int, float]]) -> dict:
    """Compare the peak of memory in the first thousand files (or a tenth) with that of the rest."""
    n_files = max(n for n, _ in seen)
    first = min(1000, n_files // 10)
    early = max(mb for n, mb in seen if n <= first)
    late = [mb for n, mb in seen if n > first]
    return {
        "up to file": first,
        "resident until then [MB]": round(early),
        "most after [MB]": round(max(late)),
        "at the end [MB]": round(float(np.median(late[-20:]))),
        "flat": max(late) < early + 100,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument(
        "--checked",
        type=int,
        default=10_000,
        help="files that are compared with direct calls",
    )
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    source, out = arguments.folder / "files", arguments.folder / "out"
    state_path = arguments.folder / "state.json"
    if state_path.exists():
        state = json.loads(state_path.read_text())
    else:
        source.mkdir(parents=True)
        state = {"bad": make_files(source, arguments.files, arguments.seed), "kills": []}

    def keep() -> None:
        with written_whole(state_path) as partial:
            partial.write_text(json.dumps(state, indent=2) + "\n")

    keep()
    while len(state["kills"]) < arguments.kills:
        rng = random.Random(f"{arguments.seed}/{len(state['kills'])}")
        state["kills"].append(kill_sometime(source, out, arguments.files, rng))
        keep()
        print(f"kill {len(state['kills'])}: {state['kills'][-1]}, {n_rows(out)} rows", flush=True)
    if "memory" not in state:
        state["last_run"] = start(source, out, "--both").wait()  # 1: some files failed
        state["memory"] = memory_report(measure_memory(source, arguments.folder / "scenes"))
        keep()
    state["rows"] = check_rows(source, out, state["bad"])
    state["values"] = check_values(source, out, arguments.checked, arguments.seed)
    keep()
    report = {key: state[key] for key in ("kills", "last_run", "rows", "values", "memory")}
    print(json.dumps(report, indent=2))
    right = (
        state["rows"]["every id once"]
        and state["rows"]["in the input's order"]
        and state["rows"]["the bad ones failed, no others"]
        and state["rows"]["leftovers"] == 0
        and state["values"]["equal"]
        and state["memory"]["flat"]
    )
    return int(not right)


if __name__ == "__main__":
    sys.exit(main())
