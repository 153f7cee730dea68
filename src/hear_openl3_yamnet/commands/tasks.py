"""The commands ``hear-openl3-yamnet tasks``: tasks in the format of HEAR."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..errors import OptionError
from . import recordings
from .shared import each_input

app = typer.Typer(
    name="tasks",
    help="Tasks in the format of HEAR, of synthetic sounds or of your recordings.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _tasks() -> None:
    """Tasks in the format of HEAR, of synthetic sounds or of your recordings."""


@app.command()
def make(
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="Folder for the tasks, made if it does not exist."),
    ],
    task: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this task. Can be repeated. Default: all."),
    ] = None,
    sample_rate: Annotated[
        list[int] | None,
        typer.Option(metavar="HZ", help="Rate of the clips. Can be repeated. Default: 48000."),
    ] = None,
    size: Annotated[
        Literal["full", "small"], typer.Option(help="small: few clips and labels, made in seconds.")
    ] = "full",
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other sounds.")] = 0,
    speaker: Annotated[
        Literal["auto", "espeak-ng", "formant"],
        typer.Option(
            help="Who speaks the words: espeak-ng, or the formant synthesiser of this package. "
            "auto: espeak-ng if it is installed."
        ),
    ] = "auto",
    processes: Annotated[
        int,
        typer.Option(min=1, metavar="N", help="Number of clips that are made at the same time."),
    ] = 2,
) -> None:
    """Write tasks in the format that heareval reads, made of synthetic sounds.

    \b
      synth_pitch    which of 88 keys                    as NSynth
      synth_events   what, and when, in 2-minute clips   as DCASE 2016 task 2
      synth_words    which of 35 words                   as Speech Commands
      synth_tags     which kinds of sounds, 0.3 to 10 s  as FSD50K
      synth_strokes  which of 14 strokes, in folds       as Mridangam

    The train, valid and test splits have different instruments, voices, drums and rooms. The same
    seed gives the same files. An existing task is left as it is. An interrupted task leaves no
    files.

    \b
    Examples:
      hear-openl3-yamnet tasks make tasks
      hear-openl3-yamnet tasks make tasks --task synth_pitch --sample-rate 16000
      hear-openl3-yamnet tasks make tasks-small --size small --seed 1

    \b
    Exit status:
      0  all tasks exist
      1  at least one cannot be written, or another task has its place
      2  the command itself is wrong
    """  # noqa: D301 (the \b is for the parser: it keeps the lines that follow as they are)
    from ..tasks.catalogue import TASKS, get_task
    from ..tasks.task import Task, TaskOptions
    from ..tasks.writing import check_folder, make_task, making_clips

    tasks = [get_task(name) for name in dict.fromkeys(task or TASKS)]
    options = TaskOptions(size, seed, _sample_rates(sample_rate), _speaker(speaker))

    there: dict[str, bool] = {}

    def check(each: Task) -> None:
        there[each.name] = check_folder(folder / each.folder(options), each, options)

    def make_one(each: Task) -> str:
        n_clips = sum(each.plans[options.size].n_clips.values())
        with (
            making_clips(processes) as makers,  # for each task, because a killed one breaks them
            _progress(each.name, n_clips, hidden=there[each.name]) as progress,
        ):
            path = make_task(each.name, folder, options, makers, progress)
        return f"{path}: {'already there' if there[each.name] else f'{n_clips} clips'}"

    # all folders are checked first, because a task takes minutes
    n_failed = each_input(tasks, check, lambda each: each.name)
    free = [each for each in tasks if each.name in there]
    if n_failed + each_input(free, make_one, lambda each: each.name):
        raise typer.Exit(1)


@app.command("from")
def from_recordings(
    data: recordings.Data,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", help="Folder for the task's folder, made if it does not exist."
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The task's name: lower-case letters, digits and _. Default: from DATA's name.",
        ),
    ] = None,
    label: recordings.Label = None,
    group: recordings.Group = None,
    label_from: recordings.LabelFrom = None,
    group_from: recordings.GroupFrom = None,
    folds: recordings.Folds = 5,
    splits: Annotated[
        Literal["folds", "trainvaltest"],
        typer.Option(
            help="folds: for cross-validation. trainvaltest: the first fold is the test split, "
            "the second one the validation split."
        ),
    ] = "folds",
    sample_rate: Annotated[
        list[int] | None,
        typer.Option(
            metavar="HZ",
            help="Rate of the clips. Can be repeated. Default: those that HEAR's models use: "
            "16000, 22050, 32000, 44100 and 48000.",
        ),
    ] = None,
) -> None:
    """Write your labelled recordings as a task in the format that heareval reads.

    Each clip has one label. In a manifest with a column end, each row is an event in a file, from
    start to end in seconds; a row without label, start and end names a file without events.
    Clips become mono, with 16 bits, at each rate. Their lengths stay as they are.

    study reads the task back with the same labels, groups and folds.

    \b
    Examples:
      hear-openl3-yamnet tasks from recordings tasks
      hear-openl3-yamnet tasks from clips.csv tasks --group speaker --name words
      hear-openl3-yamnet tasks from digits tasks --label-from '^([0-9])' --group-from '_([a-z]+)_'
      hear-openl3-yamnet tasks from events.csv tasks --splits trainvaltest --sample-rate 48000

    \b
    Exit status:
      0  the task exists, with all clips
      1  a clip could not be read and is left out, or there is no task
      2  the command itself is wrong
    """  # noqa: D301 (the \b is for the parser: it keeps the lines that follow as they are)
    from ..labelled.reading import read_dataset
    from ..labelled.task_folders import is_task
    from ..tasks.recordings import HEAR_RATES, labels_not_trained_on, make_task_from

    if is_task(data):
        raise OptionError(f"{data} is a task in HEAR's format already.")
    dataset = read_dataset(
        data,
        label=label,
        group=group,
        label_from=label_from,
        group_from=group_from,
        n_folds=folds,
    )
    rates = tuple(sorted(set(sample_rate or HEAR_RATES)))
    chosen = name or re.sub(r"[^a-z0-9]+", "_", data.stem.lower()).strip("_")
    n_clips = len(dataset.clips)
    with _progress(chosen, n_clips, hidden=False) as progress:
        written = make_task_from(dataset, folder, chosen, rates, splits, progress)
    for line in dataset.skipped.lines():
        typer.echo(line, err=True)
    if rare := labels_not_trained_on(dataset, splits):
        typer.echo(
            f"Note: some training split has no clip of {', '.join(rare)}, because their clips are "
            "of few groups.",
            err=True,
        )
    for clip in written.clipped:
        typer.echo(f"Note: {clip} has samples outside [-1, 1]. They are limited to it.", err=True)
    for clip, cause in written.left_out.items():
        typer.echo(f"Left out: {clip}: {cause}", err=True)
    typer.echo(
        f"{written.path}: {'already there' if written.was_there else f'{written.n_clips} clips'}"
    )
    if written.left_out:
        typer.echo(f"{len(written.left_out)} of {n_clips} clips are left out.", err=True)
    if written.left_out or dataset.skipped.has_losses:
        raise typer.Exit(1)


def _sample_rates(given: list[int] | None) -> tuple[int, ...]:
    from ..tasks.task import SAMPLE_RATE

    rates = tuple(sorted(set(given or [SAMPLE_RATE])))
    if rates[0] < 8000 or rates[-1] > SAMPLE_RATE:
        raise OptionError(
            f"--sample-rate expects 8000 to {SAMPLE_RATE} Hz. The sounds are made at "
            f"{SAMPLE_RATE} Hz. Received: {', '.join(map(str, rates))}"
        )
    return rates


def _speaker(wanted: str) -> str:
    from ..synthesis.speech import has_espeak

    if wanted != "auto":
        return wanted
    return "espeak-ng" if has_espeak() else "formant"


@contextmanager
def _progress(name: str, n_clips: int, *, hidden: bool) -> Iterator[Callable[[], object]]:
    """Show a progress bar if stderr is a terminal."""
    from tqdm import tqdm

    with tqdm(total=n_clips, desc=name, unit="clip", disable=hidden or None) as bar:
        yield bar.update
