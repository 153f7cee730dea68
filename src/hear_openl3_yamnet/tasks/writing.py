"""Write the synthetic tasks to the disk, each complete or absent."""

import multiprocessing
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..audio.files import resample
from ..version import __version__
from .catalogue import get_task
from .folders import is_written, task_folder, write_answers, write_sound
from .task import SAMPLE_RATE, Answer, Task, TaskError, TaskOptions

__all__ = ["check_folder", "make_task", "making_clips"]


@contextmanager
def making_clips(n_processes: int) -> Iterator[Executor]:
    """Yield processes for `make_task`. They start when there is work."""
    # spawned, because a fork of a process with threads can deadlock
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_processes, context, _leave_interrupts_to_the_parent) as pool:
        yield pool


def make_task(
    name: str,
    folder: Path,
    options: TaskOptions,
    makers: Executor,
    progress: Callable[[], object] = lambda: None,
) -> Path:
    """Write a task in HEAR's format.

    The task's folder gets its name when it is complete. An existing folder with the same task and
    options is kept, also if another process writes it at the same time.

    Parameters
    ----------
    name : str
        Name of the task, see `catalogue.TASKS`.
    folder : Path
        Folder of the task's folder. It is made if it is missing.
    options : TaskOptions
        The same options give the same bytes with the same versions of this package, NumPy, SciPy
        and espeak-ng.
    makers : Executor
        Processes that make the clips, see `making_clips`.
    progress : callable
        Called after each written clip.

    Returns
    -------
    Path
        The task's folder, ``folder/NAME-v1-SIZE``.

    Raises
    ------
    OptionError
        If there is no such task.
    TaskError
        If the folder cannot be written to, or the task's folder holds something else.
    """
    task = get_task(name)
    path = folder / task.folder(options)
    if check_folder(path, task, options):
        return path
    with task_folder(path, _metadata(task, options)) as partial:
        answers = _write_clips(task, partial, options, makers, progress)
        labels = task.plans[options.size].labels
        write_answers(partial, _metadata(task, options), labels, answers)
    return path


def check_folder(path: Path, task: Task, options: TaskOptions) -> bool:
    """Return whether a folder exists and holds this task with these options.

    Raises
    ------
    TaskError
        If something else has that name.
    """
    return is_written(path, _metadata(task, options))


def _metadata(task: Task, options: TaskOptions) -> dict[str, Any]:
    """Return heareval's metadata and the options that the task was made with."""
    made_from = {
        "version": __version__,
        "seed": options.seed,
        "sample_rates": list(options.sample_rates),
        **({"speaker": options.speaker} if task.name == "synth_words" else {}),
    }
    return {**task.metadata(options), "made_from": made_from}


def _write_clips(
    task: Task,
    folder: Path,
    options: TaskOptions,
    makers: Executor,
    progress: Callable[[], object],
) -> dict[str, dict[str, Answer]]:
    plan = task.plans[options.size]
    for rate in options.sample_rates:
        for split in plan.n_clips:
            (folder / str(rate) / split).mkdir(parents=True)
    clips = [(split, i) for split, n in plan.n_clips.items() for i in range(n)]
    answers: dict[tuple[str, int], Answer] = {}
    futures: dict[Future, tuple[str, int]] = {
        makers.submit(_write_clip, task.name, folder, options, *clip): clip for clip in clips
    }
    try:
        for future in as_completed(futures):
            answers[futures[future]] = future.result()
            progress()
    except BrokenProcessPool as error:
        raise TaskError(
            f"a process that makes clips of {task.name} was killed, perhaps because memory "
            "ran out. Try fewer processes."
        ) from error
    finally:
        for future in futures:
            future.cancel()
        wait(futures)  # no process writes into the folder any more
    return {
        split: {_clip_name(split, i): answers[split, i] for i in range(n)}
        for split, n in plan.n_clips.items()
    }


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _write_clip(name: str, folder: Path, options: TaskOptions, split: str, index: int) -> Answer:
    """Make a clip and write it at each rate. This runs in a process of `making_clips`."""
    task = get_task(name)
    clip = task.make_clip(options, task.plans[options.size], split, index)
    for rate in options.sample_rates:
        path = folder / str(rate) / split / _clip_name(split, index)
        write_sound(path, resample(clip.samples, SAMPLE_RATE, rate), rate)
    return clip.answer


def _clip_name(split: str, index: int) -> str:
    return f"{split}-{index:05d}.wav"
