"""The commands ``hear-openl3-yamnet tasks``: tasks in the format of HEAR, of synthetic sounds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from ..errors import OptionError

app = typer.Typer(
    name="tasks",
    help="Tasks in the format of HEAR, made of synthetic sounds.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _tasks() -> None:
    """Tasks in the format of HEAR, made of synthetic sounds."""


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
    from ..tasks.task import TaskOptions
    from ..tasks.writing import check_folder, make_task, making_clips

    tasks = [get_task(name) for name in dict.fromkeys(task or TASKS)]
    options = TaskOptions(size, seed, _sample_rates(sample_rate), _speaker(speaker))
    # all folders are checked first, because a task takes minutes
    done = {each.name: check_folder(folder / each.folder(options), each, options) for each in tasks}
    with making_clips(processes) as makers:
        for each in tasks:
            n_clips = sum(each.plans[options.size].n_clips.values())
            with _progress(each.name, n_clips, hidden=done[each.name]) as progress:
                path = make_task(each.name, folder, options, makers, progress)
            typer.echo(f"{path}: {'already there' if done[each.name] else f'{n_clips} clips'}")


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
