"""Judging students: what each task loses without a teacher, and the starters' synthetic tasks."""

import json

import numpy as np
import pytest

from hear_openl3_yamnet.labelled.dataset import ANY_RATE, Clip, grouped
from hear_openl3_yamnet.study import choosing
from hear_openl3_yamnet.study.cross import Result
from hear_openl3_yamnet.study.outcomes import Outcome
from hear_openl3_yamnet.study.variants import Variant
from hear_openl3_yamnet.weights.registry import registry_path
from scripts.holistic import judge
from scripts.holistic.__main__ import COMMANDS
from scripts.starter.__main__ import run
from scripts.starter.probe_tasks import make_tasks

N_CLIPS = 60


def result(data, name, right):
    """A classifier that is right on some clips, each of a group of its own."""
    targets = np.eye(2)[np.arange(N_CLIPS) % 2]
    found = np.where(right[:, None], targets, 1 - targets)[None]
    fold = np.zeros(N_CLIPS, np.int64)
    outcome = Outcome("accuracy", targets, found, fold, np.arange(N_CLIPS), np.array([0.5]), [])
    return Result(data, Variant(name, "holistic", {}, "holistic"), "linear", outcome)


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.setattr(choosing, "N_DRAWS", 300)
    clips = [
        Clip(str(i), {ANY_RATE: tmp_path / str(i)}, ("ab"[i % 2],), str(i)) for i in range(N_CLIPS)
    ]
    data = grouped("real_digits", clips, 5)
    rng = np.random.default_rng(0)
    whole = rng.random(N_CLIPS) < 0.9
    of_task = [
        result(data, "openl3-lite", whole),
        result(data, "all, maximum", whole),
        result(data, "without-crepe, maximum", whole & (rng.random(N_CLIPS) < 0.5)),
        result(data, "without-yamnet, maximum", whole),
    ]
    return judge.needs([of_task], "maximum").splitlines()


def test_only_the_students_without_something_have_a_row(table):
    assert [line.split("|")[1].strip() for line in table] == [
        "", "---", "without crepe", "without yamnet"
    ]  # fmt: skip


def test_a_loss_whose_interval_does_not_contain_zero_is_bold(table):
    cells = [line.split("|")[2].strip() for line in table]
    assert cells[2].startswith("**-0.")
    assert cells[3] == "+0.000 [+0.000, +0.000]"


def test_another_draw_has_other_clips_and_the_same_labels():
    drawn = [make_tasks(0.1, ("new_events",), draw)["new_events"] for draw in ("evaluation", "b")]
    (first, labels), (second, same) = (task.test for task in drawn)
    assert labels == same
    assert not any(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.slow
def test_students_are_judged_on_synthetic_tasks(tmp_path):
    weights = registry_path().with_name("holistic.safetensors")
    small = ["--other", "openl3-lite", "--task", "new_events", "--size", "0.1"]
    arguments = ["synthetic", "--weights", weights, *small, "--out", tmp_path / "scores.json"]
    run("scripts.holistic", None, COMMANDS, [str(a) for a in arguments])
    scores = json.loads((tmp_path / "scores.json").read_text())["scores"]
    assert set(scores) == {"openl3-lite", "weights"}
    for found in scores.values():
        assert len(found["new_events"]) == 3
        assert min(found["new_events"]) > 0.5  # chance is 1 in 16
