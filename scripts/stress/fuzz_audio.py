"""Read randomly damaged audio files: each must give samples or a typed error, soon.

Short files of each kind are mutated with the given seed and read by `load_audio` in another
process. Then `corpus embed` reads all of them with an untrained YAMNet. The exit status is 1 after
a crash, a hang, an untyped error, samples that are not finite, more than 1 GB of memory, or a row
of the corpus that differs from `load_audio`.

    python -m scripts.stress.fuzz_audio --cases 230 --seed 1 [--kinds wav,m4a] [--json OUT]
"""

from __future__ import annotations

import argparse
import collections
import json
import multiprocessing
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hear_openl3_yamnet.audio.files import load_audio
from hear_openl3_yamnet.errors import AudioFileError
from scripts.stress.mutations import mutate, peak_memory_kb
from tests.encoded_audio import FFMPEG_KINDS, by_ffmpeg, by_libsndfile, sound

SNDFILE = {
    "wav": ("WAV", "PCM_16"), "gsm.wav": ("WAV", "GSM610"), "adpcm.wav": ("WAV", "IMA_ADPCM"),
    "aiff": ("AIFF", "PCM_24"), "au": ("AU", "ULAW"), "caf": ("CAF", "ALAC_16"),
    "flac": ("FLAC", "PCM_16"), "ogg": ("OGG", "VORBIS"), "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"), "w64": ("W64", "FLOAT"), "rf64": ("RF64", "PCM_16"),
    "voc": ("VOC", "PCM_16"), "sph": ("NIST", "PCM_16"), "8svx": ("SVX", "PCM_16"),
}  # fmt: skip
KINDS = [*SNDFILE, *(kind for kind in FFMPEG_KINDS if kind not in ("alac", "eac3"))]
"""Endings of the names of the files."""

RATE = 16_000
SECONDS = 0.3
HANG_SECONDS = 5.0
MOST_MEMORY_KB = 1_000_000
ADDRESSES_BYTES = 4 << 30
HEAD_BYTES = 256

UNTYPED = re.compile(r"\w+: ")
"""Begins the error of a row if the exception is not one of this package. Else, the path does."""


class Task(NamedTuple):
    """One damaged file."""

    kind: str
    case: int

    @property
    def name(self) -> str:
        """Return the name of its file."""
        return f"{self.case:05}.{self.kind}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=230, help="mutations of each kind of file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--json", type=Path, help="file to write the counts to")
    arguments = parser.parse_args()

    kinds = arguments.kinds.split(",")
    with tempfile.TemporaryDirectory() as folder:
        files, out = Path(folder, "files"), Path(folder, "out")
        files.mkdir()
        report = fuzz(kinds, arguments.cases, arguments.seed, files)
        report["corpus"] = in_corpus(files, out, report.pop("good"))
    for kind in kinds:
        print(kind, json.dumps(report["outcomes"][kind]))
    print(json.dumps({key: value for key, value in report.items() if key != "outcomes"}))
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    failures = report["failures"] + report["corpus"]["failures"]
    print(f"{len(failures)} failures")
    return 1 if failures else 0


def fuzz(kinds: list[str], cases: int, seed: int, folder: Path) -> dict:
    """Write and read mutations of each kind of file, and return what came of them."""
    tasks = [Task(kind, case) for kind in kinds for case in range(cases)]
    outcomes: dict[str, collections.Counter[str]] = {kind: collections.Counter() for kind in kinds}
    good, failures = [], []
    peak, slowest, done = 0, 0.0, 0
    while done < len(tasks):
        ours, theirs = multiprocessing.Pipe()
        worker = multiprocessing.get_context("spawn").Process(
            target=read_mutations, args=(theirs, tasks[done:], seed, folder)
        )
        worker.start()
        theirs.close()
        ours.recv()  # it is ready
        outcome = ""
        while done < len(tasks) and outcome not in ("hang", "crash"):
            began = time.monotonic()
            try:
                outcome, used = ours.recv() if ours.poll(HANG_SECONDS) else ("hang", 0)
            except EOFError:
                outcome, used = "crash", 0
            task, done = tasks[done], done + 1
            slowest, peak = max(slowest, time.monotonic() - began), max(peak, used)
            outcomes[task.kind][outcome] += 1
            if outcome == "samples":
                good.append(task.name)
            elif outcome != "AudioFileError":
                failures.append(f"{task.name}: {outcome}")
        worker.kill()
        worker.join()
    if peak > MOST_MEMORY_KB:
        failures.append(f"{peak} kB of memory")
    return {
        "files": len(tasks),
        "outcomes": {kind: dict(counts) for kind, counts in outcomes.items()},
        "failures": failures,
        "good": good,
        "peak_memory_MB": round(peak / 1000),
        "slowest_s": round(slowest, 2),
    }


