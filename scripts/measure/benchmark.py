"""Compare the speed of the ways to embed, on the CPU and with TensorFlow.

    python -m scripts.measure.benchmark --quick   # two minutes: two networks, short clips, one run
    python -m scripts.measure.benchmark           # all of it, into docs/benchmark.json and .md

The ways:

plain     as the published packages: batches of 32 windows through a Keras model with its batch
          norms; the STFT frames of each window are computed separately
window    this package with sharing="off": batch norms are folded, STFT frames are shared
exact     this package with default options: windows share convolutions if this is exact and faster
bfloat16  the same with precision="bfloat16"
dense     framing="dense", which is another function (docs/performance.md)

Each way runs in its own process, whose peak of memory is measured. Each round runs every way once,
and ratios are computed within a round. The results are medians over rounds. Each way is warmed up
first. Only the cost of shared windows depends on the sound, so that other ways are measured on the
beginning of the clip.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import statistics
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from hear_openl3_yamnet.files import written_whole

from . import signals

DOCS = Path(__file__).parents[2] / "docs"
NETWORKS = ("openl3-linear-music", "openl3-mel128-music", "openl3-mel256-music", "yamnet")
HOPS = {"native": 1, "50 ms": None, "scene": 12}
"""Number of native hops; None means 50 ms."""

WAYS: dict[str, dict[str, str] | None] = {
    "plain": None,
    "window": {"sharing": "off"},
    "exact": {},
    "bfloat16": {"precision": "bfloat16"},
    "dense": {"framing": "dense"},
}
SHORT_CLIPS = (("openl3-mel128-music", 1), ("openl3-mel128-music", 4), ("yamnet", 4), ("yamnet", 1))
"""Networks and numbers of native hops for the measurement of short clips."""

PLAIN_BATCH = 32
"""The default of Keras and of the published package."""


class Plain:
    """The published network: windows share no frames, and batch norms are not folded."""

    def __init__(self, name: str):
        import keras
        import tensorflow as tf

        from hear_openl3_yamnet.backbones import folding
        from hear_openl3_yamnet.config.presets import get_preset
        from hear_openl3_yamnet.features import frontends

        preset = get_preset(name)
        front_end, backbone = preset.front_end, preset.backbone
        network = backbone.keras_model(front_end.n_bands, front_end.n_frames)
        folding.set_keras_weights(network, backbone.random_weights(1))
        if name == "yamnet":
            output = network.layers[-2].output  # the mean, before the class scores
        else:
            output = keras.layers.GlobalMaxPooling2D()(network.layers[-1].output)
        self._network = keras.Model(network.inputs, output)
        self._front_end = front_end
        bands = tf.constant(front_end.bands())
        everything = front_end.n_frames

        @tf.function(reduce_retracing=True)
        def log_mel(frames: Any) -> Any:
            amplitudes = frontends.band_amplitudes(frames, bands, front_end.fft_length)
            index = tf.reshape(tf.range(tf.shape(frames)[0]), (-1, everything))
            return frontends.log_mel(amplitudes, index, front_end)

        self._log_mel = log_mel

    def embed(self, audio: Any, n_windows: int, hop: Any) -> None:
        """Embed the first windows of a clip."""
        import numpy as np

        from hear_openl3_yamnet.features import frames, framing

        starts = framing.centres(n_windows, hop) - self._front_end.window // 2
        for first in range(0, n_windows, PLAIN_BATCH):
            cut = []
            for start in starts[first : first + PLAIN_BATCH]:
                table = frames.frame_table(np.array([start]), self._front_end)
                cut.append(frames.cut_frames(audio, table, self._front_end))
            self._network.predict_on_batch(self._log_mel(np.concatenate(cut)))


class Packaged:
    """A model of this package."""

    def __init__(self, name: str, options: dict[str, str]):
        import hear_openl3_yamnet as hear

        self._model = hear.load_model(model=name, weights="random:1", **options)

    def embed(self, audio: Any, n_windows: int, hop: Any) -> None:
        """Embed the first windows of a clip."""
        from hear_openl3_yamnet.engine.request import Request

        (network,) = self._model.ensemble.networks
        for _ in network.embed(Request([audio], [n_windows], hop, self._model.sample_rate)):
            pass


_loaded: dict[tuple[str, str], Any] = {}


def run(name: str, way: str, signal: str, seconds: float, hop_name: str, most: int) -> dict | None:
    """Embed at most `most` windows of a signal. This runs in the process of one way."""
    from fractions import Fraction

    from hear_openl3_yamnet.config.presets import get_preset
    from hear_openl3_yamnet.features import framing

    if (name, way) not in _loaded:
        options = WAYS[way]
        _loaded[name, way] = Plain(name) if options is None else Packaged(name, options)
        warm_up = signals.noise(get_preset(name).sample_rate, 2)
        for _ in range(2):
            _loaded[name, way].embed(warm_up, 40, Fraction(get_preset(name).backbone.NATIVE_HOP))
    rate = get_preset(name).sample_rate
    native_hops = HOPS[hop_name]
    hop = (
        Fraction(rate, 20)
        if native_hops is None
        else Fraction(native_hops * get_preset(name).backbone.NATIVE_HOP)
    )
    audio = _signal(signal, rate, seconds)
    n_windows = min(most, framing.count_windows(len(audio), hop))
    began = time.perf_counter()
    _loaded[name, way].embed(audio, n_windows, hop)
    elapsed = time.perf_counter() - began
    return {
        "windows": n_windows,
        "windows_per_s": n_windows / elapsed,
        "audio_s_per_s": n_windows * float(hop) / rate / elapsed,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
    }


_signals: dict[tuple, Any] = {}


def _signal(signal: str, rate: int, seconds: float) -> Any:
    if (signal, rate, seconds) not in _signals:
        _signals[signal, rate, seconds] = signals.SIGNALS[signal](rate, seconds)
    return _signals[signal, rate, seconds]


def short_clips(name: str, seconds: int, native_hops: int) -> dict:
    """Embed `seconds` clips of 1 s, and one clip of the same total length."""
    import numpy as np

    import hear_openl3_yamnet as hear

    model = hear.load_model(model=name, weights="random:1")
    long = _signal("notes", model.sample_rate, seconds)[None]
    short = long.reshape(seconds, -1)
    hear.get_timestamp_embeddings(short[:2], model)
    hop = native_hops * model.hop_size
    rates: dict[str, list[float]] = {"short": [], "long": []}
    for _ in range(3):
        for key, audio in (("short", short), ("long", long)):
            began = time.perf_counter()
            embeddings, _ = hear.get_timestamp_embeddings(audio, model, hop)
            n_windows = int(np.prod(embeddings.shape[:2]))
            rates[key].append(n_windows / (time.perf_counter() - began))
    ratios = [short / long for short, long in zip(rates["short"], rates["long"], strict=True)]
    medians = {key: statistics.median(values) for key, values in rates.items()}
    return {
        "network": name,
        "clips": seconds,
        "native_hops": native_hops,
        **medians,
        "ratio": statistics.median(ratios),
    }


def matmul_gflops() -> float:
    """Return the GFLOP/s of a large float32 matrix product, the practical peak of the machine."""
    import tensorflow as tf

    n = 4096
    x = tf.random.normal((n, n))
    rates = []
    for _ in range(6):
        began = time.perf_counter()
        tf.matmul(x, x).numpy()
        rates.append(2 * n**3 / (time.perf_counter() - began) / 1e9)
    return statistics.median(rates[1:])


def machine() -> dict:
    """Describe the machine and the installed versions."""
    from importlib.metadata import version

    info = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    model = next((x.split(":")[1].strip() for x in info.splitlines() if "model name" in x), "")
    flags = next((x.split(":")[1].split() for x in info.splitlines() if "flags" in x), [])
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16")
    return {
        "cpu": model or platform.processor(),
        "cores": os.cpu_count(),
        "flags": {flag: flag in flags for flag in wanted},
        "python": platform.python_version(),
        **{name: version(name) for name in ("tensorflow", "keras", "numpy")},
        "load_average_at_start": os.getloadavg()[0],
        "began": datetime.now(timezone.utc).isoformat(timespec="minutes"),
    }


def cells(name: str, quick: bool) -> list[tuple[str, str, str, float, int]]:
    """List a network's measurements: hop, signal, way, length of the clip [s], most windows."""
    found = []
    target = name == "openl3-mel256-music"
    few = 16 if quick else 32
    for hop in ("native",) if quick else HOPS:
        for signal in ("notes",) if quick else ("noise", "notes", "speech"):
            for way in WAYS:
                if way == "dense" and (name == "yamnet" or HOPS[hop] is None):
                    continue
                if way == "bfloat16" and (quick or hop != "native" or signal != "notes"):
                    continue
                shares = way in ("exact", "bfloat16") and HOPS[hop] is not None
                if name == "yamnet":
                    seconds, most = 60.0, 1500 if way != "plain" else 300
                elif shares or way == "dense":
                    whole = target and hop == "native" and signal != "noise"
                    seconds, most = (60.0 if whole else 10.0), 10**6
                    if hop == "scene":
                        seconds = 20.0
                    if way == "bfloat16" or quick:
                        seconds = 6.0
                else:
                    seconds, most = 60.0, few
                found.append((hop, signal, way, seconds, most))
    return found


