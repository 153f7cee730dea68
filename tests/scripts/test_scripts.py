"""The scripts run from end to end."""

import json
import os
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import soundfile

import scripts
from hear_openl3_yamnet.labelled.task_folders import read_task
from scripts.measure import benchmark
from scripts.measure.real_tasks import events
from scripts.measure.real_tasks.scenes import kind_of_drum

ROOT = Path(__file__).parents[2]
NO_COMMANDS = ("measure.signals", "release.check_installed", "stress.mutations")
COMMANDS = [
    module.name
    for module in pkgutil.walk_packages(scripts.__path__, "scripts.")
    if module.name.count(".") == 2  # the others are folders, or commands of such a folder
    and not module.name.startswith(("scripts.holistic.", "scripts.starter."))
    and module.name.removeprefix("scripts.") not in NO_COMMANDS
]


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


@pytest.mark.parametrize("name", COMMANDS)
def test_each_script_says_how_to_run_it(name):
    module = import_module(name)
    runs = import_module(f"{name}.__main__") if hasattr(module, "__path__") else module
    assert callable(runs.main)
    assert f"    python -m {name}" in runs.__doc__


@pytest.mark.slow
def test_a_task_of_tones_is_one_that_heareval_reads(tmp_path):
    run("heareval.make_tones", tmp_path)
    task = read_task(tmp_path / "tones-v1-full")
    assert task.labels == ("low", "middle", "high")
    assert {split: len(answers) for split, answers in task.answers.items()} == {
        "train": 6,
        "valid": 3,
        "test": 3,
    }


def test_damaged_weights_files_are_counted(tmp_path):
    out = tmp_path / "counts.json"
    run("stress.fuzz_weights", "--cases", "4", "--kinds", "gzip,safetensors", "--json", out)
    counts = json.loads(out.read_text())
    assert [sum(counts[kind]["outcomes"].values()) for kind in ("gzip", "safetensors")] == [4, 4]


@pytest.mark.slow
def test_gpu_check_without_a_gpu():
    """The whole check runs; tests/scripts/test_gpu_check.py holds what it compares."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    out = run("measure.gpu_check", "--backend", backend, "--tiny")
    rows = [json.loads(line) for line in out.splitlines()]
    assert rows[0]["part"] == "about"
    assert rows[0]["gpu"] is None
    parity = [row for row in rows if row["part"] == "parity"]
    assert {row["preset"] for row in parity} == {"openl3-mel256-music", "yamnet"}
    assert {row["case"]: row["shape"][1] for row in rows if row["part"] == "memory"} == {
        "openl3-6144": 6144,
        "yamnet": 1024,
        "openl3-frame-16384": 16384,
    }
    parts = {"about", "parity", "memory", "twenty", "speed"}
    assert {row["part"] for row in rows} == parts | ({"profile"} if backend == "torch" else set())


def test_the_benchmark_page_shows_the_stored_results():
    docs = ROOT / "docs"
    report = json.loads((docs / "benchmark.json").read_text(encoding="utf-8"))
    assert (docs / "benchmark.md").read_text(encoding="utf-8") == benchmark.table(report)


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


def test_real_tasks_are_made_of_the_packages_that_are_there(tmp_path):
    sounds = tmp_path / "packages/usr/share/ktuberling/sounds"
    names = {"da": "pizza_salami moon_radar", "de": "pizzeria_salami moon_radar",
             "en": "pizzeria_salami moon_radar egypt_man"}  # fmt: skip
    rng = np.random.default_rng(0)
    for language, words in names.items():
        (sounds / language).mkdir(parents=True)
        for word in words.split():
            samples = 0.1 * rng.standard_normal(8000)
            soundfile.write(sounds / language / f"{word}.ogg", samples, 16_000)
    command = [sys.executable, "-m", "scripts.measure.real_tasks", tmp_path / "packages", tmp_path]
    tasks = ["--task", "real_words", "--task", "real_drums", "--sample-rate", "16000"]
    done = subprocess.run([*command, *tasks], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert "real_words-v1-full: 6 clips, 0.1 min, 2 labels, 3 groups" in done.stdout
    assert "real_drums is left out: " in done.stderr
    assert "Unpack hydrogen-drumkits" in done.stderr
    task = read_task(tmp_path / "real_words-v1-full")
    assert task.labels == ("radar", "salami")
    assert sorted(task.groups.values()) == ["da", "da", "de", "de", "en", "en"]


@pytest.mark.parametrize(
    ("instrument", "kind"),
    [
        ("Kick", "kick"), ("Bass Drum Hard", "kick"), ("Snare Rimshot", "snare"),
        ("Hi-Hat Closed", "closed hat"), ("Pedal Hat", "closed hat"), ("HiHat_Open", "open hat"),
        ("Crash 18", "cymbal"), ("Floor Tom", "tom"), ("tomhi2", "tom"), ("Hat 1 Pd", "closed hat"),
        ("Hat Op Dirty", "open hat"), ("Ride (Custom)", "cymbal"), ("Hat Semi-Open", None),
        ("Cowbell", None), ("Custom", None), ("Tambourine Pedal", None),
    ],
)  # fmt: skip
def test_drums_are_known_by_the_names_of_their_instruments(instrument, kind):
    assert kind_of_drum(instrument) == kind


def test_a_mixture_has_its_events_where_it_says(tmp_path):
    click = np.zeros(4800, np.float32)
    click[1000:1480] = 0.5
    soundfile.write(tmp_path / "click.wav", click, events.RATE)
    music = np.float32(0.05) * np.sin(0.01 * np.arange(events.RATE), dtype=np.float32)
    sounds = {"click": [tmp_path / "click.wav"]}
    samples, found = events.mixture(sounds, music, 6.0, np.random.default_rng(0))
    assert samples.shape == (120 * events.RATE,)
    assert len(found) > 20
    for event in found:
        first, last = round(event["start"] * events.RATE), round(event["end"] * events.RATE)
        assert last - first == 480
        steps = np.abs(np.diff(samples[first - 100 : first + 100]))
        assert steps.argmax() == 99  # the step is at the onset
