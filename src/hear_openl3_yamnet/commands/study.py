"""The command ``hear-openl3-yamnet study``: labelled recordings in, the best configuration out."""

from pathlib import Path
from typing import Annotated

import typer

from . import recordings


def study(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            help="A folder with one subfolder for each class; a manifest (.csv, .jsonl or "
            ".parquet) with the columns path and label; or a task in HEAR's format.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="OUT", help="Folder. It is made if it does not exist."
        ),
    ] = Path("study"),
    models: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODELS",
            help="Presets (see: models), or several joined by +. Separated by spaces, in quotes, "
            "or the option repeated. Default: all whose weights are on this machine.",
        ),
    ] = None,
    heads: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HEADS",
            help="published; published+logmel; a pooling; a layer; or options of load_model as "
            "key=value,key=value. Separated like MODELS. "
            "Default: published max mean mean+std fusion published+logmel.",
        ),
    ] = None,
    label: recordings.Label = None,
    group: recordings.Group = None,
    label_from: recordings.LabelFrom = None,
    group_from: recordings.GroupFrom = None,
    folds: recordings.Folds = 5,
) -> None:
    """Find the best preset and head for labelled recordings, and whether its lead is chance.

    Each network runs once for all its heads. A linear classifier learns from each embedding, in
    nested cross-validation: hyperparameters and the winner are chosen without the test clips. OUT
    keeps what is computed, so the same command continues a study that was interrupted.

    \b
    OUT also gets:
      study.csv, study.md   a row for each configuration: score, interval, difference
      study.png             the same, drawn
      winner.json           the best configuration: load_model("OUT/winner.json")
      cache                 embeddings and predictions

    \b
    Examples:
      hear-openl3-yamnet study recordings
      hear-openl3-yamnet study clips.csv --group speaker -o comparison
      hear-openl3-yamnet study digits --label-from '^([0-9])' --group-from '_([a-z]+)_'
      hear-openl3-yamnet study recordings --models yamnet --heads 'max layers=layer12,pooling=max'

    It needs scikit-learn and matplotlib: pip install "hear-openl3-yamnet[study]"

    \b
    Exit status:
      0    a winner is written
      1    it is written, but clips cannot be read and are left out; or the recordings or the
           weights are missing or not valid
      2    the command itself is wrong
      130  interrupted
    """  # noqa: D301 (the \b is for the parser: it keeps the lines that follow as they are)
    from ..labelled.reading import read_dataset
    from ..study.report import describe, notes
    from ..study.run import run_study
    from ..study.variants import DEFAULT_HEADS, split_words

    dataset = read_dataset(
        data,
        label=label,
        group=group,
        label_from=label_from,
        group_from=group_from,
        n_folds=folds,
        readable=True,
    )
    for error in dataset.unreadable:
        typer.echo(f"Error: {error}", err=True)
    for line in dataset.skipped.lines():
        typer.echo(line, err=True)
    for line in (describe(dataset), *notes(dataset)):
        typer.echo(line)
    try:
        found = run_study(
            dataset,
            output,
            split_words(" ".join(models or [])),
            split_words(" ".join(heads or DEFAULT_HEADS)),
        )
    except KeyboardInterrupt:
        typer.echo("Interrupted. The same command continues where it stopped.", err=True)
        raise typer.Exit(130) from None
    typer.echo(f"\n{found.table()}\n")
    for line in found.conclusion():
        typer.echo(line)
    typer.echo("")
    for path in found.files:
        typer.echo(path)
    if n_left_out := len(dataset.unreadable):
        typer.echo(f"{n_left_out} clips cannot be read and are left out (see above).", err=True)
    if n_left_out or dataset.skipped.has_losses:
        raise typer.Exit(1)
