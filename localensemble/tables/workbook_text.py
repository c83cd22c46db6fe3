"""Make a text fit for a cell of a workbook, and compare texts that have been in one.

A workbook has no control characters and one kind of line end, and programs read ``_x000D_`` as a
carriage return. A text that comes back therefore differs from the one that went in.
"""

from __future__ import annotations

import re

from localensemble.core.identity import sha256_text

MOST_CELL_CHARACTERS = 32_767
"""The longest text that a cell of a workbook holds."""

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def workbook_text(text: str) -> str:
    """Return the text as a cell can hold it: forbidden characters become U+FFFD."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _FORBIDDEN.sub("\ufffd", lines)


def spreadsheet_hash(text: str) -> bytes:
    """Hash a text without what a spreadsheet may change: white space and control characters."""
    typed = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return bytes.fromhex(sha256_text(" ".join(workbook_text(typed).split())))
