"""The table of what each task loses without a teacher."""

import numpy as np
import pytest

from hear_openl3_yamnet.labelled.dataset import ANY_RATE, Clip, grouped
from hear_openl3_yamnet.study import choosing
from hear_openl3_yamnet.study.cross import Result
from hear_openl3_yamnet.study.outcomes import Outcome
from hear_openl3_yamnet.study.variants import Variant
from scripts.holistic import judge

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
