"""The study of YAMNet's heads, as a process that resumes."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hear_openl3_yamnet import load_model
from hear_openl3_yamnet.baselines import as_submitted
from scripts.measure.yamnet_study import padded
from scripts.measure.yamnet_study.configurations import event_variants, scene_variants
from tests.labelled.recordings import write_events, write_scenes

ROOT = Path(__file__).parents[2]


def test_every_configuration_is_one_that_load_model_takes():
    for variants, of_events in ((scene_variants, False), (event_variants, True)):
        found = variants("starter")
        assert len({variant.name for variant in found}) == len(found)
        distinct = {v.networks or (v.baseline, v.options.get("padding")) for v in found}
        assert len(distinct) == len(found)
        assert all(variant.size(of_events) > 0 for variant in found)


def noise(n_samples):
    return np.random.default_rng(0).uniform(-0.5, 0.5, (1, n_samples)).astype(np.float32)


@pytest.mark.parametrize("n_samples", [8_000, 15_600, 40_000])
def test_padding_as_submitted_gives_the_scenes_of_the_submission(n_samples):
    own, theirs = (
        api.get_scene_embeddings(noise(n_samples), api.load_model(weights="random:1", **options))
        for api, options in ((padded, {"padding": "submitted"}), (as_submitted, {}))
    )
    np.testing.assert_allclose(own, np.asarray(theirs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("n_samples", "n_windows"), [(2_000, 1), (15_600, 1), (15_601, 2), (23_280, 2), (23_281, 3)]
)
def test_padding_at_the_end_begins_with_the_clip_and_covers_it(n_samples, n_windows):
    audio = noise(n_samples)
    embedding = padded.get_scene_embeddings(
        audio, padded.load_model(padding="end", weights="random:1")
    )
    model = load_model(model="yamnet", weights="random:1")
    whole = np.pad(audio, ((0, 0), (0, 48_000)))
    # at a hop of half a window, window 1 begins with the clip
    windows = [
        model.timestamp_embeddings(whole[:, 7_680 * i :], 487.5)[0][:, 1] for i in range(n_windows)
    ]
    np.testing.assert_allclose(embedding, np.mean(windows, axis=0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("padding", ["submitted", "end"])
def test_a_clip_of_any_length_can_be_padded(padding):
    model = padded.load_model(padding=padding, weights="random:1")
    for n_samples in (1, 400, 7_799):
        assert np.isfinite(padded.get_scene_embeddings(noise(n_samples), model)).all()


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
