"""Tasks in HEAR's format, written by the command and read as heareval reads them."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hear_openl3_yamnet.files import partial_path
from hear_openl3_yamnet.synthesis.speech import ESPEAK_VOICES
from hear_openl3_yamnet.tasks import words
from hear_openl3_yamnet.tasks.catalogue import TASKS, get_task
from hear_openl3_yamnet.tasks.task import TaskOptions
from hear_openl3_yamnet.tasks.writing import make_task, making_clips

RATES = (16_000, 48_000)
COMMAND = [sys.executable, "-m", "hear_openl3_yamnet", "tasks", "make"]


def make(*arguments, **how) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=300, **how
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


SLOW = ("synth_words", "synth_tags", "synth_pitch")
TO_MAKE = [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in TASKS]


def make_small(path: Path, *names: str) -> None:
    """Make small tasks at two rates; all of them if none is named."""
    options = [argument for rate in RATES for argument in ("--sample-rate", rate)]
    options += [argument for name in names for argument in ("--task", name)]
    done = make(path, "--size", "small", "--seed", 3, "--speaker", "formant", *options)
    assert done.returncode == 0, done.stderr
    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == [
        str(path / f"{name}-v1-small") for name in names or TASKS
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("made") / "tasks"
    make_small(path, *(name for name in TASKS if name not in SLOW))
    return path


@pytest.fixture(scope="module")
def all_of_them(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("all") / "tasks"
    make_small(path)
    return path


@pytest.fixture
def task_of(request):
    """Return a task's folder; the slow tests alone make those that take long."""

    def find(name: str) -> Path:
        folder = request.getfixturevalue("all_of_them" if name in SLOW else "folder")
        return folder / f"{name}-v1-small"

    return find