def measure(name: str, rounds: int, quick: bool) -> list[dict]:
    """Measure the `cells` of a network in rounds, and return one result for each."""
    import shutil

    spawn = multiprocessing.get_context("spawn")
    wanted = cells(name, quick)
    if shutil.which("espeak-ng") is None:
        print("espeak-ng is not installed: no speech")
        wanted = [cell for cell in wanted if cell[1] != "speech"]
    pools = {way: ProcessPoolExecutor(1, spawn) for way in {cell[2] for cell in wanted}}
    runs: dict[tuple, list[dict]] = {cell: [] for cell in wanted}
    for number in range(rounds):
        for cell in wanted:
            hop, signal, way, seconds, most = cell
            future = pools[way].submit(run, name, way, signal, seconds, hop, most)
            runs[cell].append(future.result())
        print(f"{name}: round {number + 1} of {rounds}", file=sys.stderr, flush=True)
    for pool in pools.values():
        pool.shutdown()
    results = []
    for (hop, signal, way, _, _), measured in runs.items():
        first = next(r for c, r in runs.items() if c[:3] == (hop, signal, "plain"))
        results.append(
            {
                "network": name,
                "hop": hop,
                "signal": signal,
                "way": way,
                "windows": measured[0]["windows"],
                "windows_per_s": statistics.median(x["windows_per_s"] for x in measured),
                "audio_s_per_s": statistics.median(x["audio_s_per_s"] for x in measured),
                "ratio": statistics.median(
                    x["windows_per_s"] / plain["windows_per_s"]
                    for x, plain in zip(measured, first, strict=True)
                ),
                "peak_gb": max(x["peak_gb"] for x in measured),
                "all_windows_per_s": [round(x["windows_per_s"], 2) for x in measured],
            }
        )
    return results


