"""The Python blocks of a page of the documentation, run as its readers would run them.

And the commands that it shows.
"""

import contextlib
import io
import re
import shlex
from pathlib import Path
from typing import NamedTuple

import pytest

DOCS = Path(__file__).parents[1] / "docs"

_BLOCK = re.compile(
    r"(?P<comment><!--(?:(?!-->).)*-->\n)?```python\n(?P<code>.*?)^```\n"
    r"(?:\n```\n(?P<output>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    heading: str
    code: str
    output: str | None  # what the page shows below it
    executed: bool


def pages() -> list[str]:
    """Return README.md, that of the weights, and the pages of docs, as paths from there."""
    found = sorted(path.relative_to(DOCS) for path in DOCS.rglob("*.md"))
    of_docs = [path.as_posix() for path in found if path.parts[0] != "_build"]
    return ["../README.md", "../weights/README.md", *of_docs]


def text_of(page: str) -> str:
    return (DOCS / page).read_text("utf-8")


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page, each with the heading that it stands under."""
    text = text_of(page)
    found = []
    for match in _BLOCK.finditer(text):
        heading = re.findall(r"^#+ (.*)$", text[: match.start()], re.MULTILINE)[-1]
        executed = not (match["comment"] or "").startswith("<!-- not executed: ")
        found.append(Block(heading, match["code"], match["output"], executed))
    return found


_elsewhere: dict[str, slice] = {}


def runs_blocks_of(page: str, part: slice = slice(None)) -> pytest.MarkDecorator:
    """Hand blocks of a page to a test as ``page_blocks``; `others` leaves them out."""
    _elsewhere[page] = part
    return pytest.mark.parametrize("page_blocks", [blocks(page)[part]], ids=[page])


def others(page: str) -> list[Block]:
    """Return the blocks of a page that no test asked for by `runs_blocks_of`."""
    found = blocks(page)
    if page in _elsewhere:
        del found[_elsewhere[page]]
    return found


def run(block: Block, namespace: dict) -> str:
    """Run a block and return what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.code, block.heading, "exec"), namespace)
    return printed.getvalue()


def commands(page: str) -> list[str]:
    """Return a page's lines that call the command line, continued ones joined."""
    text = text_of(page).replace("\\\n", " ")
    lines = re.findall(r"^hear-openl3-yamnet .*$", text, re.MULTILINE)
    return [shlex.join(shlex.split(line, comments=True)) for line in lines]