def read(task: Path):
    """Read a task's metadata, its labels, and each split's answers."""
    metadata = json.loads((task / "task_metadata.json").read_text())
    with (task / "labelvocabulary.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["idx"] for row in rows] == [str(i) for i in range(len(rows))]
    answers = {split: json.loads((task / f"{split}.json").read_text())
               for split in metadata["splits"]}  # fmt: skip
    return metadata, [row["label"] for row in rows], answers


def contents(path: Path) -> dict[str, bytes]:
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


EXPECTED = {
    "synth_pitch": ("scene", "multiclass", "trainvaltest", 1.0, "pitch_acc"),
    "synth_events": ("event", "multilabel", "trainvaltest", 30.0, "event_onset_200ms_fms"),
    "synth_words": ("scene", "multiclass", "trainvaltest", 1.0, "top1_acc"),
    "synth_tags": ("scene", "multilabel", "trainvaltest", None, "mAP"),
    "synth_strokes": ("scene", "multiclass", "new_split_kfold", 0.8, "top1_acc"),
}
FIELDS = ("embedding_type", "prediction_type", "split_mode", "sample_duration")


@pytest.mark.parametrize("name", TO_MAKE)
def test_metadata_are_those_that_heareval_reads(task_of, name):
    metadata, labels, _ = read(task_of(name))
    *fields, metric = EXPECTED[name]
    assert [metadata[field] for field in FIELDS] == fields
    assert metadata["evaluation"][0] == metric
    assert (metadata["task_name"], metadata["version"], metadata["mode"]) == (name, "v1", "small")
    if metadata["split_mode"] == "trainvaltest":
        assert metadata["splits"] == ["train", "valid", "test"]
    else:
        assert metadata["nfolds"] == len(metadata["splits"]) >= 3
        assert metadata["splits"][:2] == ["fold00", "fold01"]
    assert len(set(labels)) == len(labels) > 1


@pytest.mark.parametrize("name", TO_MAKE)
def test_every_clip_is_there_at_every_rate(task_of, name):
    task = task_of(name)
    metadata, _, answers = read(task)
    seen = set()
    for split, clips in answers.items():
        for rate in RATES:
            assert sorted(clips) == sorted(p.name for p in (task / str(rate) / split).iterdir())
        for file in clips:
            lengths = []
            for rate in RATES:
                samples, file_rate = soundfile.read(task / str(rate) / split / file)
                assert file_rate == rate
                assert samples.ndim == 1
                assert 0.01 < np.abs(samples).max() < 0.999
                lengths.append(len(samples) / rate)
            seen.add(samples.tobytes())
            if metadata["sample_duration"] is None:
                assert 0.29 < lengths[0] < 3.01
                assert lengths[0] == pytest.approx(lengths[1], abs=1e-4)
            else:
                assert lengths == [metadata["sample_duration"]] * 2
    assert len(seen) == sum(map(len, answers.values()))  # no clip is in two splits


@pytest.mark.parametrize("name", [name for name in TO_MAKE if "synth_events" not in name.values])
def test_scenes_have_their_labels(task_of, name):
    metadata, labels, answers = read(task_of(name))
    for clips in answers.values():
        given = [[str(label) for label in answer] for answer in clips.values()]
        assert {label for answer in given for label in answer} == set(labels)
        if metadata["prediction_type"] == "multiclass":
            assert {len(answer) for answer in given} == {1}
        else:
            assert {1, 2} <= {len(answer) for answer in given}
            assert all(len(set(answer)) == len(answer) for answer in given)


@pytest.mark.slow
def test_pitches_are_numbers(all_of_them):
    _, _, answers = read(all_of_them / "synth_pitch-v1-small")
    assert all(type(answer[0]) is int for answer in answers["train"].values())


def test_events_are_inside_their_clips_and_do_not_overlap_events_of_their_kind(folder):
    _, labels, answers = read(folder / "synth_events-v1-small")
    for clips in answers.values():
        for events in clips.values():
            assert len(events) >= 5
            assert events == sorted(events, key=lambda event: event["start"])
            for i, event in enumerate(events):
                assert event["label"] in labels
                assert 0 <= event["start"] < event["end"] <= 30_000
                like = [other for other in events[:i] if other["label"] == event["label"]]
                assert all(other["end"] < event["start"] for other in like)


def test_events_begin_at_their_start_times(folder):
    task = folder / "synth_events-v1-small"
    _, _, answers = read(task)
    rises, elsewhere = [], []
    for file, events in answers["train"].items():
        samples, rate = soundfile.read(task / "48000" / "train" / file)
        power = np.cumsum(samples**2)
        for event in events:
            for shift, into in [(0, rises), (-500, elsewhere)]:
                at, n = round((event["start"] + shift) * rate / 1000), rate // 50
                if at > n:
                    before, after = power[at] - power[at - n], power[at + n] - power[at]
                    into.append(10 * np.log10(after / before))
    assert np.median(rises) > 1.5  # dB, from the 20 ms before to the 20 ms after, over noise
    assert abs(np.median(elsewhere)) < 0.8


def test_the_same_seed_gives_the_same_bytes(folder, tmp_path):
    options = TaskOptions("small", 3, RATES)
    with making_clips(1) as makers:
        made = make_task("synth_strokes", tmp_path, options, makers)
    assert contents(made) == contents(folder / made.name)


@pytest.mark.parametrize("name", TASKS)
def test_another_seed_or_split_gives_other_sounds(name):
    task = get_task(name)
    plan = task.plans["small"]
    first, second = list(plan.n_clips)[:2]
    clips = [
        task.make_clip(TaskOptions("small", seed), plan, split, 1).samples.tobytes()
        for seed, split in [(0, first), (0, second), (1, first)]
    ]
    assert len(set(clips)) == 3


def test_no_voice_is_in_two_splits():
    dealt = words._espeak_voices(0)
    voices = [voice for split in dealt.values() for voice in split]
    assert len(set(voices)) == len(voices)
    assert set(voices) <= set(ESPEAK_VOICES)
    assert words._espeak_voices(1) != dealt


def test_an_existing_task_is_kept_and_never_replaced(folder):
    task = folder / "synth_strokes-v1-small"
    before = {path: path.stat().st_mtime_ns for path in task.rglob("*")}
    again = ["--task", "synth_strokes", "--size", "small", "--seed", 3]
    rates = ["--sample-rate", 48_000, "--sample-rate", 16_000]
    done = make(folder, *again, *rates)
    assert (done.returncode, done.stdout) == (0, f"{task}: already there\n")
    done = make(folder, *again)
    assert done.returncode == 1
    assert f"Error: {task} holds another task (made_from" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in task.rglob("*")} == before


