"""The check of a GPU passes when its embeddings are those of the CPU, and fails otherwise."""

import json
import os
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from hear_openl3_yamnet import load_model
from hear_openl3_yamnet.backbones import yamnet
from scripts.measure import gpu_check

BACKEND = os.environ.get("KERAS_BACKEND", "tensorflow")
KERNEL = "layer7_pointwise/kernel"


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """Run the comparison in this process, where "the GPU" has one kernel off by a factor."""

    def check(factor: float, peak_gb: float = 1.0) -> tuple[int, float]:
        device = []
        files = {"gpu": tmp_path / "gpu.safetensors", "cpu": tmp_path / "cpu.safetensors"}
        weights = yamnet.random_weights(1)
        save_file(weights, files["cpu"])
        save_file({**weights, KERNEL: weights[KERNEL] * np.float32(factor)}, files["gpu"])
        monkeypatch.setattr(gpu_check, "set_up", lambda backend, name: device.append(name))
        monkeypatch.setattr(
            gpu_check,
            "load",
            lambda model, precision: load_model(model, weights=str(files[device[-1]])),
        )
        monkeypatch.setenv("KERAS_BACKEND", BACKEND)
        monkeypatch.setattr(gpu_check, "alone", lambda function, *arguments: function(*arguments))
        monkeypatch.setattr(
            gpu_check, "write_notes", lambda *arguments: dict.fromkeys((16000, 48000), tmp_path)
        )
        for part in ("twenty", "profile"):
            monkeypatch.setattr(gpu_check, part, lambda *arguments: {})
        monkeypatch.setattr(gpu_check, "PARITY", (("yamnet", {}, None),))
        monkeypatch.setattr(gpu_check, "speed", lambda *arguments: [])
        monkeypatch.setattr(gpu_check, "long_clip", lambda *arguments: {"peak_device_gb": peak_gb})
        monkeypatch.setattr(sys, "argv", ["gpu_check", "--backend", BACKEND, "--tiny"])
        status = gpu_check.main()
        rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return status, max(row["largest_error"] for row in rows if row["part"] == "parity")

    return check


def test_embeddings_within_the_tolerance_pass(check):
    status, largest_error = check(1 + 1e-5)
    assert 0 < largest_error < gpu_check.TOLERANCE
    assert status == 0


def test_embeddings_beyond_the_tolerance_fail(check):
    status, largest_error = check(1.005)
    assert largest_error > gpu_check.TOLERANCE
    assert status == 1


def test_a_long_clip_that_takes_too_much_memory_fails(check):
    status, largest_error = check(1.0, peak_gb=gpu_check.LIMIT_GB)
    assert largest_error == 0
    assert status == 1
