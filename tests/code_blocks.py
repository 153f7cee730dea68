"""The Python blocks of a page of the documentation, run as its readers would run them."""

import contextlib
import io
import re
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parents[1] / "docs"

_BLOCK = re.compile(
    r"(?P<comment><!--.*?-->\n)?```python\n(?P<code>.*?)^```\n"
    r"(?:\n```\n(?P<output>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    heading: str
    code: str
    output: str | None  # what the page shows below it
    executed: bool


def blocks(page: str) -> list[Block]:
    """Return the blocks of a page, each with the heading that it stands under."""
    text = (DOCS / page).read_text("utf-8")
    found = []
    for match in _BLOCK.finditer(text):
        heading = re.findall(r"^#+ (.*)$", text[: match.start()], re.MULTILINE)[-1]
        executed = "not executed" not in (match["comment"] or "")
        found.append(Block(heading, match["code"], match["output"], executed))
    return found


def run(block: Block, namespace: dict) -> str:
    """Run a block and return what it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.code, block.heading, "exec"), namespace)
    return printed.getvalue()
