"""Read randomly damaged weights files: each must give whole weights or a typed error.

Each kind of file (HDF5 of Keras 2 and of Keras 3, gzip, safetensors, TFLite of floats and of 8-bit
integers) is mutated with the given seed, and read in a process whose address space is limited to
2 GiB. Crashes, hangs and untyped errors are counted, and the peak of memory is measured. The exit
status is 1 after a crash, a hang, an untyped error, or weights that are not finite arrays of the
right shapes.

    python -m scripts.stress.fuzz_weights --cases 2000 --seed 1 [--kinds hdf5,gzip] [--json OUT]
"""

from __future__ import annotations

import argparse
import collections
import gzip
import json
import multiprocessing
import re
import resource
import struct
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

import h5py
import numpy as np

from hear_openl3_yamnet.backbones import get_backbone
from hear_openl3_yamnet.backbones.folding import set_keras_weights
from hear_openl3_yamnet.errors import HearError
from hear_openl3_yamnet.weights.formats.tflite_graph import read_graph
from hear_openl3_yamnet.weights.reading import read_weights, weight_shapes
from scripts.stress.mutations import Regions, mutate, peak_memory_kb
from tests.seeded_weights import write_yamnet
from tests.weights.tflite_files import write_tflite

NETWORK = "yamnet"  # has the most weights, and therefore the most metadata to damage
MEMORY_LIMIT_BYTES = 2 << 30
HANG_SECONDS = 60.0
KINDS = ("hdf5", "keras3", "gzip", "safetensors", "tflite", "tflite8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=2000, help="mutations of each kind of file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--json", type=Path, help="file to write the counts to")
    arguments = parser.parse_args()

    report = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in arguments.kinds.split(","):
            report[kind] = fuzz(kind, arguments.cases, arguments.seed, Path(folder))
            print(kind, json.dumps(report[kind]), flush=True)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    failures = sum(
        count
        for counts in report.values()
        for outcome, count in counts["outcomes"].items()
        if outcome != "good" and not outcome.startswith("Weights")
    )
    print(f"{failures} failures")
    return 1 if failures else 0


def fuzz(kind: str, cases: int, seed: int, folder: Path) -> dict:
    """Read `cases` mutations of one kind of file, and return the counts of their outcomes."""
    base = make_base(kind, folder)
    outcomes: collections.Counter[str] = collections.Counter()
    peak, slowest, case = 0, 0.0, 0
    while case < cases:
        ours, theirs = multiprocessing.Pipe()
        worker = multiprocessing.get_context("spawn").Process(
            target=read_mutations, args=(theirs, kind, base, seed, case, cases, folder)
        )
        worker.start()
        theirs.close()
        while case < cases:
            started = time.monotonic()
            try:
                if not ours.poll(HANG_SECONDS):
                    outcome = "hang"
                else:
                    outcome, used = ours.recv()
                    peak = max(peak, used)
            except EOFError:
                outcome = "crash"
            slowest = max(slowest, time.monotonic() - started)
            outcomes[outcome] += 1
            if outcome in ("hang", "crash") or outcome.startswith(("untyped", "wrong")):
                print(f"  {kind} case {case} of seed {seed}: {outcome}", flush=True)
            case += 1
            if outcome in ("hang", "crash"):
                break
        worker.kill()
        worker.join()
    return {
        "cases": cases,
        "outcomes": dict(outcomes),
        "peak_memory_MB": round(peak / 1024),
        "slowest_s": round(slowest, 2),
    }


def read_mutations(
    pipe: Connection, kind: str, base: Path, seed: int, first: int, cases: int, folder: Path
) -> None:
    """Read mutations one by one and report each outcome. This runs in the limited process."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    content = base.read_bytes()
    regions = metadata_regions(kind, base)
    shapes = weight_shapes(NETWORK)
    for case in range(first, cases):
        rng = np.random.Generator(np.random.PCG64([seed, KINDS.index(kind), case]))
        path = folder / "mutated"
        path.write_bytes(mutate(content, regions, rng))
        try:
            weights = read_weights(path, NETWORK)
            whole = {n: w.shape for n, w in weights.items() if np.isfinite(w).all()} == shapes
            outcome = "good" if whole else "wrong arrays"
        except HearError as error:
            outcome = type(error).__name__
            if ended := re.search(r"the process that read it ended with (\S+)", str(error)):
                outcome += f", guarded from {ended[1]}"
        except Exception as error:
            outcome = f"untyped {type(error).__name__}: {error}"
        pipe.send((outcome, peak_memory_kb()))


def make_base(kind: str, folder: Path) -> Path:
    """Write the undamaged seeded file."""
    published = write_yamnet(folder / "yamnet.h5")
    if kind == "hdf5":
        return published
    if kind == "gzip":
        packed = folder / "yamnet.h5.gz"
        packed.write_bytes(gzip.compress(published.read_bytes(), 1))
        return packed
    if kind.startswith("tflite"):
        path = folder / f"{kind}.tflite"
        # elsewhere: the memory that TensorFlow takes would count as that of the reader
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            pool.apply(convert_to_tflite, (published, path))
        return path
    from hear_openl3_yamnet.weights.convert import convert

    converted = folder / ("yamnet.weights.h5" if kind == "keras3" else "yamnet.safetensors")
    convert(published, converted, NETWORK)
    return converted


def convert_to_tflite(published: Path, path: Path) -> None:
    """Write a TFLite file of the undamaged weights, of floats or of 8-bit integers."""
    model = get_backbone(NETWORK).keras_model()
    set_keras_weights(model, read_weights(published, NETWORK))
    write_tflite(path, model, "dynamic" if path.stem.endswith("8") else "float32")


def metadata_regions(kind: str, path: Path) -> Regions:
    """Return the byte ranges (start, end) of a file that hold no values of weights."""
    size = path.stat().st_size
    if kind == "gzip":
        return [(0, 64), (size - 64, size)]
    if kind == "safetensors":
        return [(0, 8 + struct.unpack("<Q", path.read_bytes()[:8])[0])]
    values: Regions = []
    if kind.startswith("tflite"):
        image = path.read_bytes()
        start = np.frombuffer(image, "u1").ctypes.data
        for tensor in read_graph(image, path).tensors:
            if tensor.data is not None:
                offset = tensor.data.ctypes.data - start
                values.append((offset, offset + len(tensor.data)))
        return between(values, size)

    def note(_: str, item: h5py.Group | h5py.Dataset) -> None:
        if isinstance(item, h5py.Dataset):
            offset = item.id.get_offset()
            values.append((offset, offset + item.id.get_storage_size()))

    with h5py.File(path) as file:
        file.visititems(note)
    return between(values, size)


def between(values: Regions, size: int) -> Regions:
    """Return the byte ranges of a file of `size` bytes that lie outside of others."""
    starts = [0, *sorted(end for _, end in values)]
    ends = [*sorted(start for start, _ in values), size]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if start < end]


if __name__ == "__main__":
    sys.exit(main())
