"""The command ``study``: from recordings to a winner that load_model takes."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from typer.testing import CliRunner

from hear_openl3_yamnet import load_model
from hear_openl3_yamnet.audio.files import load_audio
from hear_openl3_yamnet.commands.app import app
from hear_openl3_yamnet.labelled.dataset import DatasetError
from hear_openl3_yamnet.study import cross
from tests.code_blocks import run, runs_blocks_of
from tests.labelled.recordings import write_events, write_scenes, write_tones

SPEAKER = r"/(s\d+)_"
NARROW = ["--models", "yamnet-starter", "--heads", "published layers=layer12,pooling=max"]
KEPT = "cache/embeddings/*/[!.]*.npz"
FILES = {"study.csv", "study.md", "study.png", "winner.json"}


def study(data, out, *options):
    return CliRunner().invoke(app, ["study", str(data), "-o", str(out), *NARROW, *options])


def succeed(data, out, *options):
    done = study(data, out, *options)
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return done.output


def written(out):
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


@pytest.fixture
def tones(tmp_path):
    write_tones(tmp_path / "tones")
    return tmp_path / "tones"


def test_it_prints_and_writes_a_winner(tones, tmp_path):
    out = tmp_path / "out"
    printed = succeed(tones, out, "--group-from", SPEAKER)
    assert "tones: 24 clips (0.2 min), 2 labels, 6 groups, 5 folds, scored by accuracy" in printed
    assert "Always answering 'high' would score 0.500." in printed
    assert "is best; " in printed
    assert "Expect accuracy " in printed
    assert "is optimistic" in printed
    assert "Each clip is a group of its own" not in printed
    assert set(written(out)) == FILES

    with (out / "study.csv").open() as file:
        table = {row["configuration"]: row for row in csv.DictReader(file)}
    assert list(table)[-1] == "log-mel statistics"
    assert set(table) == {
        "yamnet-starter: published",
        "yamnet-starter: layers=layer12,pooling=max",
        "log-mel statistics",
    }
    assert all(0.8 < float(row["score"]) <= 1 for row in table.values())
    best = next(iter(table))
    keywords = json.loads((out / "winner.json").read_text())
    assert keywords == json.loads(table[best]["options"])
    assert f"| {best} |" in (out / "study.md").read_text()
    assert "is best; " in (out / "study.md").read_text()


def test_the_winner_is_a_model_and_gives_the_embeddings_of_the_study(tones, tmp_path):
    out = tmp_path / "out"
    succeed(tones, out, "--group-from", SPEAKER)
    model = load_model(out / "winner.json")
    files = sorted(tones.rglob("*.wav"))
    expected = model.scene_embeddings([load_audio(file, model.sample_rate) for file in files])
    kept = [np.load(path)["values"] for path in (out / "cache/embeddings").glob("*/*.npz")]
    assert any(
        values.shape == expected.shape and np.allclose(values, expected, rtol=1e-4, atol=1e-4)
        for values in kept
    )


@runs_blocks_of("study/command.md")
def test_the_page_of_the_command_runs(page_blocks, tmp_path, monkeypatch):
    write_tones(tmp_path / "recordings")
    monkeypatch.chdir(tmp_path)
    (block,) = page_blocks
    namespace = {"__name__": "__main__"}
    table, choice = run(block, namespace).strip().rsplit("\n", 1)
    assert table.startswith("configuration ")
    assert choice.startswith("yamnet-starter: ")
    assert namespace["model"].name == "yamnet-starter"


def test_groups_that_are_not_named_are_pointed_out(tones, tmp_path):
    assert "Each clip is a group of its own" in succeed(tones, tmp_path / "out")


def test_a_manifest_gives_the_same(tones, tmp_path):
    names = sorted(path.relative_to(tones).as_posix() for path in tones.rglob("*.wav"))
    rows = [{"path": n, "pitch": n.split("/")[0], "who": n.split("/")[1][:2]} for n in names]
    (tones / "clips.jsonl").write_text("\n".join(map(json.dumps, rows)))
    succeed(tones, tmp_path / "a", "--group-from", SPEAKER)
    succeed(tones / "clips.jsonl", tmp_path / "b", "--label", "pitch", "--group", "who")
    assert written(tmp_path / "a")["study.csv"] == written(tmp_path / "b")["study.csv"]


def test_tasks_of_hear_keep_their_splits(tmp_path):
    write_scenes(tmp_path)
    printed = succeed(tmp_path / "tones", tmp_path / "scenes")
    assert "tones: 24 clips (0.2 min), 2 labels, 3 folds, scored by accuracy" in printed
    assert "is optimistic" in printed

    write_events(tmp_path)
    printed = succeed(tmp_path / "beeps", tmp_path / "events")
    assert "beeps: 6 clips (0.6 min), 1 label, 1 fold, scored by onset F" in printed
    assert "scored on the test clips once" in printed
    assert "is optimistic" not in printed
    model = load_model(tmp_path / "events/winner.json")
    assert model.hop_size == pytest.approx(80.667, abs=0.001)


def test_an_interrupted_study_continues(tones, tmp_path, monkeypatch):
    probed = []
    probe = cross.probe_scenes

    def interrupted_once(*arguments):
        probed.append(arguments)
        if len(probed) == 2:
            raise KeyboardInterrupt
        return probe(*arguments)

    monkeypatch.setattr(cross, "probe_scenes", interrupted_once)
    out = tmp_path / "out"
    done = study(tones, out)
    assert done.exit_code == 130
    assert "The same command continues where it stopped." in done.output
    assert not written(out)
    succeed(tones, out)
    assert len(probed) == 4  # three configurations, and the one that was interrupted
    first = written(out)
    succeed(tones, out)
    assert len(probed) == 4
    assert written(out) == first


@pytest.mark.slow
def test_a_killed_study_continues(tones, tmp_path):
    out, other = tmp_path / "killed", tmp_path / "whole"
    running = subprocess.Popen(
        [sys.executable, "-m", "hear_openl3_yamnet", "study", tones, "-o", out, *NARROW],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow"},
    )
    try:
        while running.poll() is None and not list(out.glob(KEPT)):
            time.sleep(0.05)
        running.send_signal(signal.SIGKILL)
    finally:
        running.kill()
        running.wait(timeout=60)
    assert not written(out)
    kept = {path: path.stat().st_mtime_ns for path in out.glob(KEPT)}
    assert kept
    succeed(tones, out)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    succeed(tones, other)
    assert written(out) == written(other)


def test_errors_are_typed_and_nothing_is_computed(tones, tmp_path):
    done = study(tmp_path / "nowhere", tmp_path / "out")
    assert isinstance(done.exception, DatasetError)
    done = study(tones, tmp_path / "out", "--folds", "2")
    assert done.exit_code == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("module", ["sklearn", "matplotlib"])
def test_what_is_not_installed_is_said_first(tones, tmp_path, monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    done = study(tones, tmp_path / "out")
    assert "hear-openl3-yamnet[study]" in str(done.exception)
    assert not (tmp_path / "out").exists()
