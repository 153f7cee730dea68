"""HEAR's own kit runs on this package, unpatched: scripts/heareval/heareval.sh --small."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODELS = {
    "hear_openl3_yamnet-model=hear2021-yamnet-weights=random-0",
    "hear_openl3_yamnet.baselines.log_mel_statistics",
}
METRICS = {"synth_pitch-v1-small": "pitch_acc", "synth_events-v1-small": "event_onset_200ms_fms"}


@pytest.mark.heareval
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
