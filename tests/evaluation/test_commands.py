"""``evaluate`` and ``leaderboard``, run on folders in heareval's format."""

import csv
import math
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.program import run

from .heareval_results import write_result, write_text
from .published import ROWS

NO_MATPLOTLIB = """
import sys
sys.modules["matplotlib"] = None
from hear_openl3_yamnet.commands.app import main
main()
"""


def read_csv(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {(row.pop("task"), row.pop("quantity")): row for row in csv.DictReader(file)}


class Cells(HTMLParser):
    """The texts of the rows of a table, with * after bold ones, and all addresses."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.addresses = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href")]
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag):
        if tag == "strong":
            self.rows[-1][-1] += "*"
        if tag in ("th", "td"):
            self.in_cell = False

    in_cell = False

    def handle_data(self, data):
        if self.in_cell:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Three models, two tasks of HEAR and one other task. One score is missing, one is NaN."""
    folder = tmp_path_factory.mktemp("results")
    embeddings, out = folder / "embeddings", folder / "out" / "here"
    for model, scores in {
        "plain": (0.7505, 0.40, 0.5),
        "model=yamnet|<b>": (0.80, math.nan, 0.5),
        "third": (0.10, None, 0.25),
    }.items():
        write_result(embeddings, model, "esc50-v2.0.0-full", scores[0], folds=5)
        if scores[1] is not None:
            write_result(embeddings, model, "fsd50k-v1.0-full", scores[1], metric="mAP")
        write_result(embeddings, model, "synth_pitch-v1-full", scores[2], metric="pitch_acc")
    return run("evaluate", embeddings, "-o", out), out


def test_evaluate_writes_csv(compared):
    done, out = compared
    assert done.returncode == 0
    table = read_csv(out / "evaluation.csv")
    esc50 = table["esc50-v2.0.0-full", "top1_acc"]
    assert esc50 == {
        "best": "model=yamnet|<b>",
        "model=yamnet|<b>": "0.8",
        "plain": "0.7505",
        "third": "0.1",
        "published OpenL3": "0.750500011",
        "published YAMNet": "0.8375",
    }
    distance = table["esc50-v2.0.0-full", "minus published YAMNet"]
    assert float(distance["plain"]) == pytest.approx(0.7505 - 0.8375)
    assert float(distance["model=yamnet|<b>"]) == pytest.approx(0.80 - 0.8375)
    assert table["fsd50k-v1.0-full", "mAP"]["model=yamnet|<b>"] == ""
    assert ("fsd50k-v1.0-full", "minus published OpenL3") in table
    assert ("fsd50k-v1.0-full", "minus published YAMNet") not in table  # it has no score
    pitch = table["synth_pitch-v1-full", "pitch_acc"]
    assert pitch["best"] == "model=yamnet|<b>; plain"
    assert pitch["published OpenL3"] == ""
    assert ("synth_pitch-v1-full", "minus published OpenL3") not in table


def test_evaluate_counts_over_all_tasks(compared):
    _, out = compared
    table = read_csv(out / "evaluation.csv")
    models = ("plain", "model=yamnet|<b>", "third")
    ranks = {"plain": (2, 1, 1.5), "model=yamnet|<b>": (1, 1.5), "third": (3, 3)}
    counted = {
        quantity: [float(table["all tasks", quantity][model]) for model in models]
        for quantity in ("tasks", "wins", "mean rank", "median rank", "median score")
    }
    assert counted == {
        "tasks": [3, 2, 2],
        "wins": [2, 2, 0],
        "mean rank": [sum(ranks[model]) / len(ranks[model]) for model in models],
        "median rank": [1.5, 1.25, 3],
        "median score": pytest.approx([0.5, 0.65, 0.175]),
    }


def test_evaluate_prints_the_table_with_the_models_in_order_of_mean_rank(compared):
    done, out = compared
    lines = done.stdout.splitlines()
    assert lines[2:7] == [
        "[1] model=yamnet|<b>",
        "[2] plain",
        "[3] third",
        "[4] published OpenL3",
        "[5] published YAMNet",
    ]
    fields = [re.split(r"\s{2,}", line) for line in lines[8:]]
    assert ["esc50-v2.0.0-full", "top1_acc", "0.800*", "0.750", "0.100", "0.751", "0.838"] in fields
    assert ["", "minus published OpenL3", "+0.049", "+0.000", "−0.651", "–", "–"] in fields
    assert ["fsd50k-v1.0-full", "mAP", "–", "0.400*", "–", "0.447", "–"] in fields
    assert [str(out / f"evaluation.{ending}") for ending in ("csv", "md", "html")] == lines[-3:]
    assert "the score is not a finite number" in done.stderr


def test_evaluate_writes_markdown(compared):
    _, out = compared
    text = (out / "evaluation.md").read_text(encoding="utf-8")
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line[:1] == "|"]
    cells = [[cell.strip() for cell in row] for row in rows]
    assert cells[0][2:5] == [r"model=yamnet\|&lt;b&gt;", "plain", "third"]
    assert {len(row) for row in cells} == {7}
    assert ["synth_pitch-v1-full", "pitch_acc", "**0.500**", "**0.500**", "0.250"] in [
        row[:5] for row in cells
    ]


