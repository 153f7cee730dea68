"""Labelled recordings as a task: what the command writes, and what study reads back."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from hear_openl3_yamnet.commands.app import app
from hear_openl3_yamnet.errors import OptionError
from hear_openl3_yamnet.labelled.dataset import DatasetError
from hear_openl3_yamnet.labelled.reading import read_dataset
from hear_openl3_yamnet.tasks.recordings import HEAR_RATES, make_task_from
from hear_openl3_yamnet.tasks.task import TaskError
from tests.labelled.recordings import RATE, tone, write_event_manifest, write_tones

SPEAKER = r"/(s\d+)_"


def run(*arguments):
    done = CliRunner().invoke(app, ["tasks", "from", *map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture(scope="module")
def tones(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings") / "Two tones"
    write_tones(folder)
    return folder


@pytest.fixture(scope="module")
def task(tones, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    done = run(tones, out, "--group-from", SPEAKER, "--folds", 3)
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{out / 'two_tones-v1-full'}: 24 clips\n"
    return out / "two_tones-v1-full"


def groups(dataset, numbers):
    return {dataset.clips[i].group for i in numbers}


def test_study_reads_equal_labels_groups_and_folds_back(tones, task):
    given = read_dataset(tones, group_from=SPEAKER, n_folds=3)
    found = read_dataset(task)
    assert (found.metric, found.labels) == (given.metric, given.labels)
    assert sorted((c.answer, c.group) for c in found.clips) == sorted(
        (c.answer, c.group) for c in given.clips
    )
    assert [groups(found, fold.test) for fold in found.folds] == [
        groups(given, fold.test) for fold in given.folds
    ]
    with (task / "clips.csv").open(newline="") as file:
        sources = {(row["split"], row["file"]): row["source"] for row in csv.DictReader(file)}
    by_name = {clip.name: clip for clip in given.clips}
    for clip in found.clips:
        source = by_name[sources[tuple(clip.name.split("/"))]]
        assert (source.answer, source.group) == (clip.answer, clip.group)
        np.testing.assert_allclose(clip.audio(RATE), source.audio(RATE), atol=1 / 32_768)


def test_clips_are_there_at_all_rates_of_hear(task):
    assert sorted(int(p.name) for p in task.iterdir() if p.is_dir()) == sorted(HEAR_RATES)
    metadata = json.loads((task / "task_metadata.json").read_text())
    assert metadata["sample_duration"] == 0.5
    for split in metadata["splits"]:
        names = sorted(json.loads((task / f"{split}.json").read_text()))
        for rate in HEAR_RATES:
            files = sorted((task / str(rate) / split).iterdir())
            assert [file.name for file in files] == names
            info = soundfile.info(files[0])
            assert (info.samplerate, info.frames) == (rate, rate // 2)
            assert (info.channels, info.subtype) == (1, "PCM_16")


def test_metadata_are_those_of_cross_validation(task):
    metadata = json.loads((task / "task_metadata.json").read_text())
    fields = ("task_name", "embedding_type", "prediction_type", "split_mode", "nfolds")
    assert [metadata[field] for field in fields] == [
        "two_tones", "scene", "multiclass", "new_split_kfold", 3
    ]  # fmt: skip
    assert metadata["splits"] == ["fold00", "fold01", "fold02"]
    assert metadata["evaluation"] == ["top1_acc"]


def test_three_splits_share_no_group(tones, tmp_path):
    options = ["--group-from", SPEAKER, "--splits", "trainvaltest", "--sample-rate", RATE]
    done = run(tones, tmp_path, *options, "--name", "pitch")
    assert done.exit_code == 0, done.output
    found = read_dataset(tmp_path / "pitch-v1-full")
    (fold,) = found.folds
    (split,) = fold.inner
    parts = [groups(found, numbers) for numbers in (split.train, split.valid, fold.test)]
    assert sorted(group for part in parts for group in part) == [f"s{i}" for i in range(6)]
    assert len(parts[0]) > len(parts[1])


def test_events_become_a_task_of_events(tmp_path):
    path = write_event_manifest(tmp_path)
    done = run(path, tmp_path / "tasks", "--group", "recorder", "--sample-rate", RATE)
    assert done.exit_code == 0, done.output
    folder = tmp_path / "tasks/events-v1-full"
    metadata = json.loads((folder / "task_metadata.json").read_text())
    assert metadata["evaluation"] == ["event_onset_200ms_fms", "segment_1s_er"]
    assert (metadata["embedding_type"], metadata["sample_duration"]) == ("event", 4.0)
    given, found = read_dataset(path, group="recorder"), read_dataset(folder)
    assert (found.metric, found.labels, found.tolerance_ms) == ("onset F", given.labels, 200)
    assert sorted((clip.group, str(clip.answer)) for clip in found.clips) == sorted(
        (clip.group, str(clip.answer)) for clip in given.clips
    )


def test_clips_of_different_lengths_have_no_common_one(tones, tmp_path):
    rng = np.random.default_rng(0)
    soundfile.write(tones / "low/s0_9.wav", tone(300, 0.4, rng), RATE)
    try:
        done = run(tones, tmp_path, "--sample-rate", RATE)
    finally:
        (tones / "low/s0_9.wav").unlink()
    assert done.exit_code == 0, done.output
    metadata = json.loads((tmp_path / "two_tones-v1-full/task_metadata.json").read_text())
    assert metadata["sample_duration"] is None


def test_a_clip_that_cannot_be_read_costs_only_itself(tmp_path):
    write_tones(tmp_path / "clips")
    (tmp_path / "clips/low/s0_0.wav").write_bytes(b"no sound")
    arguments = [tmp_path / "clips", tmp_path, "--sample-rate", RATE]
    for end in ("23 clips", "already there"):  # the second run says it again
        done = run(*arguments)
        assert done.exit_code == 1
        assert done.stdout.endswith(f"clips-v1-full: {end}\n")
        assert "Left out: low/s0_0.wav: " in done.stderr
        assert "1 of 24 clips are left out." in done.stderr
    assert len(read_dataset(tmp_path / "clips-v1-full").clips) == 23


def test_an_event_after_the_end_of_its_file_costs_the_file(tmp_path):
    path = write_event_manifest(tmp_path)
    path.write_text(path.read_text() + "0.wav,low,4.5,5,r0\n")
    done = run(path, tmp_path / "tasks", "--group", "recorder", "--sample-rate", RATE)
    assert done.exit_code == 1
    assert "Left out: 0.wav: 0.wav lasts 4.000 s, and the event 'low'" in done.stderr


def test_no_readable_clip_in_a_split_is_no_task(tmp_path):
    write_tones(tmp_path / "clips", n_speakers=3)
    for path in (tmp_path / "clips").rglob("s0_*.wav"):
        path.write_bytes(b"no sound")
    dataset = read_dataset(tmp_path / "clips", group_from=SPEAKER)
    with pytest.raises(TaskError, match=r"no clip of fold0. could be read.*s0_"):
        make_task_from(dataset, tmp_path / "tasks", "clips", (RATE,))
    assert not list((tmp_path / "tasks").iterdir())


def test_loud_samples_are_limited_and_named(tmp_path):
    write_tones(tmp_path / "clips")
    loud = np.array([0.5, 2.0, -2.0, 0.5], np.float32).repeat(1000)
    soundfile.write(tmp_path / "clips/low/s0_0.wav", loud, RATE, subtype="FLOAT")
    done = run(tmp_path / "clips", tmp_path, "--sample-rate", RATE)
    assert done.exit_code == 0
    assert "Note: low/s0_0.wav has samples outside [-1, 1]" in done.stderr


def test_a_label_of_few_groups_is_named(tmp_path):
    write_tones(tmp_path / "clips", n_speakers=4)
    for speaker in ("s2", "s3"):
        for path in (tmp_path / "clips/low").glob(f"{speaker}_*.wav"):
            path.unlink()
    done = run(
        tmp_path / "clips", tmp_path, "--group-from", SPEAKER, "--folds", 4, "--sample-rate", RATE
    )
    assert done.exit_code == 0, done.output
    assert "some training split has no clip of low" in done.stderr


def test_the_same_recordings_are_already_there_and_others_are_refused(tones, task):
    out = task.parent
    before = {path: path.stat().st_mtime_ns for path in task.rglob("*")}
    done = run(tones, out, "--group-from", SPEAKER, "--folds", 3)
    assert (done.exit_code, done.stdout) == (0, f"{task}: already there\n")
    with pytest.raises(TaskError, match="holds another task"):
        make_task_from(read_dataset(tones), out, "two_tones")
    assert {path: path.stat().st_mtime_ns for path in task.rglob("*")} == before


def test_labels_that_heareval_would_misread_are_refused(tones, tmp_path):
    def refused(label, other):
        rows = [
            {"path": str(path), "label": label if path.parent.name == "low" else other}
            for path in tones.rglob("*.wav")
        ]
        manifest = tmp_path / "clips.jsonl"
        manifest.write_text("\n".join(map(json.dumps, rows)))
        with pytest.raises(DatasetError, match=f"heareval would misread the label '{label}'"):
            make_task_from(read_dataset(manifest), tmp_path / "tasks", "t", (RATE,))

    refused("NA", "yes")
    refused("01", "2")
    refused("1.50", "2")
    refused("true", "False")


def test_numbers_are_labels(tones, tmp_path):
    rows = [
        {"path": str(path), "label": {"low": 3, "high": 10}[path.parent.name]}
        for path in tones.rglob("*.wav")
    ]
    (tmp_path / "clips.jsonl").write_text("\n".join(map(json.dumps, rows)))
    done = run(tmp_path / "clips.jsonl", tmp_path, "--sample-rate", RATE)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "clips-v1-full/labelvocabulary.csv").read_text() == "idx,label\n0,10\n1,3\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "Two tones"}, "lower-case letters, digits and _"),
        ({"sample_rates": (500,)}, "1000 to 192000 Hz"),
        ({"division": "random"}, "division is one of"),
    ],
)
def test_options_that_are_wrong(tones, tmp_path, options, message):
    with pytest.raises(OptionError, match=message):
        make_task_from(read_dataset(tones), tmp_path, **{"name": "t", **options})
    assert not list(tmp_path.iterdir())


def test_a_task_is_no_recordings(task, tmp_path):
    command = [sys.executable, "-m", "hear_openl3_yamnet", "tasks", "from", str(task), "out"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert done.returncode == 2
    assert "is a task in HEAR's format already" in done.stderr
