"""A folder, a glob, a manifest or one audio file → the items to embed, in a fixed order."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from ..audio.listing import LOCKED, Skipped, list_audio, needs_extra, readable_endings
from ..errors import MissingExtraError, OptionError
from .globs import expand
from .manifest_table import EXCERPT, MANIFESTS, read_table


class Item(NamedTuple):
    """An audio file, or an excerpt of one.

    Attributes
    ----------
    id : str
        Unique in the corpus.
    path : str
        For the operating system: surrogates stand for bytes that are not UTF-8. "" if the manifest
        has none.
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
    """Items, a table with their labels in the same order (often without columns), and the rest.

    `skipped` is what else a folder or a glob leads to.
    """

    items: list[Item]
    labels: pa.Table
    skipped: Skipped


def printable(text: str) -> str:
    r"""Return a name as valid UTF-8, with its other bytes as ``\xNN``."""
    escaped = "".join(
        f"\\x{ord(letter) - 0xDC00:02x}" if "\udc80" <= letter <= "\udcff" else letter
        for letter in text
    )
    return escaped.encode("utf-8", "backslashreplace").decode("utf-8")


def read_manifest(source: str | os.PathLike) -> Manifest:
    """List the items of a folder, a glob, a manifest or an audio file.

    Parameters
    ----------
    source
        A folder with its subfolders (see `list_audio`); a glob (``**`` matches folders of any
        depth; each real folder counts once); a ``.csv``, ``.tsv`` or ``.parquet`` file with the
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
        If the source does not exist, or holds no audio.
    ManifestError
        If a manifest cannot be read, lacks a column or has it twice, or has an id twice.
    MissingExtraError
        If all files need the extra ``ffmpeg``, which is not installed.
    """
    text = os.fspath(source)
    path = Path(text)
    labels, skipped = pa.table({}), Skipped()
    if os.path.isdir(text):  # Path.is_dir raises an error behind a locked folder
        names, skipped = list_audio(text)
        items = _named(text, names)
    elif os.path.isfile(text) and path.suffix.lower() in MANIFESTS:
        items, labels = _of_table(path)
    elif os.path.lexists(text):
        items = _named(str(path.parent), [path.name])
    elif glob.has_magic(text):
        root = _glob_root(text)
        names, locked = expand(text)
        items = _named(root, sorted(os.path.relpath(name, root) for name in names))
        for folder, cause in locked.items():
            skipped.add(LOCKED, f"{printable(os.path.relpath(folder, root))}: {cause}")
    else:
        raise OptionError(
            f"{printable(text)}: no such folder, glob, manifest ({', '.join(MANIFESTS)}) or audio "
            "file, or no permission to reach it."
        )
    _check_any(printable(text), items, skipped)
    return Manifest(items, labels, skipped)


def _named(root: str, names: Sequence[str]) -> list[Item]:
    items = []
    taken = set()
    for position, name in enumerate(names):
        id_ = printable(name).replace(os.sep, "/")
        while id_ in taken:  # the name of a file has the escape of another's byte
            id_ += "~"
        taken.add(id_)
        items.append(Item(id_, os.path.join(root, name), position))
    return items


def _glob_root(pattern: str) -> str:
    """Return the folders before the first wildcard."""
    names = Path(pattern).parts
    n = next(i for i, name in enumerate(names) if glob.has_magic(name))
    return str(Path(*names[:n]))


_OWN = ("id", "path", *EXCERPT)


def _of_table(path: Path) -> tuple[list[Item], pa.Table]:
    table = read_table(path)
    columns = {name: table[name].to_pylist() for name in _OWN if name in table.column_names}
    nothing = [None] * table.num_rows
    start, duration = (columns.get(name, nothing) for name in EXCERPT)
    places = [os.path.join(path.parent, os.fsdecode(p)) if p else "" for p in columns["path"]]
    items = [Item(id_, places[i], i, start[i], duration[i]) for i, id_ in enumerate(columns["id"])]
    return items, table.drop_columns(list(columns))


def _check_any(source: str, items: Sequence[Item], skipped: Skipped) -> None:
    """Check that something can be embedded."""
    if not items:
        endings = " ".join(sorted(readable_endings()))
        lines = "".join(f"\n{line}" for line in skipped.lines())
        raise OptionError(f"{source} holds no audio files; their names end in: {endings}.{lines}")
    if all(needs_extra(item.path) for item in items):
        raise MissingExtraError(
            f"{source}: all {len(items)} files are of kinds that need an extra, such as "
            f"{printable(items[0].path)}. "
            'Install it with: pip install "hear-openl3-yamnet[ffmpeg]"'
        )
