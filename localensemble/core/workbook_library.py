"""Import openpyxl, whose unfinished sheets hold texts, so that a kill leaves none of them.

It writes every sheet to a temporary file first, which it removes when the process ends.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from localensemble.core.leftovers import note_unfinished


def workbook_library() -> Any:
    """Return openpyxl; every temporary file that it makes is noted while it is still empty."""
    library: Any = import_module("openpyxl")
    writer: Any = import_module("openpyxl.worksheet._writer")
    make = writer.create_temporary_file
    if not getattr(make, "is_noted", False):

        def noted_file(suffix: str = "") -> str:
            name: str = make(suffix)
            note_unfinished(Path(name))
            return name

        writer.create_temporary_file = noted_file
        writer.create_temporary_file.is_noted = True
    return library
