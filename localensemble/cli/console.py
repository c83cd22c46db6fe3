"""Where the command line prints: results to standard output, progress to standard error."""

from __future__ import annotations

import sys

from rich.console import Console

# Into a file or a pipe there is no width to ask for; tables then get what they need.
_WIDTH_WITHOUT_TERMINAL = 110


def output() -> Console:
    """Print results."""
    width = None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL
    # Names come from files: brackets in them are no markup.
    return Console(width=width, markup=False)


def progress_output() -> Console:
    """Print progress, messages and errors."""
    return Console(stderr=True, markup=False)


def say(console: Console, line: str) -> None:
    """Print one line as it is, however narrow the terminal."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)
