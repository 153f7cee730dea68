"""The commands ``hear-openl3-yamnet evaluate`` and ``hear-openl3-yamnet leaderboard``."""

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import naming_what_cannot_be_written
from .shared import each_input

if TYPE_CHECKING:
    from ..evaluation.results import Result
    from ..evaluation.tables import Table


def evaluate(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULTS",
            help="Output of heareval: its embeddings folder, or the folder of a model or task in "
            "it.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT", help="Folder for the files.")
    ] = Path("evaluation"),
) -> None:
    """Compare models by the results of heareval.

    Prints one table of tasks and models, and writes it as OUT/evaluation.csv, .md and .html. It has
    the score of each task (the first metric of the task), the best in task, and for each model the
    number of tasks, wins, mean rank, median rank and median score. For tasks of HEAR it also has
    the published scores of OpenL3 and YAMNet, and the distance of each model to them.

    \b
    Examples:
      hear-openl3-yamnet evaluate embeddings
      hear-openl3-yamnet evaluate embeddings/first embeddings/second -o comparison

    A file that cannot be read is named on stderr with the cause. The others are compared.

    \b
    Exit status:
      0  all files are read
      1  at least one is not, or there are none
      2  the command itself is wrong
    """  # noqa: D301 (the \b is for the parser: it keeps the lines that follow as they are)
    from ..evaluation.leaderboard import load_leaderboard
    from ..evaluation.results import find_results, tabulate
    from ..evaluation.tables import build_table
    from ..evaluation.terminal import to_text

    paths = find_results(results)
    read = _read(paths)
    table = build_table("Scores by task and model", tabulate(read), load_leaderboard())
    typer.echo(to_text(table))
    _save_table(table, output / "evaluation")
    if n_failed := len(paths) - len(read):
        typer.echo(f"{n_failed} of {len(paths)} files are not compared (see above).", err=True)
        raise typer.Exit(1)


def leaderboard(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT", help="Folder for the files.")
    ] = Path("leaderboard"),
) -> None:
    """Compare OpenL3 and YAMNet with others by HEAR's scores.

    Prints their scores and ranks. Writes the whole table as OUT/leaderboard.csv, .md and .html, and
    three figures as PNG and SVG:

    \b
      leaderboard-tasks   the scores of each task, OpenL3 and YAMNet in colour
      leaderboard-ranks   the ranks of each model as a box
      leaderboard-wins    how often each model beats each other model

    The figures need matplotlib: pip install "hear-openl3-yamnet[plot]"
    """  # noqa: D301
    from ..evaluation.leaderboard import OPENL3, SOURCE, YAMNET, load_leaderboard
    from ..evaluation.tables import build_table
    from ..evaluation.terminal import compare_two

    scores = load_leaderboard().scores.sorted_by_mean_rank()
    typer.echo(compare_two(scores, (OPENL3, YAMNET)))
    title = "The published scores of HEAR"
    _save_table(build_table(title, scores, notes=(f"Source: {SOURCE}.",)), output / "leaderboard")
    from ..evaluation.figures import save_leaderboard  # needs matplotlib, the table does not

    with naming_what_cannot_be_written(output):
        for path in save_leaderboard(scores, (OPENL3, YAMNET), SOURCE, output):
            typer.echo(path)


def _read(paths: list[Path]) -> "list[Result]":
    """Read the files, and name those on stderr that cannot be read."""
    from ..evaluation.results import ResultsError, read_result

    read = []

    def read_one(path: Path) -> None:
        result = read_result(path)
        if math.isnan(result.score):
            warnings.warn("the score is not a finite number. It counts as missing.", stacklevel=1)
        read.append(result)

    each_input(paths, read_one)
    if not read:
        raise ResultsError(f"none of the {len(paths)} files found can be read (see above).")
    return read


def _save_table(table: "Table", stem: Path) -> None:
    from ..evaluation.formats import save_table

    with naming_what_cannot_be_written(stem.parent):
        for path in save_table(table, stem):
            typer.echo(path)
