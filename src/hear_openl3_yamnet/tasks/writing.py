"""Tasks onto the disk: whole or not there at all."""

import json
import multiprocessing
import shutil
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .. import __version__
from ..audio.files import resample
from ..errors import HearError
from .catalogue import get_task
from .task import SAMPLE_RATE, Answer, Recipe, Task, TaskError

__all__ = ["check_folder", "make_task", "making_clips"]

_METADATA = "task_metadata.json"


@contextmanager
def making_clips(n_processes: int) -> Iterator[Executor]:
    """Give processes of their own to `make_task`, which start when there is work."""
    # fresh ones, not forks: forks and threads do not go together
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(n_processes, context, _leave_interrupts_to_the_parent) as pool:
        yield pool


def make_task(
    name: str,
    folder: Path,
    recipe: Recipe,
    makers: Executor,
    progress: Callable[[], object] = lambda: None,
) -> Path:
    """Write a task in HEAR's format.

    The task's folder appears under its name when it is complete. One that is there already, made
    from the same recipe, is left as it is.

    Parameters
    ----------
    name
        Of the task, see `catalogue.TASKS`.
    folder
        Where the task's folder goes; made if need be.
    recipe
        What to write: the same recipe gives the same bytes with the same versions of this package,
        NumPy and SciPy (and espeak-ng).
    makers
        Who makes the clips, see `making_clips`.
    progress
        Called for each clip that is written.

    Returns
    -------
    Path
        The task's folder: ``folder/NAME-v1-SIZE``.

    Raises
    ------
    OptionError
        There is no such task.
    TaskError
        The folder cannot be written to, or the task's folder holds something else.
    """
    task = get_task(name)
    path = folder / task.folder(recipe)
    if check_folder(path, task, recipe):
        return path
    try:
        with _appearing(path) as partial:
            answers = _write_clips(task, partial, recipe, makers, progress)
            _write_answers(task, partial, recipe, answers)
    except HearError:
        raise
    except OSError as error:
        raise TaskError(f"cannot write {path}: {error.strerror or error}.") from error
    return path


def check_folder(path: Path, task: Task, recipe: Recipe) -> bool:
    """Tell whether a folder holds the task of this recipe; False if there is none.

    Raises
    ------
    TaskError
        There is something else of that name.
    """
    if not path.exists():
        return False
    try:
        found = json.loads((path / _METADATA).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TaskError(
            f"{path} is in the way: it is no task that this command has finished. "
            "Delete it, or name another folder."
        ) from error
    wanted = _metadata(task, recipe)
    if differing := [key for key in wanted if found.get(key) != wanted[key]]:
        differences = "; ".join(
            f"{key} {json.dumps(found.get(key))}, not {json.dumps(wanted[key])}"
            for key in differing
        )
        raise TaskError(
            f"{path} holds another task ({differences}). Delete it, or name another folder."
        )
    return True


def _metadata(task: Task, recipe: Recipe) -> dict[str, Any]:
    """Return heareval's metadata, and below them what the task was made from."""
    made_from = {
        "version": __version__,
        "seed": recipe.seed,
        "sample_rates": list(recipe.sample_rates),
        **({"speaker": recipe.speaker} if task.name == "synth_words" else {}),
    }
    return {**task.metadata(recipe), "made_from": made_from}


@contextmanager
def _appearing(path: Path) -> Iterator[Path]:
    """Give a folder to write into that gets its name when all is written, or else vanishes."""
    partial = path.with_name(f".{path.name}.partial")
    path.parent.mkdir(parents=True, exist_ok=True)
    if partial.exists():  # what a run that was killed left behind
        shutil.rmtree(partial)
    partial.mkdir()
    try:
        yield partial
        partial.replace(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_clips(
    task: Task,
    folder: Path,
    recipe: Recipe,
    makers: Executor,
    progress: Callable[[], object],
) -> dict[str, dict[str, Answer]]:
    plan = task.plans[recipe.size]
    for rate in recipe.sample_rates:
        for split in plan.n_clips:
            (folder / str(rate) / split).mkdir(parents=True)
    clips = [(split, i) for split, n in plan.n_clips.items() for i in range(n)]
    answers: dict[tuple[str, int], Answer] = {}
    futures: dict[Future, tuple[str, int]] = {
        makers.submit(_write_clip, task.name, folder, recipe, *clip): clip for clip in clips
    }
    try:
        for future in as_completed(futures):
            answers[futures[future]] = future.result()
            progress()
    except BrokenProcessPool as error:
        raise TaskError(
            f"a process that makes clips of {task.name} was killed, perhaps for want of "
            "memory. Try fewer at the same time."
        ) from error
    finally:
        for future in futures:
            future.cancel()
        wait(futures)  # nobody writes into the folder any more
    return {
        split: {_clip_name(split, i): answers[split, i] for i in range(n)}
        for split, n in plan.n_clips.items()
    }


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _write_clip(name: str, folder: Path, recipe: Recipe, split: str, index: int) -> Answer:
    """Make a clip and write it at each rate; runs in a process of its own."""
    import soundfile

    task = get_task(name)
    clip = task.make_clip(recipe, task.plans[recipe.size], split, index)
    for rate in recipe.sample_rates:
        path = folder / str(rate) / split / _clip_name(split, index)
        samples = resample(clip.samples, SAMPLE_RATE, rate)
        try:
            soundfile.write(path, samples, rate, subtype="PCM_16")
        except soundfile.LibsndfileError as error:
            raise TaskError(f"cannot write {path}: {error.error_string}") from error
    return clip.answer


def _clip_name(split: str, index: int) -> str:
    return f"{split}-{index:05d}.wav"


def _write_answers(
    task: Task, folder: Path, recipe: Recipe, answers: dict[str, dict[str, Answer]]
) -> None:
    labels = task.plans[recipe.size].labels
    rows = ["idx,label", *(f"{i},{label}" for i, label in enumerate(labels))]
    (folder / "labelvocabulary.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    for split, answers_of_split in answers.items():
        _write_json(folder / f"{split}.json", answers_of_split)
    _write_json(folder / _METADATA, _metadata(task, recipe))


def _write_json(path: Path, content: dict) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
