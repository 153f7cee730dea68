"""Check and measure a GPU: the CPU's embeddings, speed at each precision, memory of long clips.

    python -m scripts.measure.gpu_check --backend torch > gpu.json
    python -m scripts.measure.gpu_check --backend torch --tiny  # short clips; also where no GPU is

Prints JSON. Fails when a GPU's embeddings are not those of the CPU (1e-3 relative in float32: GPUs
multiply in TF32 or in another order), or a long clip takes 16 GB of its memory.
"""

import argparse
import json
import multiprocessing
import os
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

from . import long_audio, signals

TOLERANCE = 1e-3
LIMIT_GB = 16.0
PRESETS = ("openl3-mel256-music", "yamnet")


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


def load(**options: Any) -> Any:
    """Load an untrained model, on the GPU where there is one."""
    import hear_openl3_yamnet as hear

    model = hear.load_model(weights="random:1", **options)
    if os.environ["KERAS_BACKEND"] == "torch" and gpu_name("torch"):
        model = model.to("cuda")
    return model


def embed(backend: str, device: str, preset: str, seconds: float) -> np.ndarray:
    """Embed notes and noise in float32."""
    set_up(backend, device)
    from keras import ops

    import hear_openl3_yamnet as hear

    model = load(model=preset)
    audio = np.stack([f(model.sample_rate, seconds) for f in (signals.notes, signals.noise)])
    return ops.convert_to_numpy(hear.get_timestamp_embeddings(audio, model)[0])


def speed(backend: str, device: str, preset: str, precision: str, seconds: float) -> dict:
    """Embed notes twice, and time the second call."""
    set_up(backend, device)
    import hear_openl3_yamnet as hear

    model = load(model=preset, precision=precision)
    audio = signals.notes(model.sample_rate, seconds)[None]
    hear.get_timestamp_embeddings(audio, model)
    began = time.perf_counter()
    embeddings, _ = hear.get_timestamp_embeddings(audio, model)
    rate = embeddings.shape[1] / (time.perf_counter() - began)
    return {"preset": preset, "precision": precision, "windows_per_s": round(rate, 1)}


def long_clip(backend: str, device: str, case: str, minutes: float) -> dict:
    """Embed a long clip in one call."""
    set_up(backend, device)
    import hear_openl3_yamnet as hear

    model = load(**long_audio.CASES[case])
    audio = signals.notes(model.sample_rate, 60 * minutes)[None]
    began = time.perf_counter()
    embeddings, _ = hear.get_timestamp_embeddings(audio, model)
    return {
        "case": case,
        "minutes": minutes,
        "shape": list(embeddings.shape),
        "seconds": round(time.perf_counter() - began, 1),
        "peak_device_gb": peak_device_gb(backend),
    }


def about(backend: str, device: str) -> dict:
    """Describe what is measured."""
    set_up(backend, device)
    from importlib.metadata import version

    return {
        "backend": backend,
        "gpu": gpu_name(backend),
        "python": platform.python_version(),
        **{name: version(name) for name in {backend, "keras", "numpy"}},
    }


def alone(function: Any, *arguments: Any) -> Any:
    """Call a function in a process of its own: backends and peaks do not mix."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backend", choices=("tensorflow", "torch", "jax"), default="tensorflow")
    parser.add_argument("--tiny", action="store_true", help="short clips, float32 and bfloat16")
    arguments = parser.parse_args()
    backend, tiny = arguments.backend, arguments.tiny
    report = {**alone(about, backend, "gpu"), "parity": [], "speed": [], "long": []}
    if report["gpu"] is None and not tiny:
        print("No GPU was found; --tiny runs without one.", file=sys.stderr)
        return 1
    for preset in PRESETS:
        here, there = (
            alone(embed, backend, device, preset, 0.2 if tiny else 5) for device in ("gpu", "cpu")
        )
        errors = np.linalg.norm(here - there, axis=-1) / np.linalg.norm(there, axis=-1)
        report["parity"].append({"preset": preset, "largest_error": float(errors.max())})
        for precision in ("float32", "bfloat16") if tiny else ("float32", "bfloat16", "float16"):
            seconds = 0.2 if tiny else 60
            report["speed"].append(alone(speed, backend, "gpu", preset, precision, seconds))
    for case in long_audio.CASES:
        report["long"].append(alone(long_clip, backend, "gpu", case, 0.005 if tiny else 20))
    print(json.dumps(report, indent=1))
    wrong = any(result["largest_error"] > TOLERANCE for result in report["parity"])
    large = any((result["peak_device_gb"] or 0) >= LIMIT_GB for result in report["long"])
    return int(wrong or large)


if __name__ == "__main__":
    sys.exit(main())
