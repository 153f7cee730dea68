"""Options of the commands that read labelled recordings."""

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="A folder with one subfolder for each class; or a manifest (.csv, .jsonl or "
        ".parquet) with the columns path and label. With start and end [s], a row is an event in "
        "a file.",
    ),
]

Label = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="The manifest's column of labels. Default: label."),
]

Group = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN",
        help="The manifest's column of groups, such as speakers, sites or sources. A group is "
        "never in both training and test. Default: each file is a group of its own.",
    ),
]

LabelFrom = Annotated[
    str | None,
    typer.Option(
        metavar="REGEX",
        help="A regular expression with one capture, which finds the label in the path of a "
        "clip below DATA. Default: the subfolder.",
    ),
]

GroupFrom = Annotated[
    str | None,
    typer.Option(metavar="REGEX", help="A regular expression of this form for the group."),
]

Folds = Annotated[int, typer.Option(min=3, help="Folds, at most one for each group.")]
