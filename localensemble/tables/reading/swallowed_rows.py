"""Find rows that two stray quotes made into the text of one cell.

A quote that opens in one row and is closed by another one further down is valid CSV: the rows
between are read as lines of a text, and nobody notices. A text of several lines looks the same, so
the lines themselves decide. They are rows if every one of them splits into as many cells as the
header, and if the cells look like those of the same columns elsewhere: an id with the shape of the
other ids that does not occur yet, or a label that occurs. Prose does neither, and has a space
after a comma.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from localensemble.core.errors import TableError

_LINE_END = re.compile(r"\r\n|\r|\n")
_MOST_VALUES = 100_000
_LONGEST_TOKEN = 40
# With fewer rows, a column without repeated cells is not yet a column of ids.
_FEWEST_IDS = 3


@dataclass(frozen=True, slots=True)
class _Suspect:
    """A row whose lines all split into as many cells as the header."""

    row: int
    first_line: int
    quoted: frozenset[int]
    # The cells of each line; None for a cell that is outside of the quotes.
    lines: tuple[tuple[str | None, ...], ...] = field(repr=False)


@dataclass(slots=True)
class _Column:
    """What the cells of a column look like that are not texts of several lines."""

    values: Counter[str] = field(default_factory=Counter)
    shapes: set[str] = field(default_factory=set)
    has_spaces: bool = False
    starts_with_space: bool = False

    def add(self, cell: str) -> None:
        self.starts_with_space |= cell[:1].isspace()
        if len(self.values) >= _MOST_VALUES:
            return
        value = cell.strip()
        self.has_spaces |= " " in value
        if value and len(value) <= _LONGEST_TOKEN:
            self.values[value] += 1
            self.shapes.add(_shape(value))

    @property
    def is_unique(self) -> bool:
        return len(self.values) >= _FEWEST_IDS and self.values.most_common(1)[0][1] == 1

    def contradicts(self, cell: str) -> bool:
        """Tell whether a cell cannot belong to this column."""
        if cell[:1].isspace() and not self.starts_with_space:
            return True
        value = cell.strip()
        return (" " in value and not self.has_spaces) or (self.is_unique and value in self.values)

    def fits(self, cell: str) -> bool:
        """Tell whether a cell looks like those of this column."""
        value = cell.strip()
        if value in self.values:
            return True
        return bool(value) and " " not in value and _shape(value) in self.shapes


def refuse_swallowed_rows(
    path: Path, records: Iterable[tuple[int, list[str]]], *, delimiter: str, width: int, first: int
) -> None:
    """Refuse a table in which one cell holds what looks like several rows.

    Args:
        records: the rows below the header, with the line on which each begins.
        width: how many cells the header has.
        first: the number of the first of these rows.

    Raises:
        TableError: such a cell was found; the message names the row and the lines.
    """
    if width < 2:
        return
    columns = [_Column() for _ in range(width)]
    suspects: list[_Suspect] = []
    number = first
    for line, cells in records:
        if len(cells) != width:
            number += bool(cells)
            continue
        quoted = [place for place, cell in enumerate(cells) if "\n" in cell or "\r" in cell]
        for place, cell in enumerate(cells):
            if place not in quoted:
                columns[place].add(cell)
        if quoted:
            lines = _lines(cells, quoted, delimiter=delimiter)
            if len(lines) > 1 and all(len(one) == width for one in lines):
                suspects.append(_Suspect(number, line, frozenset(quoted), lines))
        number += 1
    for suspect in suspects:
        if _are_rows(suspect, columns):
            raise _swallowed(path, suspect)


def _lines(
    cells: Sequence[str], quoted: Sequence[int], *, delimiter: str
) -> tuple[tuple[str | None, ...], ...]:
    """Split a row where its lines end, and each line at the delimiters, as if without quotes."""
    lines: list[list[str | None]] = [[]]
    for place, cell in enumerate(cells):
        if place not in quoted:
            lines[-1].append(None)
            continue
        head, *more = _LINE_END.split(cell)
        lines[-1] += head.split(delimiter)
        lines.extend([*part.split(delimiter)] for part in more)
    return tuple(tuple(one) for one in lines)


def _are_rows(suspect: _Suspect, columns: Sequence[_Column]) -> bool:
    fitting = found = 0
    seen: set[tuple[int, str]] = set()
    for number, line in enumerate(suspect.lines):
        fits_here = 0
        for place, cell in enumerate(line):
            if cell is None or (not cell.strip() and place not in suspect.quoted):
                continue
            column = columns[place]
            if place in suspect.quoted:
                # The text itself; the first line has only its beginning.
                if number and cell[:1].isspace() and not column.starts_with_space:
                    return False
                continue
            if column.contradicts(cell) or (column.is_unique and (place, cell.strip()) in seen):
                return False
            seen.add((place, cell.strip()))
            fits = column.fits(cell) and not _is_part_of_number(line, place, suspect.quoted)
            # Among texts, one that is unlike the others is nothing unusual.
            found += fits or not column.has_spaces
            fits_here += fits
        fitting += fits_here
        is_end = number in (0, len(suspect.lines) - 1)
        if not fits_here and not is_end:
            return False
    return fitting > found - fitting


def _is_part_of_number(line: Sequence[str | None], place: int, quoted: Set[int]) -> bool:
    """Tell whether the comma beside a cell may be that of a number in a text: 10,000 or 38,5."""
    cell = line[place]
    before = line[place - 1] if place - 1 in quoted else None
    after = line[place + 1] if place + 1 in quoted else None
    return bool(cell and cell.isdecimal()) and bool(
        (before and before[-1:].isdecimal()) or (after and after[:1].isdecimal())
    )


def _shape(value: str) -> str:
    """Describe a cell without white space: ``h17`` and ``p3`` are both ``a9``."""
    if value.isdecimal():
        # Numbered lines of a text begin with short numbers.
        return "9" * len(value)
    return re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+", "a", value))


def _swallowed(path: Path, suspect: _Suspect) -> TableError:
    last = suspect.first_line + len(suspect.lines) - 1
    return TableError(
        f"{path.name}, row {suspect.row} (lines {suspect.first_line} to {last}): a quote opens in "
        f"line {suspect.first_line} and closes in line {last}, but each of these "
        f"{len(suspect.lines)} lines looks like a row of its own.",
        hint='Remove the two quotes, or double them ("") inside quoted cells. If the lines are one '
        "text, save the table as an Excel workbook, which needs no quotes.",
    )
