"""The commands ``hear-openl3-yamnet evaluate`` and ``hear-openl3-yamnet leaderboard``."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import naming_what_cannot_be_written

if TYPE_CHECKING:
    from ..evaluation.results import Result
    from ..evaluation.tables import Table


def evaluate(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULTS",
            help="heareval's output: an embeddings folder, or one model's or task's folder in it.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT", help="Folder for the files.")
    ] = Path("evaluation"),
) -> None:
    """Compare models by heareval's results.

    Prints one table, task by model, and writes it as OUT/evaluation.csv, .md and .html: each
    task's score (the first metric of the task), the best in task, and for each model the number of
    tasks, wins, mean rank, median rank and median score. Where a task is one of HEAR's, the
    published scores of OpenL3 and YAMNet stand beside, and each model's distance to them below.

    \b
    Examples:
      hear-openl3-yamnet evaluate embeddings
      hear-openl3-yamnet evaluate embeddings/first embeddings/second -o comparison

    A file that cannot be read is named on stderr with the cause, and the others are compared.

    \b
    Exit status:
      0  all files are read
      1  at least one is not, or there is none
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
    """Compare OpenL3 and YAMNet with all others by HEAR's scores.

    Prints their published scores and ranks, and writes the whole table as OUT/leaderboard.csv, .md
    and .html, and three figures as PNG and SVG:

    \b
      leaderboard-tasks   each task's scores, OpenL3 and YAMNet in colour
      leaderboard-ranks   each model's ranks as a box
      leaderboard-wins    how often each model beats each other

    The figures need matplotlib: pip install "hear-openl3-yamnet[plot]"
    """  # noqa: D301
    from ..evaluation.leaderboard import OPENL3, SOURCE, YAMNET, load_leaderboard
    from ..evaluation.tables import build_table
    from ..evaluation.terminal import compare_two

    scores = load_leaderboard().scores.sorted_by_mean_rank()
    typer.echo(compare_two(scores, (OPENL3, YAMNET)))
    title = "HEAR's published scores"
    _save_table(build_table(title, scores, notes=(f"Source: {SOURCE}.",)), output / "leaderboard")
    from ..evaluation.figures import save_leaderboard  # needs matplotlib, what is above does not

    with naming_what_cannot_be_written(output):
        for path in save_leaderboard(scores, (OPENL3, YAMNET), SOURCE, output):
            typer.echo(path)


def _read(paths: list[Path]) -> "list[Result]":
    """Read what can be read, and name on stderr what cannot."""
    from ..evaluation.results import ResultsError, read_result

    read = []
    for path in paths:
        try:
            result = read_result(path)
        except ResultsError as error:
            typer.echo(f"Error: {error}", err=True)
            continue
        if math.isnan(result.score):
            typer.echo(f"Warning: {path}: the score is no finite number: missing.", err=True)
        read.append(result)
    if not read:
        raise ResultsError(f"none of the {len(paths)} files found can be read (see above).")
    return read


def _save_table(table: "Table", stem: Path) -> None:
    from ..evaluation.formats import save_table

    with naming_what_cannot_be_written(stem.parent):
        for path in save_table(table, stem):
            typer.echo(path)
