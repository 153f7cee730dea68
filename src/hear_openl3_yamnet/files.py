"""Where the embeddings of a file are written, and how."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .errors import OptionError

__all__ = ["output_paths", "save_npz", "written_whole"]


def output_paths(audio: Sequence[Path], out: Path) -> list[Path]:
    """Name the ``.npz`` file of each audio file.

    Parameters
    ----------
    audio
        The audio files.
    out
        A folder, or for one audio file a name that ends in ``.npz``.

    Returns
    -------
    list of Path
        ``out/STEM.npz`` for each audio file, in order.

    Raises
    ------
    OptionError
        Two audio files would be written to the same place.
    """
    if out.suffix == ".npz":
        if len(audio) > 1:
            raise OptionError(
                f"{len(audio)} audio files cannot be written to one file, {out}. Name a folder."
            )
        return [out]
    writer_of: dict[str, Path] = {}
    paths = [out / f"{file.stem}.npz" for file in audio]
    for file, path in zip(audio, paths, strict=True):
        first = writer_of.setdefault(os.path.normcase(path), file)
        if first is not file:
            raise OptionError(
                f"{first} and {file} would both be written to {path}. "
                "Rename one, or write them to two folders."
            )
    return paths


def save_npz(path: Path, **arrays: np.ndarray | str | float) -> None:
    """Write an ``.npz`` file that is whole or not there: it gets its name when all is on the disk.

    Parameters
    ----------
    path
        Where to. A file that is there is replaced.
    **arrays
        What to store under which name; texts and numbers become arrays of no dimension.

    Raises
    ------
    OSError
        The folder cannot be written to, or the disk is full.
    """
    with written_whole(path) as partial, partial.open("wb") as file:
        # the checker takes the names for savez's own allow_pickle
        np.savez(file, **arrays)  # type: ignore[arg-type]


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give another name to write to; when all is written, and on the disk, it becomes `path`."""
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
