"""A Chromium without a window, wherever one is installed."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import NoReturn

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@contextlib.contextmanager
def open_browser() -> Iterator:
    """Start a browser; where there is none, skip the test, or fail it under REQUIRE_BROWSER=1."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path  # what `playwright install chromium` brings
        found = next(filter(None, map(shutil.which, NAMES)), own)
        if not os.path.exists(found):
            _do_without()
        browser = playwright.chromium.launch(executable_path=found)
        try:
            yield browser
        finally:
            browser.close()


def _do_without() -> NoReturn:
    reason = (
        "no Chromium on this machine, and pip cannot bring one: "
        "apt install chromium, or: playwright install chromium"
    )
    if os.environ.get("REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
