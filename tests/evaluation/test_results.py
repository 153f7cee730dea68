import math

import numpy as np
import pytest

from hear_openl3_yamnet.errors import HearError
from hear_openl3_yamnet.evaluation.results import (
    ResultsError,
    find_results,
    read_result,
    tabulate,
)

from .heareval_results import write_result, write_text


def test_a_single_test_split(tmp_path):
    path = write_result(tmp_path, "ours", "synth_pitch-v1-full", 0.42, metric="pitch_acc")
    result = read_result(path)
    assert (result.model, result.task) == ("ours", "synth_pitch-v1-full")
    assert (result.metric, result.score) == ("pitch_acc", 0.42)


def test_folds_are_read_as_their_mean(tmp_path):
    result = read_result(write_result(tmp_path, "ours", "esc50-v2.0.0-full", 0.75, folds=5))
    assert (result.metric, result.score) == ("top1_acc", 0.75)


@pytest.mark.parametrize("folds", [0, 3])
@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_are_missing_scores(tmp_path, score, folds):
    path = write_result(tmp_path, "ours", "tiny", score, folds=folds)
    assert math.isnan(read_result(path).score)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("", "not valid JSON"),
        ('{"test": {"test_score": 0.5', "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "Received: list"),
        ("{}", "Received: dict"),
        ('{"test": 0.5}', "Received: dict"),
        ('{"test": {"test_loss": 0.5}}', "Received: test_loss"),
        ('{"test": {"test_score": "0.5"}}', "expected a number"),
        ('{"test": {"test_score": true}}', "expected a number"),
        ('{"test": {"test_score": null}}', "expected a number"),
        ('{"fold00": {"test_score": 0.5}}', "under aggregated_scores"),
    ],
)
def test_a_broken_file_is_refused_by_name(tmp_path, text, cause):
    path = write_text(tmp_path, "ours", "task", text)
    with pytest.raises(ResultsError, match=cause) as caught:
        read_result(path)
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, HearError)


def test_a_file_in_another_encoding_is_refused_by_name(tmp_path):
    path = write_text(tmp_path, "ours", "task", "")
    path.write_bytes(b'{"test": {"test_score": 0.5, "\xe9": 1}}')
    with pytest.raises(ResultsError, match="not valid JSON"):
        read_result(path)


def test_any_folder_above_the_files_will_do_and_none_is_read_twice(tmp_path):
    embeddings = tmp_path / "embeddings"
    paths = [
        write_result(embeddings, model, task, 0.5)
        for model in ("one", "two")
        for task in ("a", "b")
    ]
    one = embeddings / "one"
    assert find_results([tmp_path]) == find_results([embeddings]) == paths
    assert find_results([one / "b"]) == paths[1:2]
    assert find_results([one / "b", embeddings, one]) == [paths[1], paths[0], *paths[2:]]


def test_model_and_task_are_known_from_inside_the_task_folder_too(tmp_path, monkeypatch):
    path = write_result(tmp_path, "ours", "task", 0.5)
    monkeypatch.chdir(path.parent)
    result = read_result(type(path)(path.name))
    assert (result.model, result.task) == ("ours", "task")


def test_folders_without_results_are_refused_by_name(tmp_path):
    with pytest.raises(ResultsError, match="no such folder"):
        find_results([tmp_path / "absent"])
    with pytest.raises(ResultsError, match=r"no test\.predicted-scores\.json"):
        find_results([tmp_path])


def test_a_table_has_nan_where_a_model_was_not_run(tmp_path):
    write_result(tmp_path, "low", "a", 0.1, metric="mAP")
    write_result(tmp_path, "low", "b", 0.2)
    write_result(tmp_path, "high", "b", 0.9)
    scores = tabulate(map(read_result, find_results([tmp_path])))
    assert (scores.tasks, scores.metrics) == (("a", "b"), ("mAP", "top1_acc"))
    assert scores.models == ("high", "low")
    np.testing.assert_array_equal(scores.values, [[np.nan, 0.1], [0.9, 0.2]])


def test_two_results_of_one_model_in_one_task_are_refused(tmp_path):
    paths = [write_result(tmp_path / run, "ours", "task", 0.5) for run in ("first", "second")]
    with pytest.raises(ResultsError, match="ours has two results in task") as caught:
        tabulate(map(read_result, paths))
    assert all(str(path) in str(caught.value) for path in paths)
