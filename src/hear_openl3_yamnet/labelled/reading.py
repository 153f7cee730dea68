"""Reading labelled recordings: a folder, a manifest, or a task in HEAR's format."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..audio.listing import Skipped, list_audio, readable_endings
from ..errors import HearError, MachineError, OptionError
from .dataset import ANY_RATE, FEWEST_GROUPS, Clip, Dataset, DatasetError, grouped
from .manifests import MANIFESTS, Columns, Finder, read_manifest
from .task_folders import find_tasks, is_task, read_task

__all__ = ["N_FOLDS", "read_dataset"]

N_FOLDS = 5


def read_dataset(
    source: str | os.PathLike,
    *,
    label: str | None = None,
    group: str | None = None,
    label_from: str | None = None,
    group_from: str | None = None,
    n_folds: int = N_FOLDS,
    readable: bool = False,
) -> Dataset:
    r"""Read labelled recordings, and divide them into folds.

    Parameters
    ----------
    source
        One of

        - a folder with one subfolder for each class, searched with all its subfolders;
        - a manifest: a ``.csv``, ``.jsonl`` or ``.parquet`` file with the columns ``path`` and
          ``label``, and optionally ``start`` and ``duration`` [s]. Paths are relative to its
          folder. With a column ``end`` [s], each row is an event in a file;
        - a task in HEAR's format: a folder with ``task_metadata.json``. It has its own splits.
    label, group : str, optional
        Columns of the manifest. `label` is ``label`` by default. Without a group, each file is a
        group of its own.
    label_from, group_from : str, optional
        Regular expressions with one capture, which is the label or the group. They are searched
        for in the clip's path below the folder (with ``/``), or as the manifest has it.
    n_folds : int
        Number of folds, at most one for each group.
    readable : bool
        Whether to decode every clip, and to leave out those that cannot be read. A task in HEAR's
        format is not complete without them, so it keeps them.

    Returns
    -------
    Dataset

    Raises
    ------
    OptionError
        If an option is not valid, or cannot be combined with the source or another option.
    DatasetError
        If the source is missing, empty or damaged, a label is missing, or there are too few
        labels, groups or clips of a label.
    MissingExtraError
        If the manifest is Parquet and pyarrow is not installed.
    """
    path = Path(source)
    _check_options(path, label, group, label_from, group_from, n_folds)
    if is_task(path):
        return read_task(path).dataset()
    label_in, group_in = _finder("label_from", label_from), _finder("group_from", group_from)
    of_events = False
    skipped = Skipped()
    if path.is_dir():
        names, skipped = list_audio(path)
        clips = list(_of_folder(path, names, skipped, label_in, group_in))
    elif path.is_file() and path.suffix.lower() in MANIFESTS:
        columns = Columns(label or "label", group, label_in, group_in)
        clips, of_events = read_manifest(path, columns)
    else:
        raise DatasetError(
            f"{path}: there is no such folder and no such manifest ({', '.join(MANIFESTS)})."
        )
    unreadable: list[str] = []
    if readable:
        clips, unreadable = _readable(clips)
        if not clips:
            raise DatasetError(
                f"{path}: none of {len(unreadable)} clips can be read. {unreadable[0]}"
            )
    dataset = grouped(path.name or str(path), clips, n_folds, of_events=of_events)
    return dataclasses.replace(dataset, unreadable=tuple(unreadable), skipped=skipped)


def _readable(clips: Sequence[Clip]) -> tuple[list[Clip], list[str]]:
    """Return the clips that can be read, and why others cannot."""
    found, unreadable = [], []
    for clip in clips:
        try:
            clip.check()
        except MachineError:
            raise
        except Exception as error:  # a damaged file can make a library raise anything
            own = isinstance(error, HearError)
            unreadable.append(str(error) if own else f"{clip.file()}: {error!r}")
        else:
            found.append(clip)
    return found, unreadable


def _check_options(
    path: Path,
    label: str | None,
    group: str | None,
    label_from: str | None,
    group_from: str | None,
    n_folds: int,
) -> None:
    """Check that the options of `read_dataset` fit the source and each other."""
    for name, column, pattern in (("label", label, label_from), ("group", group, group_from)):
        if column is not None and pattern is not None:
            raise OptionError(f"Give {name} or {name}_from, not both.")
    if n_folds < FEWEST_GROUPS:
        raise OptionError(
            f"n_folds must be at least {FEWEST_GROUPS}: one fold to score on, one to choose on, "
            f"one to train on. Received: n_folds={n_folds!r}"
        )
    if is_task(path) and any((label, group, label_from, group_from)):
        raise OptionError(f"{path} is a task in HEAR's format. It has its own labels and splits.")
    if path.is_dir() and (label or group):
        raise OptionError(f"{path} is a folder, and has no columns. Give label_from or group_from.")


def _finder(option: str, pattern: str | None) -> Finder | None:
    """Return what finds a pattern's capture in a clip's name."""
    if pattern is None:
        return None
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise OptionError(
            f"{option} is not a regular expression: {error}. Received: {pattern!r}"
        ) from error
    if compiled.groups != 1:
        raise OptionError(
            f"{option} must have one capture, such as '_([a-z]+)_'. Received: {pattern!r}"
        )

    def find(name: str) -> str:
        match = compiled.search(name)
        if not match or not match[1]:
            raise DatasetError(f"{option}={pattern!r} does not match {name}.")
        return match[1]

    return find


def _of_folder(
    folder: Path,
    names: Sequence[str],
    skipped: Skipped,
    label_in: Finder | None,
    group_in: Finder | None,
) -> Iterator[Clip]:
    if not names:
        hint = "".join(f"\n{line}" for line in skipped.lines())
        if tasks := find_tasks(folder):
            hint += f" It contains tasks in HEAR's format; name one of them, such as {tasks[0]}."
        endings = " ".join(sorted(readable_endings()))
        raise DatasetError(f"{folder} contains no audio files (by their names: {endings}).{hint}")
    for name in (Path(name).as_posix() for name in names):
        if label_in is None and "/" not in name:
            raise DatasetError(
                f"{name} is in no subfolder of {folder}, so its class is not known. Move it into "
                "the subfolder of its class, or give label_from."
            )
        label = label_in(name) if label_in else name.partition("/")[0]
        yield Clip(name, {ANY_RATE: folder / name}, (label,), group_in(name) if group_in else name)
