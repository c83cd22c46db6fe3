"""Commands as you would type them, for messages that say what to do next.

Decides how a word is quoted: as the shells of this system do it. Double quotes are understood by
both shells of Windows; single ones are not.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

# PowerShell makes a list of words with a comma between them.
_PLAIN_ON_WINDOWS = re.compile(r"[\w./\\:=+-][\w./\\:=+@%-]*")


def command_word(word: str) -> str:
    """Return a word as you would type it."""
    if sys.platform != "win32":
        return shlex.quote(word)
    if _PLAIN_ON_WINDOWS.fullmatch(word):
        return word
    # A backslash before the last quote would escape it.
    ending = "\\" * (len(word) - len(word.rstrip("\\")))
    escaped = word.replace('"', '\\"')
    return f'"{escaped}{ending}"'


def command_line(words: Sequence[str]) -> str:
    """Return a command as you would type it."""
    return " ".join(map(command_word, words))


def import_line(table: Path, options: Sequence[str] = ("--level", "nominal")) -> str:
    """Return the command that makes a study of a table of ratings.

    Args:
        table: the file with the ratings.
        options: options of `import` that tell how to read the table. ``-o`` is added unless
            they include it.
    """
    output = () if {"-o", "--output"} & set(options) else ("-o", f"{table.stem}-study")
    return command_line(["localensemble", "import", str(table), *options, *output])
