"""Check and measure a GPU: parity with the CPU, memory of long clips, speed, where the time goes.

    python -m scripts.measure.gpu_check --backend torch > gpu.jsonl
    python -m scripts.measure.gpu_check --backend torch --tiny  # short clips; also without a GPU
    python -m scripts.measure.gpu_check --backend jax --parts parity,twenty

It prints a line of JSON for each result. It fails if the GPU's embeddings in float32 without TF32
are further than 1e-4 (relative L2) from those of the CPU, or if a long clip takes 16 GB of the
GPU's memory.

Precisions: ``float32`` (without TF32), ``tf32`` (float32 with TF32 in convolutions, the default of
all backends), ``bfloat16``, ``float16``. Ways to embed:

- exact: the package's defaults. Windows share convolutions where the result is the same.
- window: ``sharing="off"``, window by window.
- dense: ``framing="dense"``, which is another function.
- plain: the published network as a Keras model, with batch norms apart, in batches of windows.
  The GPU cuts and transforms the frames. PyTorch only, as are capped memory and the profile.
"""

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from . import long_audio, signals

TOLERANCE = 1e-4
LIMIT_GB = 16.0
PARTS = ("parity", "twenty", "memory", "speed", "profile")
PRECISIONS = ("bfloat16", "tf32", "float32", "float16")
PRESETS = ("openl3-mel256-music", "yamnet", "openl3-mel128-music", "openl3-linear-music")
DENSE = {"framing": "dense"}
UNSHARED = {"sharing": "off"}
PARITY: tuple[tuple[str, dict[str, Any], float | None], ...] = (
    *((preset, {}, None) for preset in PRESETS),
    (PRESETS[0], DENSE, None),
    (PRESETS[2], {"time": "frame", "grid": ("all", 1)}, None),
    (PRESETS[2], {}, 50.0),
    (PRESETS[1], {}, 50.0),
)
"""What is compared with the CPU: preset, options, hop in milliseconds (None: the native one)."""

TWENTY: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (PRESETS[0], "bfloat16", {}),
    (PRESETS[0], "bfloat16", UNSHARED),
    (PRESETS[0], "bfloat16", DENSE),
    (PRESETS[0], "tf32", {}),
    (PRESETS[0], "tf32", UNSHARED),
    (PRESETS[0], "float16", {}),
    (PRESETS[0], "float32", {}),
    (PRESETS[1], "bfloat16", {}),
    (PRESETS[1], "tf32", {}),
)
"""What embeds 20 minutes: preset, precision, options."""


def set_up(backend: str, device: str) -> None:
    """Choose backend and device, before any of them is imported."""
    os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if device == "cpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
        os.environ["JAX_PLATFORMS"] = "cpu"
    elif backend == "tensorflow":
        import tensorflow as tf

        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, True)


def set_tf32(backend: str, allowed: bool) -> None:
    """Let float32 convolutions round their factors to TF32, or not."""
    if backend == "torch":
        import torch

        torch.backends.cudnn.allow_tf32 = allowed
    elif backend == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_tensor_float_32_execution(allowed)
    else:
        import jax

        jax.config.update("jax_default_matmul_precision", "tensorfloat32" if allowed else "highest")


def gpu_name(backend: str) -> str | None:
    """Return the GPU's name; None without one."""
    if backend == "torch":
        import torch

        return torch.cuda.get_device_name() if torch.cuda.is_available() else None
    if backend == "tensorflow":
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
        return details.get("device_name", "GPU") if gpus else None
    import jax

    device = jax.devices()[0]
    return None if device.platform == "cpu" else device.device_kind


def peak_device_gb(backend: str) -> float | None:
    """Return the peak of the GPU's memory that this process held; None without a GPU."""
    if gpu_name(backend) is None:
        return None
    if backend == "torch":
        import torch

        return torch.cuda.max_memory_reserved() / 1e9
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.config.experimental.get_memory_info("GPU:0")["peak"] / 1e9
    import jax

    return jax.devices()[0].memory_stats()["peak_bytes_in_use"] / 1e9


def load(model: str, precision: str = "float32", **options: Any) -> Any:
    """Load an untrained model, on the GPU where there is one."""
    import hear_openl3_yamnet as hear

    backend = os.environ["KERAS_BACKEND"]
    set_tf32(backend, precision == "tf32")
    dtype = "float32" if precision == "tf32" else precision
    loaded = hear.load_model(model, weights="random:1", precision=dtype, **options)
    return loaded.to("cuda") if backend == "torch" and gpu_name("torch") else loaded


