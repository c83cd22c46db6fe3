"""Find and start a browser that is installed already; tests that need one are skipped without."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def installed_chromium() -> str:
    """Return the program, which CHROMIUM may name; skip the test without one."""
    named = [os.environ.get("CHROMIUM", ""), *_NAMES]
    found = next((path for name in named if name and (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("needs chromium; install it or name it in CHROMIUM")
    return found


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Start Chromium without a window; nothing is downloaded."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    program = installed_chromium()
    with sync_api.sync_playwright() as running:
        # A container often cannot give a process the namespaces of the sandbox.
        browser = running.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            browser.close()