def test_other_files_in_the_way_are_kept(tmp_path):
    (tmp_path / "synth_words-v1-small").mkdir()
    done = make(tmp_path, "--size", "small", "--task", "synth_words")
    assert done.returncode == 1
    assert "synth_words-v1-small is in the way" in done.stderr
    assert os.listdir(tmp_path) == ["synth_words-v1-small"]
    assert os.listdir(tmp_path / "synth_words-v1-small") == []
    (tmp_path / "file").touch()
    done = make(tmp_path / "file", "--size", "small", "--task", "synth_pitch")
    assert done.returncode == 1
    assert "Error: cannot write" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "nsynth"], "expected a task: synth_pitch, synth_events, synth_words"),
        (["--sample-rate", "96000"], "--sample-rate expects 8000 to 48000 Hz"),
        (["--size", "tiny"], "is not one of"),
        (["--seed", "-1"], "Invalid value for '--seed'"),
    ],
)
def test_commands_that_are_wrong(tmp_path, arguments, message):
    done = make(tmp_path, *arguments)
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert os.listdir(tmp_path) == []


def test_espeak_ng_is_refused_where_it_is_not_installed(tmp_path):
    arguments = ["--task", "synth_words", "--size", "small", "--speaker", "espeak-ng"]
    done = make(tmp_path, *arguments, env={**os.environ, "PATH": ""})
    assert done.returncode == 1
    assert "Error: synth_words: espeak-ng is not installed" in done.stderr
    assert os.listdir(tmp_path) == []


def start_writing(folder, *arguments) -> subprocess.Popen:
    """Start the command in its own process group, and return when it writes clips."""
    process = subprocess.Popen(
        [*COMMAND, str(folder), "--task", "synth_words", "--speaker", "formant", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    give_up = time.monotonic() + 60
    while not list(folder.rglob("*.wav")) and time.monotonic() < give_up:
        time.sleep(0.02)
    assert list(folder.rglob("*.wav"))
    return process


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="stopping a process needs signals")
def test_two_processes_may_write_one_task_at_once(tmp_path):
    again = ["--size", "small", "--seed", "3"]
    slow = start_writing(tmp_path, *again)
    os.killpg(slow.pid, signal.SIGSTOP)
    try:
        quick = make(tmp_path, "--task", "synth_words", "--speaker", "formant", *again)
    finally:
        os.killpg(slow.pid, signal.SIGCONT)
    _, stderr = slow.communicate(timeout=300)
    assert (quick.returncode, slow.returncode) == (0, 0), stderr
    assert os.listdir(tmp_path) == ["synth_words-v1-small"]
    assert len(list(tmp_path.rglob("*.wav"))) == 48 + 16 + 24


def test_leftovers_of_a_killed_run_are_removed_after_a_day(tmp_path):
    old, new = (partial_path(tmp_path / "synth_strokes-v1-small") for _ in range(2))
    for path in (old, new):
        (path / "48000").mkdir(parents=True)
    os.utime(old, (time.time() - 90_000,) * 2)
    with ThreadPoolExecutor(1) as makers:
        made = make_task("synth_strokes", tmp_path, TaskOptions("small"), makers)
    assert set(tmp_path.iterdir()) == {new, made}


@pytest.mark.skipif(os.name == "nt", reason="interrupts are signals")
def test_an_interrupt_leaves_nothing_behind(tmp_path):
    process = start_writing(tmp_path)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the command and its processes
    _, stderr = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in stderr
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
@pytest.mark.slow
def test_the_difficulty_of_a_task_can_be_measured(all_of_them):
    script = ["-m", "scripts.measure.task_baselines", str(all_of_them), "--task", "synth_pitch"]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, *script], capture_output=True, text=True, timeout=300, cwd=root
    )
    assert done.returncode == 0, done.stderr
    _, _, row = done.stdout.splitlines()
    name, *scores = row.split("(")[0].strip(" |").split(" | ")
    chance, linear, hidden = map(float, scores)
    assert name == "synth_pitch"
    assert chance == pytest.approx(1 / 24, abs=5e-4)
    assert 3 * chance < linear <= 1
    assert 0 <= hidden <= 1
