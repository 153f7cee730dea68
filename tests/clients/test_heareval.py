"""HEAR's own kit runs on this package, unpatched: scripts/heareval/heareval.sh --small."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.labelled.recordings import RATE, write_event_manifest, write_tones

ROOT = Path(__file__).parents[2]
MODELS = {
    "hear_openl3_yamnet-model=hear2021-yamnet-weights=random-0",
    "hear_openl3_yamnet.baselines.log_mel_statistics",
}
METRICS = {"synth_pitch-v1-small": "pitch_acc", "synth_events-v1-small": "event_onset_200ms_fms"}


@pytest.mark.slow
def test_heareval_scores_two_models_on_two_small_tasks(tmp_path):
    options = ["--small", "--tasks", tmp_path / "tasks", "--results", tmp_path]
    subprocess.run(
        ["bash", ROOT / "scripts/heareval/heareval.sh", *options],
        check=True,
        timeout=1200,
        env={**os.environ, "HEAREVAL_ENVIRONMENT": sys.prefix, "CUDA_VISIBLE_DEVICES": ""},
    )
    scores = {
        (path.parent.parent.name, path.parent.name): json.loads(path.read_text())["test"]
        for path in tmp_path.glob("embeddings/*/*/test.predicted-scores.json")
    }
    assert set(scores) == {(model, task) for model in MODELS for task in METRICS}
    for (_, task), score in scores.items():
        assert math.isfinite(score["test_score"])
        assert score["test_score"] == score[f"test_{METRICS[task]}"]
    # of 24 pitches, a model that hears nothing gets one in 24; log-mel statistics got 14 in 48
    log_mel = scores["hear_openl3_yamnet.baselines.log_mel_statistics", "synth_pitch-v1-small"]
    assert log_mel["test_score"] > 3 / 24
    header, *rows = (tmp_path / "evaluation.csv").read_text().splitlines()
    assert set(header.split(",")[3:]) == MODELS
    assert {row.split(",")[0] for row in rows} == {*METRICS, "all tasks"}


@pytest.mark.slow
def test_heareval_scores_tasks_made_of_recordings(tmp_path):
    write_tones(tmp_path / "tones")
    events = write_event_manifest(tmp_path / "beeps")
    rates = ["--sample-rate", str(RATE), "--sample-rate", "48000"]
    for data, group in ((tmp_path / "tones", ["--group-from", r"/(s\d+)_", "--folds", "3"]),
                        (events, ["--group", "recorder"])):  # fmt: skip
        command = [sys.executable, "-m", "hear_openl3_yamnet", "tasks", "from", data]
        subprocess.run([*command, tmp_path / "tasks", *group, *rates], check=True, timeout=120)
    models = tmp_path / "models.txt"
    models.write_text("hear_openl3_yamnet.baselines.log_mel_statistics *\n")
    options = ["--tasks", tmp_path / "tasks", "--models", models, "--results", tmp_path]
    subprocess.run(
        ["bash", ROOT / "scripts/heareval/heareval.sh", *options, "--grid", "fast",
         "--grid-points", "1"],
        check=True,
        timeout=1200,
        env={**os.environ, "HEAREVAL_ENVIRONMENT": sys.prefix, "CUDA_VISIBLE_DEVICES": ""},
    )  # fmt: skip
    scores = {
        path.parent.name: json.loads(path.read_text())["aggregated_scores"]
        for path in tmp_path.glob("embeddings/*/*/test.predicted-scores.json")
    }
    assert set(scores) == {"tones-v1-full", "events-v1-full"}
    assert scores["tones-v1-full"]["test_score_mean"] > 0.8  # low and high tones
    assert 0 <= scores["events-v1-full"]["test_score_mean"] <= 1
