"""Commands as a person types them, for messages that say what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path


def import_line(table: Path, options: Sequence[str] = ("--level", "nominal")) -> str:
    """Return the command that makes a study of a table of ratings.

    Args:
        table: with the ratings.
        options: how to read it, as `import` takes them; ``-o`` is added.
    """
    output = () if {"-o", "--output"} & set(options) else ("-o", f"{table.stem}-study")
    return shlex.join(["localensemble", "import", str(table), *options, *output])
