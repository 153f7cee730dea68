"""The figures show the scores: their contents are read back from matplotlib."""

import re
from xml.etree import ElementTree

import matplotlib.image
import numpy as np
import pytest

from hear_openl3_yamnet.evaluation import figures, slide
from hear_openl3_yamnet.evaluation.leaderboard import OPENL3, YAMNET, load_leaderboard
from hear_openl3_yamnet.evaluation.scores import Scores

from .published import ROWS

HIGHLIGHTED = (OPENL3, YAMNET)
PLOTS = {
    "tasks": figures.plot_scores,
    "ranks": figures.plot_ranks,
    "wins": figures.plot_pairwise_wins,
}
NAN = float("nan")


@pytest.fixture(scope="module")
def scores():
    return load_leaderboard().scores


@pytest.fixture(scope="module")
def drawn(scores):
    return {name: plot(scores, HIGHLIGHTED, "the source") for name, plot in PLOTS.items()}


def labels_of(axis):
    return [label.get_text() for label in axis.get_majorticklabels()]


def visible(line):
    return np.isfinite(line.get_xdata()).sum()


def test_every_score_is_a_point_of_its_strip_and_a_missing_one_is_none(drawn, scores):
    (axes,) = drawn["tasks"].axes
    lines = {line.get_label(): line for line in axes.get_lines()}
    assert set(lines) == {"32 others", OPENL3, YAMNET}
    assert visible(lines[OPENL3]) == 19
    assert visible(lines[YAMNET]) == 16
    assert sum(map(visible, lines.values())) == np.isfinite(scores.values).sum()
    for column, model in [(0, OPENL3), (2, YAMNET)]:
        expected = [ROWS[task][column] for task in labels_of(axes.yaxis)]
        np.testing.assert_array_equal(lines[model].get_xdata(), expected)


def test_the_published_ranks_stand_beside_the_strips(drawn):
    (axes,) = drawn["tasks"].axes
    tasks = labels_of(axes.yaxis)
    written = {"●": {}, "◆": {}}
    columns = {text.get_position()[0]: text.get_text()[0] for text in axes.texts[::20]}
    for text in axes.texts:
        right, place = text.get_position()
        if place >= 0:
            written[columns[right]][tasks[place]] = text.get_text()
    for glyph, column in [("●", 1), ("◆", 3)]:
        expected = {
            task: "no score" if np.isnan(row[column]) else f"{row[column]:g} of {row[4]}"
            for task, row in ROWS.items()
        }
        assert written[glyph] == expected


def test_strips_are_in_order_of_the_lead_and_those_without_one_last(drawn):
    (axes,) = drawn["tasks"].axes
    leads = np.array([ROWS[task][0] - ROWS[task][2] for task in labels_of(axes.yaxis)])
    assert (np.diff(leads[:16]) <= 0).all()
    assert np.isnan(leads[16:]).all()
    low, high = axes.get_ylim()
    assert low > high  # the first is on top


def test_the_published_ranks_are_in_the_boxes(drawn):
    (axes,) = drawn["ranks"].axes
    models = labels_of(axes.yaxis)
    points = {line.get_ydata()[0]: line for line in axes.get_lines() if line.get_marker() == "o"}
    assert len(models) == len(points) == len(axes.patches) == 34
    for model, column in [(OPENL3, 1), (YAMNET, 3)]:
        there = [row[column] for row in ROWS.values() if not np.isnan(row[column])]
        np.testing.assert_array_equal(points[models.index(model)].get_xdata(), there)
        box = axes.patches[models.index(model)].get_path().vertices[:, 0]
        np.testing.assert_allclose([box.min(), box.max()], np.percentile(there, [25, 75]))
    means = [line.get_xdata().mean() for _, line in sorted(points.items())]
    assert (np.diff(means) >= 0).all()


def test_wins_are_percentages_of_the_tasks_that_both_have(drawn):
    (axes,) = drawn["wins"].axes
    models = [label.rsplit("  ", 1)[0] for label in labels_of(axes.yaxis)]
    percent = np.ma.filled(axes.collections[0].get_array().reshape(34, 34), np.nan)
    openl3, yamnet = models.index(OPENL3), models.index(YAMNET)
    assert percent[openl3, yamnet] == pytest.approx(100 * 12.5 / 16)
    np.testing.assert_allclose((percent + percent.T)[~np.eye(34, dtype=bool)], 100)
    assert np.isnan(np.diag(percent)).all()
    assert len(axes.texts) == 34 * 33
    assert axes.texts[33 * openl3 + yamnet - 1].get_text() == "78"


def test_two_models_without_a_task_in_common_leave_their_cell_empty():
    apart = Scores(
        ("a", "b"), ("", ""), ("x", "y", "z"), np.array([[0.1, NAN, 0.2], [NAN, 0.3, 0.2]])
    )
    (axes,) = figures.plot_pairwise_wins(apart, ("x", "y"), "").axes
    percent = np.ma.filled(axes.collections[0].get_array().reshape(3, 3), np.nan)
    models = [label.rsplit("  ", 1)[0] for label in labels_of(axes.yaxis)]
    assert np.isnan(percent[models.index("x"), models.index("y")])
    assert len(axes.texts) == 4


@pytest.mark.parametrize("name", PLOTS)
def test_only_the_two_are_in_colour(drawn, name):
    (axes,) = drawn[name].axes
    if name == "tasks":
        coloured = {line.get_label(): line.get_color() for line in axes.get_lines()}
        assert coloured.pop("32 others") == slide.GREY
    else:
        labels = axes.yaxis.get_majorticklabels()
        coloured = {
            re.sub(r"  \d+$", "", label.get_text()): label.get_color()
            for label in labels
            if label.get_fontweight() == "bold"
        }
    assert coloured == {OPENL3: slide.BLUE, YAMNET: slide.VERMILION}


@pytest.mark.parametrize("name", PLOTS)
def test_the_source_is_named(drawn, name):
    assert "the source" in drawn[name].axes[0].get_xlabel()


def test_files_are_a_slide_in_size_and_the_same_each_time(scores, tmp_path):
    first, second = (
        slide.save_figure(figures.plot_scores(scores, HIGHLIGHTED, ""), folder / "tasks")
        for folder in (make(tmp_path / "1"), make(tmp_path / "2"))
    )
    assert [path.name for path in first] == ["tasks.png", "tasks.svg"]
    picture = matplotlib.image.imread(first[0])
    assert picture.shape[:2] == (1125, 1999)
    assert 0.5 < picture[..., :3].mean() < 0.99  # mostly white, but not empty
    assert ElementTree.parse(first[1]).getroot().tag.endswith("svg")
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def make(folder):
    folder.mkdir()
    return folder