def table(report: dict) -> str:
    """Return the report as a Markdown page."""
    about = report["machine"]
    flags = ", ".join(f"{k}: {'yes' if v else 'no'}" for k, v in about["flags"].items())
    lines = [
        "# Benchmark",
        "",
        "`scripts/measure/benchmark.py` writes this page and explains the ways. The numbers are "
        f"medians of {report['rounds']} interleaved rounds. Ratios are relative to plain, within "
        "a round.",
        "",
        f"{about['cpu']}, {about['cores']} cores ({flags}); TensorFlow {about['tensorflow']}, "
        f"Keras {about['keras']}, NumPy {about['numpy']}, Python {about['python']}; "
        f"{about['began']}, load average at start {about['load_average_at_start']:.2f}. "
        f"A 4096 × 4096 float32 matrix product runs at {report['matmul_gflops']:.0f} GFLOP/s here.",
    ]
    for name in dict.fromkeys(r["network"] for r in report["results"]):
        lines += ["", f"## {name}", ""]
        lines += ["| hop | signal | way | windows/s | audio s/s | × plain | peak GB |"]
        lines += ["|---|---|---|---:|---:|---:|---:|"]
        for r in report["results"]:
            if r["network"] == name:
                lines.append(
                    f"| {r['hop']} | {r['signal']} | {r['way']} | {r['windows_per_s']:.1f} | "
                    f"{r['audio_s_per_s']:.2f} | {r['ratio']:.2f} | {r['peak_gb']:.2f} |"
                )
    if report["short_clips"]:
        lines += [
            "",
            "## Many short clips",
            "",
            "Clips of 1 s, compared with one clip of the same total length.",
            "",
        ]
        lines += ["| network | clips | hop | windows/s, short | windows/s, long | ratio |"]
        lines += ["|---|---:|---:|---:|---:|---:|"]
        for r in report["short_clips"]:
            lines.append(
                f"| {r['network']} | {r['clips']} | {r['native_hops']} native | "
                f"{r['short']:.1f} | {r['long']:.1f} | "
                f"{r['ratio']:.2f} |"
            )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="takes two minutes and writes no file")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=NETWORKS)
    arguments = parser.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    quick = arguments.quick
    report: dict[str, Any] = {
        "machine": machine(),
        "rounds": 1 if quick else arguments.rounds,
        "results": [],
        "short_clips": [],
    }
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        report["matmul_gflops"] = pool.submit(matmul_gflops).result()
    names = ("openl3-mel128-music", "yamnet") if quick else arguments.networks
    for name in names:
        report["results"] += measure(name, report["rounds"], quick)
        if not quick:
            _write(report)
    for name, hops in SHORT_CLIPS[-1:] if quick else SHORT_CLIPS:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            report["short_clips"].append(pool.submit(short_clips, name, 64, hops).result())
    if not quick:
        _write(report)
    print(table(report))


def _write(report: dict) -> None:
    texts = {"benchmark.json": json.dumps(report, indent=1) + "\n", "benchmark.md": table(report)}
    for name, text in texts.items():
        with written_whole(DOCS / name) as partial:
            partial.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
