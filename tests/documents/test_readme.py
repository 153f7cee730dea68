"""The ten lines of Python in README print what it shows, and all links lead to files."""

import re
from pathlib import Path

import pytest

from tests.code_blocks import run, runs_blocks_of

ROOT = Path(__file__).parents[2]
PAGES = [
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("weights/*.md")]
    if "_build" not in path.parts
]


@runs_blocks_of("../README.md", slice(0, 1))
def test_ten_lines_print_what_is_shown(page_blocks, monkeypatch):
    monkeypatch.chdir(ROOT)
    (block,) = page_blocks
    assert block.heading == "Ten lines of Python"
    assert run(block, {}) == block.output


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        target = link.split("#")[0]
        if target and not re.match(r"https?:|mailto:", target):
            assert (page.parent / target).exists(), link
