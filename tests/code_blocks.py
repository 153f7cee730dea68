"""The Python blocks and the commands of a page of the documentation."""

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
    output: str | None  # shown below the block
    executed: bool


def pages() -> list[str]:
    """Return README.md, weights/README.md and the pages of docs, as paths from docs."""
    found = sorted(path.relative_to(DOCS) for path in DOCS.rglob("*.md"))
    of_docs = [path.as_posix() for path in found if path.parts[0] != "_build"]
    return ["../README.md", "../weights/README.md", *of_docs]


def text_of(page: str) -> str:
    return (DOCS / page).read_text("utf-8")


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page with their headings."""
    text = text_of(page)
    found = []
    for match in _BLOCK.finditer(text):
        heading = re.findall(r"^#+ (.*)$", text[: match.start()], re.MULTILINE)[-1]
        executed = not (match["comment"] or "").startswith("<!-- not executed: ")
        found.append(Block(heading, match["code"], match["output"], executed))
    return found


_elsewhere: dict[str, slice] = {}


def runs_blocks_of(page: str, part: slice = slice(None)) -> pytest.MarkDecorator:
    """Pass blocks of a page to a test as ``page_blocks``. `others` leaves them out."""
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


def script_of(page: str, name: str) -> str:
    """Return the file that a page writes with ``cat > NAME << 'END'``."""
    (script,) = re.findall(
        rf"^cat > {re.escape(name)} << 'END'\n(.*?)^END$", text_of(page), re.M | re.S
    )
    return script


def commands(page: str) -> list[str]:
    """Return the lines of a page that call the command line. Continued lines are joined."""
    text = text_of(page).replace("\\\n", " ")
    lines = re.findall(r"^hear-openl3-yamnet .*$", text, re.MULTILINE)
    return [shlex.join(shlex.split(line, comments=True)) for line in lines]
