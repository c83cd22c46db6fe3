"""Where the command line prints: results to standard output, progress to standard error."""

from __future__ import annotations

import sys

from rich.console import Console

# Into a file or a pipe there is no width to ask for; tables then get what they need.
_WIDTH_WITHOUT_TERMINAL = 110


def output() -> Console:
    """Print results."""
    return Console(width=None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL)


def progress_output() -> Console:
    """Print progress, messages and errors."""
    return Console(stderr=True)
