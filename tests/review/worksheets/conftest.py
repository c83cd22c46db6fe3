"""A browser that is installed already; tests that need one are skipped without it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browsers import running_chromium


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Start Chromium without a window; it never downloads anything."""
    with running_chromium() as browser:
        yield browser


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