def test_evaluate_writes_html_that_needs_no_other_file(compared):
    _, out = compared
    page = Cells((out / "evaluation.html").read_text(encoding="utf-8"))
    assert page.addresses == []
    assert page.rows[0][2:5] == ["model=yamnet|<b>", "plain", "third"]
    assert {len(row) for row in page.rows} == {7}
    assert ["fsd50k-v1.0-full", "mAP", "–", "0.400*", "–", "0.447", "–"] in page.rows


def test_evaluate_leaves_out_the_leaderboard_without_tasks_of_hear(tmp_path):
    write_result(tmp_path / "embeddings", "ours", "synth_words-v1-full", 0.5)
    done = run("evaluate", tmp_path / "embeddings", "-o", tmp_path / "out")
    assert done.returncode == 0
    assert "ublished" not in done.stdout


def test_evaluate_skips_broken_files_by_name(tmp_path):
    embeddings = tmp_path / "embeddings"
    write_result(embeddings, "ours", "good", 0.5)
    broken = write_text(embeddings, "ours", "broken", '{"test": {')
    done = run("evaluate", embeddings, "-o", tmp_path / "out")
    assert done.returncode == 1
    assert f"Error: {broken}: not valid JSON" in done.stderr
    assert "1 of 2 files are not compared" in done.stderr
    assert ("good", "top1_acc") in read_csv(tmp_path / "out" / "evaluation.csv")

    done = run("evaluate", broken.parent, "-o", tmp_path / "nothing")
    assert done.returncode == 1
    assert "none of the 1 files found can be read" in done.stderr
    assert not (tmp_path / "nothing").exists()


def test_evaluate_names_folders_that_cannot_be_read_or_written(tmp_path):
    done = run("evaluate", tmp_path / "absent")
    assert (done.returncode, done.stdout) == (1, "")
    assert "no such folder" in done.stderr
    write_result(tmp_path / "embeddings", "ours", "task", 0.5)
    (tmp_path / "file").write_text("")
    done = run("evaluate", tmp_path / "embeddings", "-o", tmp_path / "file")
    assert done.returncode == 1
    assert f"cannot write {tmp_path / 'file'}" in done.stderr


def test_leaderboard_prints_ranks_and_writes_table_and_figures(tmp_path):
    done = run("leaderboard", "-o", tmp_path)
    assert done.returncode == 0
    fields = [re.split(r"\s{2,}", line) for line in done.stdout.splitlines()]
    for task, (openl3, rank, yamnet, other_rank, n_models) in ROWS.items():
        (row,) = [row for row in fields if row[0] == task]
        assert row[2:4] == [f"{openl3:.3f}", f"{rank:g} of {n_models}"]
        missing = math.isnan(yamnet)
        assert row[4:6] == (
            ["–", "–"] if missing else [f"{yamnet:.3f}", f"{other_rank:g} of {n_models}"]
        )
    assert "12.5 of the 16 tasks that both have" in done.stdout

    names = {path.name for path in tmp_path.iterdir()}
    figures = {
        f"leaderboard-{name}.{ending}"
        for name in ("tasks", "ranks", "wins")
        for ending in ("png", "svg")
    }
    assert names == figures | {f"leaderboard.{ending}" for ending in ("csv", "md", "html")}
    assert all(path.stat().st_size > 3_000 for path in tmp_path.iterdir())
    table = read_csv(tmp_path / "leaderboard.csv")
    assert table["ESC-50", "top1_acc"]["best"] == "RedRice ced_base"
    assert table["FSD50K", "mAP"]["Soundsensing YAMNet"] == ""


def test_leaderboard_without_matplotlib_says_how_to_get_it(tmp_path):
    command = [sys.executable, "-c", NO_MATPLOTLIB, "leaderboard", "-o", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert "Traceback" not in done.stderr
    assert done.returncode == 1
    assert 'pip install "hear-openl3-yamnet[plot]"' in done.stderr
    assert {path.suffix for path in tmp_path.iterdir()} == {".csv", ".md", ".html"}
