"""Commands as you would type them, for messages that say what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path


def import_line(table: Path, options: Sequence[str] = ("--level", "nominal")) -> str:
    """Return the command that makes a study of a table of ratings.

    Args:
        table: the file with the ratings.
        options: options of `import` that tell how to read the table. ``-o`` is added unless
            they include it.
    """
    output = () if {"-o", "--output"} & set(options) else ("-o", f"{table.stem}-study")
    return shlex.join(["localensemble", "import", str(table), *options, *output])
