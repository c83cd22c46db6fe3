"""Make a text fit for a cell of a workbook, know its limits, and compare texts from one.

A workbook has no control characters and one kind of line end, and programs read ``_x000D_`` as a
carriage return. A text that comes back therefore differs from the one that went in.
"""

from __future__ import annotations

import re
from pathlib import Path

from localensemble.core.errors import InputError
from localensemble.core.identity import sha256_text

# Microsoft, "Excel specifications and limits".
MOST_CELL_CHARACTERS = 32_767
"""The longest text that a cell of a workbook holds."""
MOST_SHEET_ROWS, MOST_SHEET_COLUMNS = 1_048_576, 16_384
"""The rows, header included, and columns that a sheet holds. A larger one cannot be opened."""

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")


def refuse_too_large(path: Path, *, rows: int, columns: int, hint: str) -> None:
    """Refuse to write a sheet that no program could open.

    Args:
        path: the workbook, for the message.
        rows: rows of the sheet, header included.
        columns: its columns.
        hint: what to do instead.

    Raises:
        InputError: the sheet has too many rows or columns.
    """
    for found, most, what in (
        (rows, MOST_SHEET_ROWS, "rows"),
        (columns, MOST_SHEET_COLUMNS, "columns"),
    ):
        if found > most:
            raise InputError(
                f"Cannot write {path.name}: the table has {found:,} {what}, header included; a "
                f"sheet of a workbook holds {most:,}.",
                hint=hint,
            )


def workbook_text(text: str) -> str:
    """Return the text as a cell can hold it: forbidden characters become U+FFFD."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _FORBIDDEN.sub("\ufffd", lines)


def spreadsheet_hash(text: str) -> bytes:
    """Hash a text without what a spreadsheet may change: white space and control characters."""
    typed = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    return bytes.fromhex(sha256_text(" ".join(workbook_text(typed).split())))
