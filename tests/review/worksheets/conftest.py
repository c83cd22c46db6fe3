"""A browser that is installed already; tests that need one are skipped without it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Start Chromium without a window; it never downloads anything."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("needs Chromium or Chrome; install one of them")
    with sync_api.sync_playwright() as running:
        # A container often cannot give a process the namespaces of the sandbox.
        browser = running.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Any, tmp_path: Path) -> Iterator[Any]:
    """Open an empty tab without network; an error or a warning of the page fails the test."""
    context = chromium.new_context(offline=True, accept_downloads=True)
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text))
    yield page
    context.close()
    assert troubles == []
