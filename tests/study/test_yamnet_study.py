"""The study of YAMNet's heads, as a process that resumes."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.measure.yamnet_study.configurations import event_variants, scene_variants
from tests.labelled.recordings import write_events, write_scenes

ROOT = Path(__file__).parents[2]


def test_every_configuration_is_one_that_load_model_takes():
    for variants, of_events in ((scene_variants, False), (event_variants, True)):
        found = variants("starter")
        assert len({variant.name for variant in found}) == len(found)
        distinct = {variant.networks or variant.baseline for variant in found}
        assert len(distinct) == len(found)
        assert all(variant.size(of_events) > 0 for variant in found)


def study(folder, *more):
    done = subprocess.run(
        [
            sys.executable, "-m", "scripts.measure.yamnet_study", folder / "tasks",
            "--weights", "starter", "--kept-back", "kept", "--cache", folder / "cache",
            "--out", folder / "out", *more,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=600,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return [line for line in done.stderr.splitlines() if "probe: " in line]


@pytest.mark.slow
def test_a_tiny_study_writes_tables_and_a_figure(tmp_path):
    write_scenes(tmp_path / "tasks")
    write_scenes(tmp_path / "tasks", "kept")
    write_events(tmp_path / "tasks")
    of_one_task = study(tmp_path, "--task", "tones")
    assert len(of_one_task) == len(scene_variants("starter"))
    assert not (tmp_path / "out").exists()
    lines = study(tmp_path)
    assert not [line for line in lines if line.startswith("tones: ")]  # it is done
    assert 2 <= len([line for line in lines if line.startswith("kept: ")]) <= 3
    out = tmp_path / "out"
    assert {path.name for path in out.iterdir()} == {"scores.csv", "tables.md", "leads.png"}
    with (out / "scores.csv").open() as file:
        rows = {(row["task"], row["configuration"]): row for row in csv.DictReader(file)}
    assert float(rows["tones", "log-mel statistics"]["score"]) == 1.0
    assert float(rows["beeps", "as submitted in 2021"]["score"]) == 0.0
    assert float(rows["beeps", "YAMNet as published"]["score"]) > 0.5
    tables = (out / "tables.md").read_text()
    for heading in ("## The tasks", "## Whole clips", "## Kept back, looked at once", "## Events"):
        assert heading in tables
