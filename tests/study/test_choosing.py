"""Choosing: a planted difference is found, and chance is not called real."""

import dataclasses
import json

import numpy as np
import pytest

from hear_openl3_yamnet.labelled.dataset import ANY_RATE, Clip, grouped
from hear_openl3_yamnet.study import choosing
from hear_openl3_yamnet.study.choosing import choose
from hear_openl3_yamnet.study.cross import Result
from hear_openl3_yamnet.study.outcomes import Outcome, chosen_by_fold, probe_scenes
from hear_openl3_yamnet.study.probes import PROBES
from hear_openl3_yamnet.study.report import conclusion, rows, to_text
from hear_openl3_yamnet.study.variants import FLOOR, variants

N_CLIPS = 120
HEADS = ["published", "max", "mean+std", "gem", "max+mean", "sum_max_mean", "layer7", "layer12"]


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    monkeypatch.setattr(choosing, "N_DRAWS", 300)


def dataset(n_groups, tmp_path):
    """Clips of two labels, by some speakers. Their files are never read."""
    clips = [
        Clip(f"{i}", {ANY_RATE: tmp_path / str(i)}, ("ab"[i // n_groups % 2],), f"s{i % n_groups}")
        for i in range(N_CLIPS)
    ]
    return grouped("clips", clips, 5)


def guesses(data, rng, rate, *, by_group=0.5):
    """An outcome of a classifier that is right as often as the rate, more on some groups."""
    names, of_clip = np.unique([clip.group for clip in data.clips], return_inverse=True)
    ease = by_group * rng.standard_normal(len(names))
    right = rng.standard_normal(N_CLIPS) + ease[of_clip] < np.quantile(
        rng.standard_normal(4000) * (1 + by_group**2) ** 0.5, rate
    )
    targets = data.targets()
    found = np.where(right[:, None], targets, 1 - targets)
    tested = np.concatenate([fold.test for fold in data.folds])
    return Outcome(
        "accuracy",
        targets[tested],
        found[None, tested],
        np.repeat(np.arange(5), [len(fold.test) for fold in data.folds]),
        of_clip[tested],
        np.array([right[fold.train].mean() for fold in data.folds]),
        [],
    )


def results(data, rates, seed):
    rng = np.random.default_rng(seed)
    crossed = variants(["yamnet-starter"], HEADS)[: len(rates) + 1]
    return [
        Result(data, variant, "linear", guesses(data, rng, rate))
        for variant, rate in zip(crossed, [0.55, *rates], strict=True)
    ]


DEFAULT = "yamnet-starter: published"


@pytest.mark.parametrize("n_groups", [6, 24])
def test_a_planted_difference_is_found(n_groups, tmp_path):
    rates = [0.65, 0.65, 0.95, 0.65, 0.65, 0.65]
    choice = choose(results(dataset(n_groups, tmp_path), rates, 0), DEFAULT)
    assert choice.winner.name == "yamnet-starter: mean+std"
    assert set(choice.by_fold) == {"yamnet-starter: mean+std"}
    assert choice.over_default.verdict == "better"
    assert choice.over_runner_up.verdict == "better"
    assert choice.over_floor.verdict == "better"
    assert "is best; its lead over the plain default" in conclusion(choice)[0]
    assert conclusion(choice)[0].count("is real") == 2


def test_chance_is_not_called_real(tmp_path):
    """Of eight equal configurations, one is best; it seldom seems better than the default."""
    data = dataset(24, tmp_path)
    choices = [choose(results(data, [0.7] * 8, seed), DEFAULT) for seed in range(30)]
    others = [choice for choice in choices if choice.winner.name != DEFAULT]
    assert len(others) > 20
    assert sum(choice.over_default.verdict == "better" for choice in choices) <= 3
    assert sum(choice.over_runner_up.verdict == "better" for choice in choices) <= 3
    # the winner's own score is optimistic, that of the folds' choices is not
    assert np.mean([choice.winner.score for choice in choices]) > 0.73
    nested = [np.mean(choice.nested.scores()) for choice in choices]
    assert np.mean(nested) == pytest.approx(0.7, abs=0.02)


def test_few_groups_are_not_enough_to_tell(tmp_path):
    choice = choose(results(dataset(5, tmp_path), [0.6, 0.95], 0), DEFAULT)
    assert choice.over_default.verdict == "too few to tell"
    assert "5 groups of the 6 needed" in conclusion(choice)[0]
    assert "is real" not in " ".join(conclusion(choice))


def test_the_default_can_be_best(tmp_path):
    choice = choose(results(dataset(24, tmp_path), [0.9, 0.7, 0.7], 0), DEFAULT)
    assert choice.winner.name == DEFAULT
    assert conclusion(choice)[0].startswith(
        f"The plain default, {DEFAULT}, is best; its lead over the runner-up"
    )


def test_one_configuration_has_nothing_to_compare_with(tmp_path):
    choice = choose(results(dataset(24, tmp_path), [0.9], 0), DEFAULT)
    assert choice.runner_up is None
    assert conclusion(choice)[0].startswith("There is one configuration, ")


def test_log_mel_statistics_cannot_win_but_are_compared(tmp_path):
    data = dataset(24, tmp_path)
    found = results(data, [0.6, 0.6], 0)
    found[0] = dataclasses.replace(found[0], outcome=guesses(data, np.random.default_rng(1), 0.9))
    choice = choose(found, DEFAULT)
    assert choice.winner.name != FLOOR
    assert choice.over_floor.verdict == "worse"
    assert "the lead of the choice over them may be chance (−0." in conclusion(choice)[-1]


def test_of_equal_ones_the_smaller_wins(tmp_path):
    data = dataset(24, tmp_path)
    outcome = guesses(data, np.random.default_rng(0), 0.8)
    crossed = variants(["yamnet-starter"], ["mean+std", "published", "max"])[1:]
    equal = [Result(data, variant, "linear", outcome) for variant in crossed]
    choice = choose(equal, DEFAULT)
    assert choice.winner.size == 1024
    assert choice.floor is None


def test_each_fold_chooses_without_its_test_clips(tmp_path):
    """What a fold chooses does not change with the predictions for its test clips."""
    data = dataset(24, tmp_path)
    found = results(data, [0.7] * 6, 3)
    before = choose(found, DEFAULT)
    changed = []
    for result in found:
        outcome = result.outcome
        wrong = outcome.found.copy()
        wrong[:, outcome.fold == 2] = 1 - wrong[:, outcome.fold == 2]
        outcome = dataclasses.replace(outcome, found=wrong)
        changed.append(dataclasses.replace(result, outcome=outcome))
    assert choose(changed, DEFAULT).by_fold == before.by_fold


def test_the_outcome_of_the_folds_choices_is_theirs(tmp_path):
    data = dataset(24, tmp_path)
    outcomes = [result.outcome for result in results(data, [0.5, 0.6, 0.7], 0)]
    places = [0, 2, 1, 3, 0]
    joined = chosen_by_fold(outcomes, places)
    for fold, place in enumerate(places):
        own = joined.fold == fold
        np.testing.assert_array_equal(joined.found[:, own], outcomes[place].found[:, own])
        assert joined.validation[fold] == outcomes[place].validation[fold]


def test_a_real_embedding_beats_noise(tmp_path):
    """From embeddings to the verdict: one of four embeddings knows the label, a little."""
    data = dataset(24, tmp_path)
    rng = np.random.default_rng(0)
    labels = data.targets()[:, 1]
    crossed = variants(["yamnet-starter"], HEADS[:4])[1:]
    found = []
    for variant in crossed:
        rows = rng.standard_normal((N_CLIPS, 30)).astype(np.float32)
        if variant.name.endswith("max"):
            rows[:, 0] += 3 * labels
        found.append(Result(data, variant, "linear", probe_scenes(data, rows, PROBES["linear"])))
    choice = choose(found, DEFAULT)
    assert choice.winner.name == "yamnet-starter: max"
    assert choice.over_default.verdict == "better"
    noise = choose([result for result in found if result is not choice.winner], DEFAULT)
    assert noise.over_default.verdict != "better"


def test_outcomes_are_kept_whole(tmp_path):
    data = dataset(6, tmp_path)
    outcome = guesses(data, np.random.default_rng(0), 0.8)
    outcome.save(tmp_path / "outcome.npz")
    read = Outcome.load(tmp_path / "outcome.npz")
    assert read.scores() == outcome.scores()
    assert len(read.groups) == 6
    assert sorted(np.concatenate(read.groups)) == list(range(N_CLIPS))
    np.testing.assert_array_equal(read.validation, outcome.validation)


def test_tables_have_a_row_for_each_configuration(tmp_path):
    found = results(dataset(24, tmp_path), [0.7, 0.9, 0.8], 0)
    choice = choose(found, DEFAULT)
    table = rows(found, choice)
    assert [row["configuration"] for row in table][-1] == FLOOR
    assert table[0]["configuration"] == choice.winner.name
    assert all(row["low"] <= row["score"] <= row["high"] for row in table)
    assert json.loads(table[0]["options"]) == choice.winner.variant.keywords
    assert table[-1]["options"] == ""
    lines = to_text(table, choice).splitlines()
    assert len(lines) == 5
    assert sum(line.endswith("  default") for line in lines) == 1
