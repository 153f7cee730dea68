"""The five tasks by name."""

from ..errors import OptionError
from . import events, pitch, strokes, tags, words
from .task import Task

__all__ = ["TASKS", "get_task"]

TASKS: dict[str, Task] = {
    module.TASK.name: module.TASK for module in (pitch, events, words, tags, strokes)
}


def get_task(name: str) -> Task:
    """Return a task by its name.

    Raises
    ------
    OptionError
        If no task has that name.
    """
    if name not in TASKS:
        raise OptionError(f"expected a task: {', '.join(TASKS)}. Received: {name!r}")
    return TASKS[name]
