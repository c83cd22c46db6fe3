"""Tables of words and numbers that stay readable on a narrow terminal.

Decides how wide each column is: words and numbers stay whole, and lines break between words.
Number columns that do not fit go into another table below, which repeats the word columns.
Rows that would scroll off the screen are counted instead of shown. Cells are shown as they are:
no markup, no control characters. A plain rich table breaks numbers in two when it is too wide;
with minimum column widths it cuts off what does not fit.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from localensemble.cli.console import MOST_ROWS, more

# A cell's padding, and the divider after it.
_GAP = 2
# A longer word is broken; a line of 80 has room for two such columns and a number.
_LONGEST_WORD = 30


class WordTable:
    """A table that rich can print: columns of words, then columns of numbers.

    Args:
        title: the line above the table.
        words: headings of the columns of words.
        numbers: headings of the columns of numbers.
        whole: where to find all rows if there are too many for a screen, in words.
    """

    def __init__(
        self, title: str, *, words: Sequence[str], numbers: Sequence[str], whole: str = ""
    ) -> None:
        self._title = title
        self._whole = whole
        self._left_out = 0
        self._words = len(words)
        self._headings = (*words, *numbers)
        self._rows: list[tuple[str, ...]] = []

    def add_row(self, *cells: str) -> None:
        """Add a row: one cell for each column."""
        if len(cells) != len(self._headings):
            raise ValueError(f"A row has {len(cells)} cells; expected {len(self._headings)}.")
        if len(self._rows) == MOST_ROWS:
            self._left_out += 1
            return
        self._rows.append(tuple("".join(_printable(cell)) for cell in cells))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield one table, or several below each other if one would be too wide."""
        title: str | None = self._title
        for chosen in self._parts(options.max_width):
            table = Table(
                title=None if title is None else literal(title, style="bold"),
                title_justify="left",
                box=box.SIMPLE_HEAD,
                show_edge=False,
                padding=(0, 1, 0, 0),
            )
            for column, width in zip(chosen, self._widths(chosen, options.max_width), strict=True):
                table.add_column(
                    literal(self._headings[column]),
                    justify="left" if column < self._words else "right",
                    width=width,
                    overflow="fold",
                )
            for row in self._rows:
                table.add_row(*(literal(row[column]) for column in chosen))
            yield table
            yield literal(more(self._left_out, whole=self._whole)) if self._left_out else ""
            title = None

    def _parts(self, room: int) -> Iterator[list[int]]:
        """Choose the columns of each table: all word columns, and the numbers that fit."""
        words = list(range(self._words))
        part, used = list(words), self._least(words)
        for column in range(self._words, len(self._headings)):
            wanted = self._narrowest(column) + _GAP
            if used + wanted > room and len(part) > self._words:
                yield part
                part, used = list(words), self._least(words)
            part.append(column)
            used += wanted
        yield part

    def _widths(self, columns: Sequence[int], room: int) -> list[int]:
        """Set each column to its longest word, and share the rest where more is needed."""
        widths = [self._narrowest(column) for column in columns]
        widest = [max(map(cell_len, self._cells(column))) for column in columns]
        left = room - sum(widths) - _GAP * len(columns)
        while left > 0 and (wanting := [i for i, w in enumerate(widths) if w < widest[i]]):
            for i in wanting[:left]:
                widths[i] += 1
            left -= len(wanting)
        return widths

    def _least(self, columns: Sequence[int]) -> int:
        return sum(self._narrowest(column) + _GAP for column in columns)

    def _narrowest(self, column: int) -> int:
        heading, *cells = self._cells(column)
        if column < self._words:
            return min(max(map(_longest_word, (heading, *cells))), _LONGEST_WORD)
        # A number is one word, and so is an interval; its heading may wrap.
        return max(_longest_word(heading), *map(cell_len, cells), 1)

    def _cells(self, column: int) -> list[str]:
        return [self._headings[column], *(row[column] for row in self._rows)]


def literal(words: str, *, style: str = "") -> Text:
    """Return text that is shown as it is: no markup, no control characters."""
    return Text("".join(_printable(words)), style=style)


def _printable(words: str) -> Iterable[str]:
    return (
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in words
    )


def _longest_word(cell: str) -> int:
    return max(map(cell_len, cell.split()), default=1)
