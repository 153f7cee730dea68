"""A glob → files, each real folder once, and the folders that it could not look into.

Python's own `glob` follows a link to a folder above it 40 times, with two of them for ever, and
passes over a folder without permission in silence.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator

from ..audio.listing import LOCKED, walk

_ANY_DEPTH = "**"


def expand(pattern: str) -> tuple[list[str], dict[str, str]]:
    """Find the files that a pattern matches.

    Parameters
    ----------
    pattern : str
        ``*``, ``?`` and ``[…]`` match within a name, and no dot at its beginning. ``**`` as a whole
        name matches folders of any depth, which are not hidden.

    Returns
    -------
    list of str
        Of the ways to a file by several links, the shortest one.
    dict of str to str
        The folders that cannot be read and in which files might match, and why.
    """
    locked: dict[str, str] = {}
    names = {os.path.normpath(name) for name in _matches(pattern, locked)}
    reached_by: dict[str, str] = {}
    once = [
        name
        for name in sorted(names, key=lambda name: (name.count(os.sep), name))
        if not os.path.isdir(name) and _is_first(os.path.dirname(name), reached_by)
    ]
    first: dict[str, str] = {}
    return once, {place: why for place, why in locked.items() if _is_first(place, first)}


def _is_first(folder: str, reached_by: dict[str, str]) -> bool:
    return reached_by.setdefault(os.path.realpath(folder), folder) == folder


def _matches(pattern: str, locked: dict[str, str]) -> Iterator[str]:
    head, tail = _divided(pattern)
    if tail is None:
        _check_folders(os.path.dirname(pattern), locked)
        yield from glob.iglob(pattern)
        return

    def note(reason: str, path: str, cause: str) -> None:
        if reason == LOCKED:
            locked[path] = cause.removeprefix(": ")

    for top in glob.iglob(head) if head else (os.curdir,):
        for folder, _ in walk(top, note) if os.path.isdir(top) else ():
            yield from _matches(os.path.join(glob.escape(folder), tail), locked)


def _divided(pattern: str) -> tuple[str, str | None]:
    """Return what is before and after the first ``**``; None if there is none."""
    parts = pattern.replace(os.altsep or os.sep, os.sep).split(os.sep)
    if _ANY_DEPTH not in parts:
        return pattern, None
    n = parts.index(_ANY_DEPTH)
    head = os.sep.join(parts[:n])
    if not head and n:  # the root of the file system
        head = os.sep
    return head, os.sep.join(parts[n + 1 :]) or "*"


def _check_folders(pattern: str, locked: dict[str, str]) -> None:
    """Note the folders that a pattern and its own folders match, and that cannot be read."""
    if not pattern:
        return
    if glob.has_magic(pattern):
        _check_folders(os.path.dirname(pattern), locked)
    for folder in glob.iglob(pattern):
        try:
            os.scandir(folder).close()
        except NotADirectoryError:
            pass
        except OSError as error:
            locked[folder] = error.strerror or str(error)
