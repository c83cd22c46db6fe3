"""Where the command line prints: results to standard output, progress to standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from localensemble.core.shown_text import shown

# A file or a pipe has no width; this is wide enough for the tables.
_WIDTH_WITHOUT_TERMINAL = 110

MOST_ROWS = 21
"""The most rows of a list or table: a screen has 24 lines, and a heading takes three."""


class SafeConsole(Console):
    """A console on which a value of a foreign file cannot control the terminal.

    Control characters and marks of direction are shown as escapes, wherever they come from.
    """

    def render_str(self, text: str, **options: Any) -> Text:
        """Make the escapes before a table or a line measures its text."""
        return super().render_str(shown(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render as rich does; replace what must not reach a terminal."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield segment._replace(text=shown(segment.text))


def output() -> Console:
    """Return the console for results."""
    width = None if sys.stdout.isatty() else _WIDTH_WITHOUT_TERMINAL
    # Names come from files: brackets in them are not markup.
    return SafeConsole(width=width, markup=False)


def progress_output() -> Console:
    """Return the console for progress, messages and errors."""
    return SafeConsole(stderr=True, markup=False)


def say(console: Console, line: str) -> None:
    """Print one line unchanged, however narrow the terminal."""
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def cut(lines: Sequence[str], *, most: int = MOST_ROWS, whole: str = "") -> tuple[str, ...]:
    """Return the first lines, and one that counts the rest.

    Args:
        lines: the whole list.
        most: how many lines to keep.
        whole: where the whole list is, in words.
    """
    if len(lines) <= most:
        return tuple(lines)
    return (*lines[:most], more(len(lines) - most, whole=whole))


def more(count: int, *, whole: str) -> str:
    """Return a line that counts what is not shown, and says where it is."""
    return f"and {count:,} more ({whole})" if whole else f"and {count:,} more"