def embed(model: Any, audio: np.ndarray, hop_ms: float | None = None) -> tuple[np.ndarray, float]:
    """Embed a clip; return the embeddings [shape=(n_windows, size)] and the seconds it took."""
    from keras import ops

    import hear_openl3_yamnet as hear

    began = time.perf_counter()
    embeddings, _ = hear.get_timestamp_embeddings(audio[None], model, hop_ms)
    if os.environ["KERAS_BACKEND"] == "torch" and embeddings.is_cuda:
        import torch

        torch.cuda.synchronize()
    seconds = time.perf_counter() - began
    return ops.convert_to_numpy(embeddings)[0], seconds


def about(backend: str) -> dict[str, Any]:
    """Describe what is measured."""
    set_up(backend, "gpu")
    from importlib.metadata import version

    return {
        "backend": backend,
        "gpu": gpu_name(backend),
        "python": platform.python_version(),
        **{name: version(name) for name in {backend, "keras", "numpy"}},
    }


def embeddings(
    backend: str, device: str, cases: list[tuple], precisions: tuple[str, ...], seconds: float
) -> list[np.ndarray]:
    """Embed notes and noise: for each case, each signal and each precision."""
    set_up(backend, device)
    found = []
    for preset, options, hop_ms in cases:
        for signal in (signals.notes, signals.noise):
            for precision in precisions:
                model = load(preset, precision, **options)
                audio = signal(model.sample_rate, seconds)
                found.append(embed(model, audio, hop_ms)[0])
    return found


def parity(backend: str, tiny: bool) -> Iterator[dict[str, Any]]:
    """Compare the GPU's embeddings with those of the CPU in float32."""
    cases = list(PARITY[:2] if tiny else PARITY)
    precisions = ("float32", "tf32", "bfloat16")[: 1 if tiny else 3]
    seconds = 0.2 if tiny else 1.0
    there = alone(embeddings, backend, "cpu", cases, ("float32",), seconds)
    here = iter(alone(embeddings, backend, "gpu", cases, precisions, seconds))
    pairs = [(case, signal) for case in cases for signal in ("notes", "noise")]
    for ((preset, options, hop_ms), signal), expected in zip(pairs, there, strict=True):
        for precision in precisions:
            yield {
                "preset": preset,
                "options": options,
                "hop_ms": hop_ms or "native",
                "signal": signal,
                "precision": precision,
                "largest_error": largest_error(next(here), expected),
            }


