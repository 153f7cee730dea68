import numpy as np
import pytest

from hear_openl3_yamnet.evaluation.leaderboard import OPENL3, YAMNET, load_leaderboard
from hear_openl3_yamnet.evaluation.scores import (
    best_in_task,
    mean_over_tasks,
    median_over_tasks,
    n_common_tasks,
    pairwise_wins,
    ranks,
)

from .published import BEST, ROWS


@pytest.fixture(scope="module")
def leaderboard():
    return load_leaderboard()


def test_published_scores_and_ranks_of_the_two(leaderboard):
    scores = leaderboard.scores
    openl3, yamnet = scores.models.index(OPENL3), scores.models.index(YAMNET)
    in_task = ranks(scores.values)
    assert scores.tasks == tuple(ROWS)
    ours = np.column_stack(
        [
            scores.of(OPENL3),
            in_task[:, openl3],
            scores.of(YAMNET),
            in_task[:, yamnet],
            np.sum(~np.isnan(scores.values), axis=1),
        ]
    )
    np.testing.assert_array_equal(ours, list(ROWS.values()))


def test_published_best_of_all(leaderboard):
    scores = leaderboard.scores
    best = best_in_task(scores.values)
    for task, (score, model) in BEST.items():
        row = scores.tasks.index(task)
        (column,) = np.flatnonzero(best[row])
        assert (scores.values[row, column], scores.models[column]) == (score, model)


def test_all_of_the_table_is_there(leaderboard):
    scores = leaderboard.scores
    assert scores.values.shape == (19, 34)
    assert len(set(scores.models)) == 34
    assert np.isnan(scores.values).sum() == sum(34 - row[-1] for row in ROWS.values())
    assert np.nanmin(scores.values) == 0
    assert np.nanmax(scores.values) < 1
    assert all(scores.metrics)
    assert leaderboard.folders.count("") == 1


def test_openl3_against_yamnet(leaderboard):
    scores = leaderboard.scores
    places = scores.models.index(OPENL3), scores.models.index(YAMNET)
    both = [(row[0], row[2]) for row in ROWS.values() if not np.isnan(row[2])]
    expected = sum((a > b) + (a == b) / 2 for a, b in both)
    assert pairwise_wins(scores.values)[places] == expected == 12.5
    assert n_common_tasks(scores.values)[places] == len(both) == 16


def test_all_round_places_of_the_two(leaderboard):
    best_first = leaderboard.scores.sorted_by_mean_rank()
    assert best_first.models.index(OPENL3) + 1 == 10
    assert best_first.models.index(YAMNET) + 1 == 29
    in_task = ranks(best_first.values)
    for model, column in [(OPENL3, 1), (YAMNET, 3)]:
        place = best_first.models.index(model)
        published = [row[column] for row in ROWS.values()]
        assert mean_over_tasks(in_task)[place] == pytest.approx(np.nanmean(published))
        assert median_over_tasks(in_task)[place] == np.nanmedian(published)


def test_looking_up_by_the_folder_that_heareval_names(leaderboard):
    assert leaderboard.score(OPENL3, "esc50-v2.0.0-full") == 0.750500011
    assert leaderboard.score(YAMNET, "dcase2016_task2-hear2021-full") == 0.008316008
    assert leaderboard.score(OPENL3, "nsynth_pitch-v2.2.3-5h") == 0.560000002
    assert leaderboard.score(OPENL3, "nsynth_pitch-v2.2.3-50h") == 0.731034458
    # no score; not a task of HEAR; another size of a task of HEAR; Beehive, which has no folder
    assert np.isnan(leaderboard.score(YAMNET, "fsd50k-v1.0-full"))
    assert np.isnan(leaderboard.score(OPENL3, "synth_pitch-v1-full"))
    assert np.isnan(leaderboard.score(OPENL3, "esc50-v2.0.0-small"))
    assert np.isnan(leaderboard.score(OPENL3, ""))
