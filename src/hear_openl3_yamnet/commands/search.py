"""The command ``hear-openl3-yamnet search``: the sounds of a corpus that are nearest to a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import naming_what_cannot_be_written
from .shared import check_ending, errors_of, loading_quietly, report_sounds, warnings_shown

if TYPE_CHECKING:
    from ..corpora import Corpus
    from ..corpora.nearest import Found


def search(
    folder: Annotated[Path, typer.Argument(metavar="CORPUS", help="OUT of corpus embed.")],
    query: Annotated[Path, typer.Argument(metavar="QUERY", help="An audio file (see: embed).")],
    top: Annotated[int, typer.Option(min=1, metavar="N", help="Sounds to list.")] = 10,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PAGE",
            help="A name that ends in .html: a page that plays what was found. An existing file "
            "is replaced.",
            show_default=False,
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The weights file of the corpus, if its weights came from a file.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """List the sounds of a corpus that are nearest to a sound.

    The scene embedding of the query is compared with those of the corpus, by their cosine. If the
    corpus has timestamps only, the mean of the query's timestamps is compared with each of them,
    and the nearest moment of each file counts. The model is that of the corpus.

    \b
    The columns. Rows are ordered by cosine.
      cosine  of the two embeddings; 1 is the same direction
      at      the nearest moment, in seconds (only of a corpus with timestamps only)
      sound   the id in the corpus

    \b
    Examples:
      hear-openl3-yamnet search embeddings bird.wav
      hear-openl3-yamnet search embeddings bird.wav --top 20 -o birds.html

    It needs: pip install "hear-openl3-yamnet[search]"

    \b
    Exit status:
      0  the sounds are listed, and the page plays all of them
      1  they are listed, but some cannot be played; or the query cannot be embedded
      2  the command itself is wrong
    """  # noqa: D301
    if output:
        check_ending(output, (".html",))
    from ..corpora import load_corpus
    from ..corpora.nearest import nearest
    from ..embedding import embed
    from ..loading import load_described

    corpus = load_corpus(folder)
    with loading_quietly():
        model = load_described(corpus.configuration, str(weights) if weights else None)
    with warnings_shown(f"{query}: "), errors_of(query):
        if corpus.has("scene"):
            embedding = embed(query, model)
        else:
            embedding = embed(query, model, timestamps=True)[0].mean(axis=0)
    found = nearest(corpus, embedding, top)
    typer.echo(_table(found))
    if output:
        _write_page(output, query, found, corpus)


def _table(found: list[Found]) -> str:
    by_time = any(one.time is not None for one in found)
    lines = ["cosine  " + ("  at [s]  " if by_time else "") + "sound"]
    for one in found:
        at = f"{one.time:8.2f}  " if one.time is not None else ""
        lines.append(f"{one.similarity:6.4f}  {at}{one.id}")
    return "\n".join(lines)


def _write_page(page: Path, query: Path, found: list[Found], corpus: Corpus) -> None:
    from ..plotting.found_page import write_found
    from ..plotting.texts import describe

    made_of = describe(corpus.configuration["model"], corpus.configuration["weights_id"])
    with naming_what_cannot_be_written(page):
        sounds = write_found(query, found, page, f"{corpus.folder}: {made_of}")
    report_sounds(page, sounds, "sounds")
