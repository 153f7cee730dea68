"""The sounds that a search found as one HTML page, without a script, that plays them."""

from __future__ import annotations

import html
import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from ..files import written_whole
from .sounds import Sounds, sounds_of_page
from .templates import filled, resource, source_hash

if TYPE_CHECKING:
    from ..corpora.nearest import Found

_AROUND_S = 1.0
"""Seconds before and after a timestamp that are played."""


def write_found(
    query: str | os.PathLike,
    found: Sequence[Found],
    path: Path,
    source: str,
    embed_below: float = 20e6,
) -> Sounds:
    """Write a page with the query and the sounds that are nearest to it.

    Parameters
    ----------
    query
        The audio file.
    found : sequence of Found
        The nearest first.
    path : Path
        The page. An existing file is replaced.
    source : str
        What was searched, and with which model.
    embed_below : float
        The sounds are put into the page if they take at most so many bytes. Otherwise they are
        linked.

    Returns
    -------
    Sounds
        The sounds of the page, the query first.

    Raises
    ------
    OSError
        If the folder cannot be written to, or the disk is full.
    """
    places = [(os.fspath(query), None, None), *map(_place, found)]
    paths, starts, durations = zip(*places, strict=True)
    sounds = sounds_of_page(paths, starts, durations, path, embed_below)
    style = resource("found.css")
    content = {
        "title": html.escape(f"Nearest to {PurePath(query).name}"),
        "policy": f"default-src 'none'; style-src '{source_hash(style)}'; "
        "media-src 'self' data: file:; base-uri 'none'; form-action 'none'",
        "style": style,
        "source": html.escape(source),
        "rows": "\n".join(_rows(PurePath(query).name, found, sounds)),
    }
    with written_whole(path) as partial:
        partial.write_text(filled("found.html", content), encoding="utf-8")
    return sounds


def _place(found: Found) -> tuple[str, float | None, float | None]:
    """Return what is played of a sound: the path, the start and the duration in seconds."""
    if found.time is None:
        return found.path, found.start, found.duration
    moment = (found.start or 0.0) + found.time
    start = max(0.0, moment - _AROUND_S)
    return found.path, start, moment + _AROUND_S - start


def _rows(query: str, found: Sequence[Found], sounds: Sounds) -> Iterator[str]:
    yield _row(0, ("query", "", query), sounds, "query")
    for rank, one in enumerate(found, 1):
        name = one.id if one.time is None else f"{one.id} at {one.time:.2f} s"
        yield _row(rank, (str(rank), f"{one.similarity:.4f}", name), sounds, "")


def _row(number: int, cells: Sequence[str], sounds: Sounds, kind: str) -> str:
    texts = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
    return f'<tr class="{kind}">{texts}<td>{_player(number, sounds)}</td></tr>'


def _player(number: int, sounds: Sounds) -> str:
    address = sounds.of[number]
    if address is None:
        return "<small>not found from here</small>"
    start, end = sounds.starts[number], sounds.ends[number]
    excerpt = "" if start is None else f"#t={start:.3f}" + ("" if end is None else f",{end:.3f}")
    source = html.escape(sounds.addresses[address] + excerpt, quote=True)
    return f'<audio controls preload="none" src="{source}"></audio>'
