"""The full study of HEAR tasks, as a process that resumes."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.labelled.recordings import write_events, write_scenes

ROOT = Path(__file__).parents[2]


def study(folder):
    done = subprocess.run(
        [
            sys.executable, "-m", "scripts.measure.task_study", "--weights", "random",
            "--networks", "yamnet", "--tasks", folder / "tasks", "--cache", folder / "cache",
            "--out", folder / "out", "--skip", "subsampling", "fusion", "pooling",
            "scene pooling", "layers", "YAMNet: frame, layer7",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return [line for line in done.stderr.splitlines() if "embedded in" in line or "probe: " in line]


@pytest.mark.slow
def test_a_tiny_study_runs_and_resumes(tmp_path):
    write_scenes(tmp_path / "tasks")
    write_events(tmp_path / "tasks")
    first = study(tmp_path)
    out = tmp_path / "out"
    written = {path.name: path.read_bytes() for path in out.iterdir()}
    figures = {"differences", "scores-events", "scores-scenes"}
    images = {f"{name}.{kind}" for name in figures for kind in ("png", "svg")}
    assert set(written) == images | {"README.md", "results.jsonl", "scores.csv", "scores.md"}

    rows = [json.loads(line) for line in written["results.jsonl"].decode().splitlines()]
    by_name = {(row["task"], row["way"], row["probe"]): row for row in rows}
    tones = by_name["tones", "log-mel statistics", "linear"]
    assert tones["mean"] == 1.0  # high and low tones are told apart
    assert by_name["tones", "YAMNet: 2 × 3 cells", "two-layer"]["size"] == 6144
    assert by_name["tones", "YAMNet + its log-mel means", "linear"]["size"] == 1024 + 64
    assert len(by_name["tones", "YAMNet: published", "two-layer"]["scores"]) == 3
    assert by_name["beeps", "log-mel statistics", "linear"]["mean"] > 0.9
    assert all(row["interval"][0] <= row["mean"] <= row["interval"][1] for row in rows)
    with (out / "scores.csv").open() as file:
        assert [float(row["mean"]) for row in csv.DictReader(file)] == [r["mean"] for r in rows]
    readme = written["README.md"].decode()
    assert "random:0" in readme
    assert "Not answered by this run, because" in readme

    # a run that was interrupted: one probe's outcome is not there
    next((tmp_path / "cache/outcomes").glob("[!.]*.npz")).unlink()
    assert len(study(tmp_path)) == 1
    assert len(first) == len(rows) + 5  # an outcome each, and five passes that embed
    assert {path.name: path.read_bytes() for path in out.iterdir()} == written