def largest_error(got: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest relative L2 distance of rows."""
    errors = np.linalg.norm(got - expected, axis=-1) / np.linalg.norm(expected, axis=-1)
    return float(errors.max())


def long_clip(backend: str, case: str, cap_gb: float | None, audio: Path) -> dict[str, Any]:
    """Embed a long clip in one call, and measure the peak of the GPU's memory."""
    set_up(backend, "gpu")
    if cap_gb and backend == "torch" and gpu_name("torch"):
        import torch

        total = torch.cuda.mem_get_info()[1] / 1e9
        torch.cuda.set_per_process_memory_fraction(min(1.0, cap_gb / total))
    options = dict(long_audio.CASES[case])
    found, seconds = embed(load(options.pop("model"), "tf32", **options), np.load(audio))
    return {
        "case": case,
        "cap_gb": cap_gb,
        "shape": list(found.shape),
        "seconds": seconds,
        "embeddings_gb": found.nbytes / 1e9,
        "peak_device_gb": peak_device_gb(backend),
    }


def twenty(backend: str, preset: str, precision: str, options: dict, audio: Path) -> dict[str, Any]:
    """Time a long clip in one call twice: with new shapes of arrays, and with known ones."""
    set_up(backend, "gpu")
    model = load(preset, precision, **options)
    clip = np.load(audio)
    embed(model, signals.notes(model.sample_rate, min(30.0, len(clip) / model.sample_rate), 9))
    times = [embed(model, clip)[1] for _ in range(2)]
    minutes = len(clip) / model.sample_rate / 60
    names = {"preset": preset, "precision": precision, "options": options}
    return {**names, "minutes": minutes, "first_s": times[0], "again_s": times[1]}


def speed(
    backend: str, preset: str, precisions: tuple[str, ...], seconds: float
) -> list[dict[str, Any]]:
    """Measure the windows a second of each way, on notes, at the native hop and at 50 ms."""
    set_up(backend, "gpu")
    return [
        row
        for precision in precisions
        for hop_ms in (None, 50.0)
        for row in _speed(backend, preset, precision, hop_ms, seconds)
    ]


def _speed(
    backend: str, preset: str, precision: str, hop_ms: float | None, seconds: float
) -> list[dict[str, Any]]:
    ways: dict[str, Callable[[np.ndarray], np.ndarray]] = {}
    if backend == "torch":
        for batch in (32, 256):
            ways[f"plain, batches of {batch}"] = Plain(preset, precision, hop_ms, batch).embed
    options = {"exact": {}, "window": UNSHARED, "dense": DENSE}
    if preset == "yamnet" or hop_ms is not None:
        options = {"exact": {}}
    for way, extra in options.items():
        model = load(preset, precision, **extra)
        ways[way] = lambda audio, model=model: embed(model, audio, hop_ms)[0]
    rate = model.sample_rate
    names = {"preset": preset, "precision": precision, "hop_ms": hop_ms or "native"}
    rows = []
    for way, function in ways.items():
        clip = signals.notes(rate, seconds)
        function(signals.notes(rate, seconds / 3, 9))
        times = []
        for _ in range(3):
            began = time.perf_counter()
            n_windows = len(function(clip))
            times.append(time.perf_counter() - began)
        rates = {
            "windows_per_s": n_windows / statistics.median(times[1:]),
            "windows_per_s_first": n_windows / times[0],
        }
        rows.append({**names, "way": way, **rates})
    return rows


class Plain:
    """The published network on PyTorch, so many windows at once."""

    def __init__(self, preset: str, precision: str, hop_ms: float | None, batch: int):
        import keras
        import torch

        from hear_openl3_yamnet.backbones import folding
        from hear_openl3_yamnet.config.presets import get_preset

        set_tf32("torch", precision == "tf32")
        found = get_preset(preset)
        self._front_end, backbone = found.front_end, found.backbone
        rate = self._front_end.sample_rate
        samples = backbone.NATIVE_HOP if hop_ms is None else hop_ms * rate / 1000
        self._hop = Fraction(samples)
        self._batch = batch
        keras.config.set_dtype_policy("float32" if precision == "tf32" else precision)
        try:
            network = backbone.keras_model(self._front_end.n_bands, self._front_end.n_frames)
            folding.set_keras_weights(network, backbone.random_weights(1))
            if preset == "yamnet":
                output = network.layers[-2].output  # the mean, before the class scores
            else:
                output = keras.layers.GlobalMaxPooling2D()(network.layers[-1].output)
            self._network = keras.Model(network.inputs, output)
        finally:
            keras.config.set_dtype_policy("float32")
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._bands = torch.as_tensor(self._front_end.bands(), device=self._device)
        self._taper = torch.as_tensor(self._front_end.taper(), device=self._device)

    def embed(self, audio: np.ndarray) -> np.ndarray:
        """Embed a clip."""
        import torch

        from hear_openl3_yamnet.features import framing

        window = self._front_end.window
        starts = framing.centres(framing.count_windows(len(audio), self._hop), self._hop)
        rows = []
        with torch.no_grad():
            padded = np.pad(audio, (window // 2, window))
            samples = torch.as_tensor(padded, device=self._device).unfold(0, window, 1)
            for first in range(0, len(starts), self._batch):
                at = torch.as_tensor(starts[first : first + self._batch], device=self._device)
                x = self._network(self._log_mel(samples[at]), training=False)
                rows.append(x.float().cpu().numpy())
        return np.concatenate(rows)

    def _log_mel(self, windows: Any) -> Any:
        import torch
        from torch.nn.functional import pad

        from hear_openl3_yamnet.features import frontends

        front_end = self._front_end
        length, n_frames = front_end.frame_length, front_end.n_frames
        missing = (n_frames - 1) * front_end.frame_hop + length - front_end.window
        windows = pad(windows, (0, max(0, missing)))
        frames = windows.unfold(1, length, front_end.frame_hop)[:, :n_frames] * self._taper
        frames = frames.reshape(-1, length)
        amplitudes = frontends.band_amplitudes(frames, self._bands, front_end.fft_length)
        index = torch.arange(len(frames), device=self._device).reshape(-1, n_frames)
        return frontends.log_mel(amplitudes, index, front_end)


def profile(options: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Measure how long the GPU is busy on PyTorch while mel256 embeds, and with which kernels."""
    set_up("torch", "gpu")
    import torch
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiler

    model = load(PRESETS[0], "bfloat16", **options)
    audio = signals.notes(model.sample_rate, seconds)
    embed(model, audio)
    activities = [ProfilerActivity.CPU]
    if gpu_name("torch"):
        activities.append(ProfilerActivity.CUDA)
    with profiler(activities=activities) as trace:
        _, traced_s = embed(model, audio)
    kernels: dict[str, float] = {}
    for event in trace.events():
        if event.device_type == torch.autograd.DeviceType.CUDA:
            spent = event.time_range.elapsed_us() / 1e6
            kernels[event.name[:120]] = kernels.get(event.name[:120], 0.0) + spent
    return {
        "options": options,
        "audio_s": seconds,
        "seconds": traced_s,
        "gpu_busy_s": sum(kernels.values()),
        "kernels": dict(sorted(kernels.items(), key=lambda item: -item[1])[:20]),
    }


def write_notes(folder: Path, minutes: float) -> dict[int, Path]:
    """Write a long clip of notes at each sample rate, composed in pieces side by side."""
    n = 20
    files = {}
    for rate in (16000, 48000):
        with ProcessPoolExecutor() as pool:
            pieces = pool.map(signals.notes, [rate] * n, [60 * minutes / n] * n, range(n))
            files[rate] = folder / f"notes-{rate}.npy"
            np.save(files[rate], np.concatenate(list(pieces)))
    return files


def results(
    backend: str, parts: set[str], tiny: bool, folder: Path
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Measure some parts; yield each result with the name of its part."""
    if "parity" in parts:
        for row in parity(backend, tiny):
            yield "parity", row
    files = write_notes(folder, 0.005 if tiny else 20) if parts & {"twenty", "memory"} else {}

    def notes(preset: str) -> Path:
        return files[16000 if preset == "yamnet" else 48000]

    if "twenty" in parts:
        for preset, precision, options in TWENTY[-1:] if tiny else TWENTY:
            yield "twenty", alone(twenty, backend, preset, precision, options, notes(preset))
    if "memory" in parts:
        for cap_gb in (None, LIMIT_GB) if backend == "torch" and not tiny else (None,):
            for case in long_audio.CASES:
                audio = notes(long_audio.CASES[case]["model"])
                yield "memory", alone(long_clip, backend, case, cap_gb, audio)
    if "speed" in parts:
        precisions = PRECISIONS[:1] if tiny else PRECISIONS
        for preset in ("yamnet",) if tiny else PRESETS:
            for row in alone(speed, backend, preset, precisions, 0.2 if tiny else 60):
                yield "speed", row
    if "profile" in parts and backend == "torch":
        for options in (DENSE,) if tiny else ({}, UNSHARED, DENSE):
            yield "profile", alone(profile, options, 0.2 if tiny else 60)


def alone(function: Any, *arguments: Any) -> Any:
    """Call a function in a process of its own: backends and peaks do not mix."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", choices=("tensorflow", "torch", "jax"), default="tensorflow")
    parser.add_argument("--tiny", action="store_true", help="short clips; needs no GPU")
    parser.add_argument(
        "--parts",
        type=lambda names: names.split(","),
        default=PARTS,
        help=f"names with commas between them, out of {','.join(PARTS)}; all by default",
    )
    arguments = parser.parse_args()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}")
    described = alone(about, arguments.backend)
    print(json.dumps({"part": "about", **described}), flush=True)
    if described["gpu"] is None and not arguments.tiny:
        print("No GPU was found; --tiny runs without one.", file=sys.stderr)
        return 1
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        for part, row in results(
            arguments.backend, set(arguments.parts), arguments.tiny, Path(folder)
        ):
            print(json.dumps({"part": part, **row}), flush=True)
            if part == "parity" and row["precision"] == "float32":
                failed |= not row["largest_error"] <= TOLERANCE  # nan fails too
            failed |= part == "memory" and (row["peak_device_gb"] or 0) >= LIMIT_GB
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
