"""Find where a table begins in a file, and leave out what is blank around and in it.

Spreadsheet programs write a line ``sep=;``, titles above the header, columns without a name and
rows without a cell. Decides what is certain enough to leave out, and reports it. A title is left
out only if a blank line follows it or the header below has a usual name; a column without a name
only while none of its cells is filled.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from localensemble.core.errors import TableError
from localensemble.core.words import counted

Record = tuple[int, list[str]]
"""The line on which a record begins, and its cells; no cells for an empty line."""

SAMPLE_RECORDS = 40
_MOST_SHOWN = 5
# A line of a title has at most a name and a value: ``Date:,2026-03-01``.
_MOST_TITLE_CELLS = 2
_SEPARATOR = re.compile(r'\ufeff?"?sep=(.)"?[,;]*', re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_USUAL_NAMES = frozenset(
    {"id", "item", "itemid", "recordid", "caseid", "noteid", "textid", "docid", "documentid"}
    | {"text", "comment", "note", "notes", "label", "category", "rater", "annotator", "coder"}
    | {"unit", "subject", "case", "document", "responseid", "kommentar", "bemerkung", "fallid"}
)


@dataclass(frozen=True, slots=True)
class TableBounds:
    """Where the table is within the records of a file.

    Attributes:
        before: how many records precede the header, empty ones included.
        named: places of the columns to read; None reads all.
        width: how many cells the header has, with those that have no name.
        messages: what is left out, in sentences for the user.
        corner: the name of the first column if the header leaves it blank.
    """

    before: int = 0
    named: tuple[int, ...] | None = None
    width: int = 0
    messages: tuple[str, ...] = ()
    corner: str = ""

    def cut(self, path: Path, records: Iterable[Record]) -> Iterator[Record]:
        """Read the header and the rows of the table, without what is blank.

        A row of another width is not changed; the reader of the table refuses it.

        Raises:
            TableError: a cell in a column without a name is filled.
        """
        header = True
        for line, cells in itertools.islice(records, self.before, None):
            if header and cells:
                header = False
                if self.corner and not cells[0].strip():
                    cells[0] = self.corner
            if self.named is None and 0 < len(cells) == self.width and cells[0].strip():
                # Nearly every row of nearly every table, so it comes first.
                yield line, cells
            elif not self._is_blank(cells):
                yield line, self._named_cells(path, line, cells) if cells else cells

    def blank_lines(self, records: Iterable[Record]) -> list[int]:
        """Return the lines of the rows below the header that `cut` leaves out."""
        below = itertools.islice(records, self.before + 1, None)
        return [line for line, cells in below if self._is_blank(cells)]

    def _is_blank(self, cells: Sequence[str]) -> bool:
        # In a table with one column, a blank cell may be a blank text.
        columns = self.width if self.named is None else len(self.named)
        return len(cells) > 1 and columns > 1 and not any(map(str.strip, cells))

    def _named_cells(self, path: Path, line: int, cells: list[str]) -> list[str]:
        if len(cells) > self.width > 0 and not any(map(str.strip, cells[self.width :])):
            cells = cells[: self.width]
        if self.named is None:
            return cells
        if len(cells) <= self.named[-1] or len(cells) > self.width:
            return cells
        for place, cell in enumerate(cells):
            if cell.strip() and place not in self.named:
                raise TableError(
                    f"{path.name}, line {line}: column {place + 1} has a cell, but no name in the "
                    "header.",
                    hint="Give every column a name, or empty the cell.",
                )
        return [cells[place] for place in self.named]


def find_bounds(sample: Sequence[Record]) -> TableBounds:
    """Find the header among the first records of a file, and its columns without a name."""
    rows = [cells for _, cells in sample]
    place = header_place(rows)
    stated = _states_delimiter(rows[0])
    header = rows[place]
    unnamed = unnamed_columns(rows[place:])
    messages = left_out_messages(
        [line for line, cells in sample[stated:place] if _filled(cells)],
        header=sample[place][0],
        unnamed=unnamed,
    )
    if stated:
        messages = ("Read the delimiter from the first line, which is not a row.", *messages)
    named = tuple(one for one in range(len(header)) if one not in unnamed) if unnamed else None
    return TableBounds(place, named, len(header), messages)


def left_out_messages(
    titles: Sequence[int],
    *,
    header: int,
    unnamed: Sequence[int] = (),
    blank: Sequence[int] = (),
    lines: str = "line",
) -> tuple[str, ...]:
    """State what is left out around and in a table; empty if nothing is.

    Args:
        titles: numbers of the filled lines above the header.
        header: number of the line of the header.
        unnamed: places of columns without a name.
        blank: numbers of the blank rows.
        lines: what the numbers count: "line" of a file, or "row" of a sheet.
    """
    messages = []
    if titles:
        messages.append(
            f"Left out {_numbered(lines, titles)} above the header, which is {lines} {header}."
        )
    if unnamed:
        places = [place + 1 for place in unnamed]
        messages.append(f"Left out {_numbered('column', places)}: no name and no cells.")
    if blank:
        messages.append(f"Left out {counted(len(blank), 'blank row')}: {_numbered(lines, blank)}.")
    return tuple(messages)


def header_place(rows: Sequence[Sequence[str]]) -> int:
    """Find the header: the first row that is filled, unless that is certainly a title above it."""
    filled = [_filled(cells) for cells in rows]
    stated = 1 if _states_delimiter(rows[0]) else 0
    first = next((i for i in range(stated, len(rows)) if filled[i]), 0)
    widest = max(filled[first:], default=0)
    place = next((i for i in range(first, len(rows)) if filled[i] == widest), first)
    before = range(first, place)
    if (
        place == first
        or any(filled[i] > min(_MOST_TITLE_CELLS, widest - 1) for i in before)
        or any(_is_usual(rows[i]) for i in before)
        or any(_NUMBER.fullmatch(cell.strip()) for cell in rows[place])
    ):
        return first
    blank_between = any(not filled[i] for i in before)
    return place if blank_between or _is_usual(rows[place]) else first


def unnamed_columns(rows: Sequence[Sequence[str]]) -> tuple[int, ...]:
    """Find the columns of a header that have no name, and no cell in the rows below it."""
    header, *below = rows
    unnamed = [place for place, name in enumerate(header) if not name.strip()]
    if len(unnamed) == len(header):
        return ()
    blank = (
        place
        for place in unnamed
        if not any(len(cells) > place and cells[place].strip() for cells in below)
    )
    return tuple(blank)


def stated_delimiter(first_line: str) -> str | None:
    """Return the delimiter that a line ``sep=;`` states; None if it is another line."""
    found = _SEPARATOR.fullmatch(first_line.rstrip("\r\n"))
    return found.group(1) if found else None


def _states_delimiter(cells: Sequence[str]) -> bool:
    """Tell whether a record is such a line; split at its own delimiter, it has two cells."""
    first = cells[0].strip().casefold() if cells else ""
    if len(cells) == 1:
        return _SEPARATOR.fullmatch(first) is not None
    return first == "sep=" and not any(map(str.strip, cells[1:]))


def _filled(cells: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _is_usual(cells: Sequence[str]) -> bool:
    return any(re.sub(r"[\W_]+", "", cell.casefold()) in _USUAL_NAMES for cell in cells)


def _numbered(what: str, numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:_MOST_SHOWN]))
    more = f" and {len(numbers) - _MOST_SHOWN:,} more" if len(numbers) > _MOST_SHOWN else ""
    return f"{what}{'s' if len(numbers) > 1 else ''} {shown}{more}"
