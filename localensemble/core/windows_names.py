"""Names of files that Windows does not take as they are written.

Writing to "NUL.csv" there loses what is written and reports no error, and a dot at the end of a
name is dropped, so such names are refused before anything is written. On other systems, every
name is taken.
"""

from __future__ import annotations

import re
import sys
from pathlib import PurePath, PureWindowsPath

from localensemble.core.errors import InputError

MOST_CHARACTERS = 259
"""The longest path of a file that Windows takes, unless its administrator allows longer ones."""

_DEVICE = re.compile(
    r"(con|prn|aux|nul|com[1-9¹²³]|lpt[1-9¹²³]|conin\$|conout\$) *(\..*)?", re.IGNORECASE
)
_REFUSED = re.compile(r'[<>:"|?*\x00-\x1f]')


def name_problem_on_windows(path: PurePath) -> str:
    """Return what Windows would make of a path instead of what it says; empty if nothing."""
    for part in PureWindowsPath(path).parts:
        if part == PureWindowsPath(path).anchor or part == "..":
            continue
        if _DEVICE.fullmatch(part):
            return f'"{part}" is the name of a device on Windows'
        if part[-1] in ". ":
            return f'Windows drops the dot or space at the end of "{part}"'
        if found := _REFUSED.search(part):
            return f'Windows allows no "{found[0]}" in names, as in "{part}"'
    return ""


def refuse_name_on_windows(path: PurePath) -> None:
    """Refuse a path that would lead to something else on Windows; elsewhere, do nothing.

    Raises:
        InputError: Windows does not take the name as it is written.
    """
    if sys.platform == "win32" and (problem := name_problem_on_windows(path)):
        raise InputError(f'Cannot write "{path}": {problem}.', hint="Choose another name.")