def read_mutations(pipe: Connection, tasks: list[Task], seed: int, folder: Path) -> None:
    """Read mutations one by one and report each outcome. This runs in the other process."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESSES_BYTES, ADDRESSES_BYTES))
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libmpg123 prints what it thinks of a file
    bases = {kind: base(kind, folder) for kind in dict.fromkeys(task.kind for task in tasks)}
    pipe.send("ready")
    for task in tasks:
        rng = np.random.Generator(np.random.PCG64([seed, KINDS.index(task.kind), task.case]))
        content = bases[task.kind]
        regions = [(0, HEAD_BYTES), (len(content) - HEAD_BYTES, len(content))]
        path = folder / task.name
        path.write_bytes(mutate(content, regions, rng))
        pipe.send((outcome(path), peak_memory_kb()))


def outcome(path: Path) -> str:
    """Return in a word what comes of a file."""
    try:
        waveform = load_audio(path, RATE)
    except AudioFileError:
        return "AudioFileError"
    except Exception as error:
        return f"untyped {type(error).__name__}: {error}"
    whole = waveform.ndim == 1 and len(waveform) > 0 and np.isfinite(waveform).all()
    return "samples" if whole and waveform.dtype == np.float32 else "wrong samples"


def base(kind: str, folder: Path) -> bytes:
    """Return the content of the undamaged file."""
    if kind in FFMPEG_KINDS:
        rate = FFMPEG_KINDS[kind].rate
        return by_ffmpeg(kind, sound(rate, SECONDS), pictures=kind in ("mp4", "webm"))
    path = folder / "base"
    by_libsndfile(path, *SNDFILE[kind], sound(RATE, SECONDS))
    content = path.read_bytes()
    path.unlink()
    return content


def in_corpus(files: Path, out: Path, good: list[str]) -> dict:
    """Embed all files by the command, and compare its rows with what `load_audio` gave."""
    from hear_openl3_yamnet.corpora import load_corpus

    command = ["corpus", "embed", str(files), str(out), "--scene"]
    command += ["--model", "yamnet", "--weights", "random:1"]
    began = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-m", "hear_openl3_yamnet", *command],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    seconds = time.monotonic() - began
    if not out.exists():
        return {"failures": [f"exit status {ended.returncode}: {ended.stderr[-500:]}"]}
    table = load_corpus(out).table
    rows = {row["id"]: row for row in table.select(["id", "status", "error"]).to_pylist()}
    expected = set(good)
    failures = [f"{name}: no row" for name in os.listdir(files) if name not in rows]
    for name, row in rows.items():
        if (row["status"] == "ok") != (name in expected):
            failures.append(f"{name}: {row['status']} in the corpus ({row['error']})")
        elif row["status"] != "ok" and UNTYPED.match(row["error"]):
            failures.append(f"{name}: {row['error']}")
    return {
        "rows": len(rows),
        "ok": sum(row["status"] == "ok" for row in rows.values()),
        "exit_status": ended.returncode,
        "seconds": round(seconds),
        "peak_memory_MB": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000),
        "failures": failures,
    }


if __name__ == "__main__":
    sys.exit(main())
