"""The measuring scripts run from end to end."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(module, *arguments):
    done = subprocess.run(
        [sys.executable, "-m", f"scripts.{module}", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_gpu_check_without_a_gpu():
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    report = json.loads(run("measure.gpu_check", "--backend", backend, "--tiny"))
    assert report["gpu"] is None
    assert [result["largest_error"] for result in report["parity"]] == [0.0, 0.0]
    assert {result["case"]: result["shape"][2] for result in report["long"]} == {
        "openl3-6144": 6144,
        "yamnet": 1024,
        "openl3-frame-16384": 16384,
    }


@pytest.mark.slow
def test_long_audio_stays_below_its_limit():
    out = run("measure.long_audio", "yamnet", "--minutes", "0.2")
    result = json.loads(out.splitlines()[-1])
    assert result["shape"] == [1, 300, 1024]
    assert 0 < result["beside_embeddings_gb"] < 6


def test_cost_counts_the_published_work():
    """OpenL3: about 20, 10 and 20 GFLOP a window; YAMNet 0.14."""
    rows = [line.split() for line in run("measure.cost").splitlines() if " window " in line]
    assert {row[0]: float(row[2]) for row in rows} == pytest.approx(
        {"linear": 20.3, "mel128": 10.2, "mel256": 20.4, "yamnet": 0.137}, rel=0.01
    )
