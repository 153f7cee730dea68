"""The study: probes, intervals, onsets, and a tiny cross as a process that resumes."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet.study.intervals import bootstrap, interval
from hear_openl3_yamnet.study.onsets import (
    Postprocessing,
    count_onsets,
    find_onsets,
    frame_targets,
    onset_f,
)
from hear_openl3_yamnet.study.probes import PROBES, Rows, mean_average_precision, run_probe
from hear_openl3_yamnet.study.task_folders import TaskFolderError, read_task

SCRIPTS = Path(__file__).parents[2] / "scripts"
RATE = 16_000


def blobs(n, size, rng, *, centres):
    labels = rng.integers(len(centres), size=n)
    rows = centres[labels] + rng.standard_normal((n, size))
    return Rows(rows.astype(np.float32), np.eye(len(centres), dtype=np.float32)[labels])


@pytest.mark.parametrize("name", PROBES)
@pytest.mark.parametrize("size", [16, 300])  # narrower and wider than the training rows
def test_probes_learn_what_is_there_and_nothing_else(name, size):
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((4, size)) * 8 / size**0.5
    train, valid, test = (blobs(n, size, rng, centres=centres) for n in (160, 80, 200))
    found, _, _ = run_probe(PROBES[name], train, valid, test.embeddings, exclusive=True, seed=0)
    assert np.mean(found.argmax(1) == test.targets.argmax(1)) > 0.8
    shuffled = Rows(train.embeddings, rng.permutation(train.targets))
    found, _, _ = run_probe(PROBES[name], shuffled, valid, test.embeddings, exclusive=True, seed=0)
    assert np.mean(found.argmax(1) == test.targets.argmax(1)) == pytest.approx(0.25, abs=0.2)


@pytest.mark.parametrize("name", PROBES)
def test_probes_give_each_label_a_probability_of_its_own(name):
    rng = np.random.default_rng(1)
    x = rng.standard_normal((300, 6)).astype(np.float32)
    y = np.stack([x[:, 0] > 0, x[:, 1] > 0, np.ones(300, bool)], axis=1).astype(np.float32)
    found, _, _ = run_probe(
        PROBES[name],
        Rows(x[:150], y[:150]),
        Rows(x[150:200], y[150:200]),
        x[200:],
        exclusive=False,
        seed=0,
    )
    assert found.shape == (100, 3)
    assert mean_average_precision(y[200:], found) > 0.95
    assert np.all(found[:, 2] > 0.8)  # a label that every row has


def test_seeds_repeat_and_differ():
    rng = np.random.default_rng(2)
    rows = blobs(24, 8, rng, centres=rng.standard_normal((3, 8)))
    runs = [
        run_probe(PROBES["two-layer"], rows, rows, rows.embeddings, exclusive=True, seed=s)[0]
        for s in (0, 0, 1)
    ]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_average_precision_is_scikit_learns():
    from sklearn.metrics import average_precision_score

    rng = np.random.default_rng(3)
    targets = (rng.random((40, 5)) < 0.3).astype(np.float32)
    probabilities = np.round(rng.random((40, 5)), 1)  # with ties
    truth = average_precision_score(targets, probabilities, average="macro")
    assert mean_average_precision(targets, probabilities) == pytest.approx(truth)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    covered = 0
    for trial in range(100):
        right = np.random.default_rng([4, trial]).random(80) < 0.7
        draws = bootstrap(lambda _, clips, r=right: r[clips].mean(), 80, 1, n_draws=200)
        low, high = interval(draws)
        covered += low <= 0.7 <= high
    assert 86 <= covered <= 100


def test_draws_of_one_seed_are_paired():
    numbers = np.arange(50.0)
    one = bootstrap(lambda _, clips: numbers[clips].mean(), 50, 1, n_draws=20)
    other = bootstrap(lambda _, clips: numbers[clips].mean() + 1, 50, 3, n_draws=20)
    np.testing.assert_allclose(other - one, 1)


def test_onsets_are_found_where_events_begin():
    times = np.arange(0, 4000, 50.0)
    events = [
        {"label": "a", "start": 500.0, "end": 1000.0},
        {"label": "b", "start": 700.0, "end": 900.0},
        {"label": "a", "start": 2500.0, "end": 3100.0},
    ]
    targets = frame_targets(events, times, ["a", "b"])
    found = find_onsets(0.9 * targets, times, Postprocessing(0.5, 100.0, 125.0))
    assert found[0].tolist() == [500.0, 2500.0]
    assert found[1].tolist() == [700.0]


def test_onsets_are_matched_one_to_one():
    reference = {0: np.array([100.0, 1000.0, 5000.0]), 1: np.array([300.0])}
    found = {0: np.array([150.0, 250.0, 1190.0, 8000.0]), 1: np.array([], float)}
    counts = count_onsets(reference, found, 200.0, 4000.0, 2)
    assert counts.tolist() == [[2, 1, 1], [0, 1, 1]]
    assert onset_f(counts) == pytest.approx(4 / (4 + 2 + 2))


def write_task(folder, name, splits, metadata, answers, sound):
    path = folder / name
    for split in splits:
        (path / str(RATE) / split).mkdir(parents=True)
        answer = {}
        for i in range(answers["n"]):
            samples, label = sound(split, i)
            soundfile.write(path / str(RATE) / split / f"{split}{i}.wav", samples, RATE)
            answer[f"{split}{i}.wav"] = label
        (path / f"{split}.json").write_text(json.dumps(answer))
    labels = enumerate(answers["labels"])
    rows = "\n".join(f"{i},{label}" for i, label in labels)
    (path / "labelvocabulary.csv").write_text(f"idx,label\n{rows}\n")
    metadata = {"task_name": name, "splits": list(splits), **metadata}
    (path / "task_metadata.json").write_text(json.dumps(metadata))


def tone(frequency, seconds, rng):
    time = np.arange(round(seconds * RATE)) / RATE
    return 0.3 * np.sin(2 * np.pi * frequency * time) + 0.01 * rng.standard_normal(len(time))


def write_scenes(folder):
    def sound(split, i):
        rng = np.random.default_rng([ord(split[-1]), i])
        low = i % 2
        frequency = rng.uniform(200, 400) if low else rng.uniform(2000, 4000)
        return tone(frequency, 0.5, rng), ["low" if low else "high"]

    metadata = {
        "embedding_type": "scene",
        "prediction_type": "multiclass",
        "split_mode": "new_split_kfold",
        "evaluation": ["top1_acc"],
    }
    splits = ("fold00", "fold01", "fold02")
    write_task(folder, "tones", splits, metadata, {"n": 8, "labels": ["low", "high"]}, sound)


def write_events(folder):
    def sound(split, i):
        rng = np.random.default_rng([ord(split[0]), i])
        samples = 0.01 * rng.standard_normal(6 * RATE)
        start = rng.uniform(1, 4)
        first = round(start * RATE)
        samples[first : first + RATE] += tone(1000, 1, rng)
        event = {"label": "tone", "start": 1000 * start, "end": 1000 * (start + 1)}
        return samples, [event]

    metadata = {
        "embedding_type": "event",
        "prediction_type": "multilabel",
        "split_mode": "trainvaltest",
        "evaluation": ["event_onset_200ms_fms"],
    }
    splits = ("train", "valid", "test")
    write_task(folder, "beeps", splits, metadata, {"n": 2, "labels": ["tone"]}, sound)


def study(folder):
    done = subprocess.run(
        [
            sys.executable, SCRIPTS / "study.py", "--weights", "random", "--networks", "yamnet",
            "--tasks", folder / "tasks", "--cache", folder / "cache", "--out", folder / "out",
            "--skip", "subsampling", "fusion", "pooling", "scene pooling", "layers",
            "YAMNet: frame, layer7",
        ],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return [line for line in done.stderr.splitlines() if " · " in line]


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
    assert len(by_name["tones", "YAMNet: published", "two-layer"]["scores"]) == 3
    assert by_name["beeps", "log-mel statistics", "linear"]["mean"] > 0.9
    assert all(row["interval"][0] <= row["mean"] <= row["interval"][1] for row in rows)
    with (out / "scores.csv").open() as file:
        assert [float(row["mean"]) for row in csv.DictReader(file)] == [r["mean"] for r in rows]
    readme = written["README.md"].decode()
    assert "random:0" in readme
    assert "Not answered by this run, because" in readme

    # a run that was interrupted: one probe's outcome and one embedding are not there yet
    outcomes = sorted((tmp_path / "cache").glob("*/*/two-layer.npz"))
    outcomes[0].unlink()
    assert len(study(tmp_path)) == 1
    assert len(first) == len(rows) + 3  # an outcome each, and three passes that embed
    assert {path.name: path.read_bytes() for path in out.iterdir()} == written


def test_heads_in_one_pass_are_load_models(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    from study_networks import ManyHeads
    from study_variants import variants

    from hear_openl3_yamnet import load_model
    from hear_openl3_yamnet.config.configuring import configure
    from hear_openl3_yamnet.features.framing import hop_samples

    clip = tone(440, 1.3, np.random.default_rng(0)).astype(np.float32)
    ways = [way for way in variants(["yamnet"], of_events=False) if way.subject != "subsampling"]
    ways = [way for way in ways if way.model]
    configs = [configure("yamnet", weights="random", **way.options) for way in ways]
    many = ManyHeads(configs, configs[0].preset.backbone.random_weights(0))
    found = many.scenes([clip], hop_samples(500.0, RATE))
    chosen = ("YAMNet: 2 × 3 cells", "YAMNet: fusion", "YAMNet: scene percentiles")
    for way, embedding in zip(ways, found, strict=True):
        if way.name in chosen:
            model = load_model(model="yamnet", weights="random", **way.options)
            expected = model.scene_embeddings([clip], 500.0)
            np.testing.assert_allclose(embedding, expected, rtol=1e-4, atol=1e-4)


def test_a_folder_that_is_no_task_is_refused(tmp_path):
    with pytest.raises(TaskFolderError, match="no task in HEAR's format"):
        read_task(tmp_path)
