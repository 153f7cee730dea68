"""The command line's ``tasks`` commands: ``hear-openl3-yamnet tasks make …``."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from ..errors import OptionError

app = typer.Typer(
    name="tasks",
    help="Tasks in HEAR's format, made of synthetic sounds.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def _tasks() -> None:
    """Tasks in HEAR's format, made of synthetic sounds."""


class Size(str, Enum):
    """How much of each task is made."""

    full = "full"
    small = "small"


class Speaker(str, Enum):
    """Who speaks the words of synth_words."""

    auto = "auto"
    espeak_ng = "espeak-ng"
    formant = "formant"


@app.command()
def make(
    folder: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="Where the tasks' folders go, made if need be."),
    ],
    task: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Only this task; as often as you like. Default: all."),
    ] = None,
    sample_rate: Annotated[
        list[int] | None,
        typer.Option(metavar="HZ", help="Rate of the clips; as often as you like. Default: 48000."),
    ] = None,
    size: Annotated[
        Size, typer.Option(help="small: few clips and labels, made in seconds.")
    ] = Size.full,
    seed: Annotated[int, typer.Option(min=0, help="Another seed gives other sounds.")] = 0,
    speaker: Annotated[
        Speaker,
        typer.Option(
            help="Who speaks the words: espeak-ng, or this package's formant synthesiser. "
            "auto: espeak-ng where it is installed."
        ),
    ] = Speaker.auto,
    processes: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many clips are made at the same time.")
    ] = 2,
) -> None:
    """Write tasks in the format that heareval reads, made of synthetic sounds.

    \b
      synth_pitch    which of 88 keys                    as NSynth
      synth_events   what, and when, in 2-minute clips   as DCASE 2016 task 2
      synth_words    which of 35 words                   as Speech Commands
      synth_tags     which kinds of sounds, 0.3 to 10 s  as FSD50K
      synth_strokes  which of 14 strokes, in folds       as Mridangam

    Instruments, voices, drums and rooms of the train, valid and test splits differ. The same seed
    gives the same files. A task that is there already is left as it is; one that is interrupted
    leaves nothing behind.

    \b
    Examples:
      hear-openl3-yamnet tasks make tasks
      hear-openl3-yamnet tasks make tasks --task synth_pitch --sample-rate 16000
      hear-openl3-yamnet tasks make tasks-small --size small --seed 1

    \b
    Exit status:
      0  all tasks are there
      1  at least one cannot be written, or another is in its place
      2  the command itself is wrong
    """  # noqa: D301 (the \b is for the parser: it keeps the lines that follow as they are)
    from ..tasks.catalogue import TASKS, get_task
    from ..tasks.task import TaskOptions
    from ..tasks.writing import check_folder, make_task, making_clips

    tasks = [get_task(name) for name in dict.fromkeys(task or TASKS)]
    options = TaskOptions(size.value, seed, _sample_rates(sample_rate), _speaker(speaker))
    # what cannot be written is told before minutes are spent on the others
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
            f"--sample-rate expects 8000 to {SAMPLE_RATE} Hz, which is what the sounds are made "
            f"at. Received: {', '.join(map(str, rates))}"
        )
    return rates


def _speaker(wanted: Speaker) -> str:
    from ..synthesis.speech import has_espeak

    if wanted is not Speaker.auto:
        return wanted.value
    return Speaker.espeak_ng.value if has_espeak() else Speaker.formant.value


@contextmanager
def _progress(name: str, n_clips: int, *, hidden: bool) -> Iterator[Callable[[], object]]:
    """Show a progress bar where stderr is a terminal."""
    from tqdm import tqdm

    with tqdm(total=n_clips, desc=name, unit="clip", disable=hidden or None) as bar:
        yield bar.update
