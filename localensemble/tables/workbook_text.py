"""Make a text fit for a cell of a workbook, and compare texts that have been in one.

A workbook has no control characters and one kind of line end, and programs read ``_x000D_`` as a
carriage return. A text that comes back therefore differs from the one that went in.
"""

from __future__ import annotations

import re

MOST_CELL_CHARACTERS = 32_767
"""The longest text that a cell of a workbook holds."""

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def workbook_text(text: str) -> str:
    """Return the text as a cell can hold it: forbidden characters become U+FFFD."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _FORBIDDEN.sub("\ufffd", lines)


def same_in_workbooks(one: str, other: str) -> bool:
    """Tell whether two texts are the same, apart from what a workbook cannot keep."""
    return one == other or _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return workbook_text(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), text))
