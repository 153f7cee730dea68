"""A Chromium without a window, wherever one is installed."""

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@contextlib.contextmanager
def open_browser() -> Iterator:
    """Start a browser; skip the test where there is none, and say how to get one."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        own = playwright.chromium.executable_path  # what `playwright install chromium` brings
        found = next(filter(None, map(shutil.which, NAMES)), own)
        if not os.path.exists(found):
            pytest.skip(
                "no Chromium on this machine, and pip cannot bring one: "
                "apt install chromium, or: playwright install chromium"
            )
        browser = playwright.chromium.launch(executable_path=found)
        try:
            yield browser
        finally:
            browser.close()
