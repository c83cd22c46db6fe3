"""Where the command line prints: results to standard output, progress to standard error."""

from __future__ import annotations

import sys

from rich.console import Console

# A file or a pipe has no width; this is wide enough for the tables.
_WIDTH_WITHOUT_TERMINAL = 110


def output() -> Console:
    """Return the console for results."""
    width = None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL
    # Names come from files: brackets in them are not markup.
    return Console(width=width, markup=False)


def progress_output() -> Console:
    """Return the console for progress, messages and errors."""
    return Console(stderr=True, markup=False)


def say(console: Console, line: str) -> None:
    """Print one line unchanged, however narrow the terminal."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)
