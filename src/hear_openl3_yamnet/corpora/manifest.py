"""A folder, a glob, a manifest or one audio file → the items to embed, in a fixed order."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from ..audio.files import AUDIO_SUFFIXES
from ..errors import OptionError

_EXCERPT = ("start", "duration")


class Item(NamedTuple):
    """An audio file, or an excerpt of one.

    Attributes
    ----------
    id : str
        Unique in the corpus.
    path : str
        For the operating system: surrogates stand for bytes that are not UTF-8.
    position : int
        Place in the input, counted from 0.
    start : float or None
        Seconds into the file. Default: the beginning of the file.
    duration : float or None
        Seconds. Default: to the end of the file.
    """

    id: str
    path: str
    position: int
    start: float | None = None
    duration: float | None = None


class Manifest(NamedTuple):
    """Items, and a table with their labels in the same order (often without columns)."""

    items: list[Item]
    labels: pa.Table


def printable(text: str) -> str:
    r"""Return a name as valid UTF-8, with its other bytes as ``\xNN``."""
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def read_manifest(source: str | os.PathLike) -> Manifest:
    """List the items of a folder, a glob, a manifest or an audio file.

    Parameters
    ----------
    source
        A folder with its subfolders (each is read once, also if several links lead to it); a
        glob (``**`` matches folders of any depth); a ``.csv`` or ``.parquet`` file with the
        columns ``id`` and ``path``, optionally ``start`` and ``duration`` [s], and any others as
        labels; or an audio file.

    Returns
    -------
    Manifest
        In the order of the paths or of the manifest. The id of a file in a folder is its path
        relative to the folder, with slashes. Paths in a manifest are relative to its own folder.

    Raises
    ------
    OptionError
        If the source does not exist or holds no audio, or a manifest lacks a column or has an id
        twice.
    """
    text = os.fspath(source)
    path = Path(text)
    if path.is_dir():
        items = _named(text, sorted(_walk(text)))
        labels = None
    elif path.is_file() and path.suffix.lower() in (".csv", ".parquet"):
        items, labels = _from_table(path)
    elif path.is_file():
        items, labels = _named(str(path.parent), [path.name]), None
    elif glob.has_magic(text):
        root = _glob_root(text)
        found = (name for name in glob.iglob(text, recursive=True) if not os.path.isdir(name))
        items, labels = _named(root, sorted(os.path.relpath(name, root) for name in found)), None
    else:
        raise OptionError(
            f"{printable(text)}: no such folder, glob, manifest (.csv, .parquet) or audio file."
        )
    if not items:
        suffixes = " ".join(sorted(AUDIO_SUFFIXES))
        raise OptionError(
            f"{printable(text)} holds no audio files; their names end in: {suffixes}."
        )
    _check_unique(items)
    return Manifest(items, labels or pa.table({}))


def _named(root: str, names: Sequence[str]) -> list[Item]:
    return [
        Item(printable(name).replace(os.sep, "/"), os.path.join(root, name), position)
        for position, name in enumerate(names)
    ]


def _walk(root: str) -> Iterator[str]:
    """Yield the relative paths of the audio files below a folder, each real folder once."""
    seen = set()
    linked = [root]  # links are followed after all real folders
    while linked:
        for folder, subfolders, files in os.walk(linked.pop()):
            place = os.stat(folder)
            if (place.st_dev, place.st_ino) in seen:
                subfolders.clear()
                continue
            seen.add((place.st_dev, place.st_ino))
            for name in subfolders:
                if os.path.islink(os.path.join(folder, name)):
                    linked.insert(0, os.path.join(folder, name))
            for name in files:
                if os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES:
                    yield os.path.relpath(os.path.join(folder, name), root)


def _glob_root(pattern: str) -> str:
    """Return the folders before the first wildcard."""
    names = Path(pattern).parts
    n = next(i for i, name in enumerate(names) if glob.has_magic(name))
    return str(Path(*names[:n]))


def _from_table(path: Path) -> tuple[list[Item], pa.Table]:
    try:
        table = _read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise OptionError(f"{path}: this manifest cannot be read ({error}).") from error
    missing = [name for name in ("id", "path") if name not in table.column_names]
    if missing:
        raise OptionError(
            f"{path}: a manifest must have the columns id and path, and may have start and "
            f"duration. Received: {', '.join(table.column_names)}"
        )
    ids, paths = (table[name].cast(pa.string()).to_pylist() for name in ("id", "path"))
    start, duration = (
        table[name].cast(pa.float64()).to_pylist()
        if name in table.column_names
        else [None] * len(ids)
        for name in _EXCERPT
    )
    if None in ids:
        raise OptionError(f"{path}: row {ids.index(None)} has no id.")
    items = [
        Item(id_, os.path.join(path.parent, paths[i] or ""), i, start[i], duration[i])
        for i, id_ in enumerate(ids)
    ]
    own = [name for name in ("id", "path", *_EXCERPT) if name in table.column_names]
    return items, table.drop_columns(own)


def _read_table(path: Path) -> pa.Table:
    if path.suffix.lower() == ".parquet":
        return pq.read_table(path)
    types = {
        "id": pa.string(),
        "path": pa.string(),
        "start": pa.float64(),
        "duration": pa.float64(),
    }
    return pyarrow.csv.read_csv(
        path,
        convert_options=pyarrow.csv.ConvertOptions(column_types=types, strings_can_be_null=False),
    )


def _check_unique(items: Sequence[Item]) -> None:
    first: dict[str, Item] = {}
    for item in items:
        other = first.setdefault(item.id, item)
        if other is not item:
            raise OptionError(
                f"The id {item.id!r} is given twice, at {other.position} and {item.position}. "
                "A corpus resumes by ids: make them unique."
            )
