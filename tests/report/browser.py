"""Measure a page in a real browser; the page itself allows no script, so a copy is measured."""

from __future__ import annotations

import json
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

from tests.browsers import installed_chromium

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)


def measured(page: Path, script: str, *, width: int, printed: bool = False) -> Any:
    """Return what a JavaScript expression gives on a page in a window 800 pixels high.

    Args:
        page: the page.
        script: an expression whose value can be written as JSON.
        width: the width of the window in pixels.
        printed: apply the styles for print.
    """
    browser = installed_chromium()
    source = page.read_text(encoding="utf-8")
    source, policies = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", source)
    assert policies == 1
    if printed:
        source = source.replace("@media print", "@media all")
    code = f"document.documentElement.setAttribute('data-found', JSON.stringify({script}))"
    copy = page.with_name("measured.html")
    copy.write_text(source.replace("</body>", f"<script>{code}</script></body>"), encoding="utf-8")
    ended = subprocess.run(
        [
            browser,
            *_FLAGS,
            f"--user-data-dir={page.with_name('profile')}",
            f"--window-size={width},800",
            "--dump-dom",
            copy.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    written = re.search(r'data-found="([^"]*)"', ended.stdout)
    assert written is not None, ended.stderr[-2000:]
    return json.loads(unescape(written[1]))
