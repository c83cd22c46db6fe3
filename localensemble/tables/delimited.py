"""Read and write tables as CSV, strictly and row by row.

Reading refuses what a lenient reader would misread without a warning: text that is not UTF-8,
unbalanced quotes, rows with more or fewer cells than the header, and columns without a unique
name. Cells are kept exactly as they are. A file is written completely or not at all. No
message contains a cell from below the header; messages name rows and lines.

Row 1 is the first row below the header. Lines count from 1 and include the header.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NoReturn

from localensemble.core.errors import TableError
from localensemble.core.files import replaced_text_file
from localensemble.core.input_files import FileMark, open_input
from localensemble.core.limits import (
    MOST_TABLE_CELLS,
    MOST_TABLE_COLUMNS,
    MOST_TABLE_ROWS,
)
from localensemble.core.words import counted
from localensemble.tables.decimal_marks import DecimalMark, decimal_mark
from localensemble.tables.doubts.header_rows import MOST_HEADER_ROWS, more_header_rows
from localensemble.tables.reading.csv_records import open_text, read_records
from localensemble.tables.reading.damage import (
    check_kind_of_file,
    decoding_error,
    refuse_more,
)
from localensemble.tables.reading.swallowed_rows import refuse_swallowed_rows
from localensemble.tables.table_bounds import (
    SAMPLE_RECORDS,
    Record,
    TableBounds,
    find_bounds,
    header_place,
    left_out_messages,
    stated_delimiter,
)

DELIMITERS = (",", ";", "\t", "|")
_SAMPLE_CHARACTERS = 1 << 16
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?")
# The last four are the full-width forms of the first four; some spreadsheets treat them alike.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


@dataclass(frozen=True, slots=True)
class TableFormat:
    """How a table is stored, so that an output file opens like the input file.

    ``byte_order_mark`` tells Excel that the file is UTF-8; ``decimal_mark`` is that of its
    numbers.
    """

    delimiter: str = ","
    byte_order_mark: bool = False
    decimal_mark: DecimalMark = "."


@dataclass(frozen=True, slots=True)
class Table:
    """A CSV file with a header and at least one row below it.

    Attributes:
        columns: names from the header; all are different and none is blank.
        more_header_rows: rows below the names that belong to the header and are not read.
        bounds: where the table is in its file.
    """

    path: Path
    columns: tuple[str, ...]
    format: TableFormat
    more_header_rows: int = field(default=0, kw_only=True)
    bounds: TableBounds = field(default=TableBounds(), kw_only=True)
    mark: FileMark | None = field(default=None, kw_only=True, compare=False)

    def check_unchanged(self) -> None:
        """Refuse the table if somebody wrote to its file since it was opened.

        Raises:
            TableError: the file changed.
        """
        refuse_changed(self.path, self.mark)

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Read the rows below the header, each with one cell per column.

        Empty lines are skipped. Every call reads the file again.

        Raises:
            TableError: the file is damaged, too large, or changes meanwhile; the message names
                the row and the line.
        """
        self.check_unchanged()
        width = len(self.columns)
        most_rows = min(MOST_TABLE_ROWS, MOST_TABLE_CELLS // width)
        number, empty_line = -self.more_header_rows, 0
        with open_text(self.path) as stream:
            records = self.bounds.cut(
                self.path, read_records(self.path, stream, self.format.delimiter)
            )
            if next((tuple(cells) for _, cells in records if cells), ()) != self.columns:
                raise TableError(
                    f"{self.path.name}: the header has changed since the file was opened.",
                    hint="Run the command again, and do not change the file while it runs.",
                )
            for line, cells in records:
                if len(cells) == width:
                    if empty_line:
                        raise TableError(
                            f"{self.path.name}, line {empty_line}: the line is empty, but more "
                            "rows follow it.",
                            hint='Write "" for an empty text, or remove the line.',
                        )
                    number += 1
                    if number > most_rows:
                        _refuse_too_long(self.path, width)
                    if number > 0:
                        refuse_repeated_header(self.path, self.columns, cells, row=number)
                        yield tuple(cells)
                elif cells:
                    raise TableError(
                        f"{self.path.name}, row {number + 1} (line {line}): the row has "
                        f"{counted(len(cells), 'cell')}, but the header has {width}.",
                        hint=f"Put quotes around a cell that contains a "
                        f"{_spoken(self.format.delimiter)}; add the missing cells to a short row; "
                        "remove a title above the header or a note below the table.",
                    )
                elif width == 1:
                    # In a table with one column, an empty line could also be an empty text;
                    # at the end of the file it is just an extra line.
                    empty_line = line
        self.check_unchanged()


@dataclass(frozen=True, slots=True)
class HeldTable(Table):
    """A table in memory; ``path`` is not a file, only the name of the table in messages.

    Attributes:
        values: the rows below the header, each with one cell per column.
        messages: what was chosen to read it, in sentences for the user.
        dates: column -> its first row whose cell was stored as a date, not as text.
    """

    values: tuple[tuple[str, ...], ...] = field(repr=False)
    messages: tuple[str, ...] = ()
    dates: Mapping[str, int] = field(default_factory=dict)

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Return the rows below the header.

        Raises:
            TableError: a row repeats the header.
        """
        for number, cells in enumerate(self.values, start=1):
            refuse_repeated_header(self.path, self.columns, cells, row=number)
            yield cells


@dataclass(frozen=True, slots=True)
class _RowsLeftOut(Table):
    """A table read without some of its rows."""

    whole: Table = field(repr=False)
    leaves_out: Callable[[tuple[str, ...]], bool] = field(repr=False)

    def rows(self) -> Iterator[tuple[str, ...]]:
        """Return the rows below the header that are not left out."""
        return (cells for cells in self.whole.rows() if not self.leaves_out(cells))


def without_rows(table: Table, leaves_out: Callable[[tuple[str, ...]], bool]) -> Table:
    """Return a table without the rows of which ``leaves_out`` is true."""
    if isinstance(table, HeldTable):
        return replace(table, values=tuple(row for row in table.values if not leaves_out(row)))
    return _RowsLeftOut(table.path, table.columns, table.format, table, leaves_out, mark=table.mark)


def refuse_repeated_header(
    path: Path, columns: Sequence[str], cells: Sequence[str], *, row: int
) -> None:
    """Refuse a row with the names of the columns, as where two tables were joined.

    Raises:
        TableError: the row repeats the names of two columns or more.
    """
    if cells[0] == columns[0] and len(cells) > 1 and [*cells] == [*columns]:
        raise TableError(
            f"{path.name}, row {row}: the row repeats the names of the columns.",
            hint="Remove it; if several tables were joined, check that no item occurs twice.",
        )


def refuse_changed(path: Path, mark: FileMark | None) -> None:
    """Refuse a file that somebody wrote to since ``mark`` was taken; None refuses nothing.

    Raises:
        TableError: the file changed.
    """
    if mark is not None and FileMark.of(path) != mark:
        raise TableError(
            f"{path.name}: the file changed while it was in use.",
            hint="Run the command again, and do not change the file while it runs.",
        )


def _refuse_too_long(path: Path, width: int) -> NoReturn:
    most = min(MOST_TABLE_ROWS, MOST_TABLE_CELLS // width)
    raise TableError(
        f"{path.name}: the table has more than {most:,} rows; at most {MOST_TABLE_ROWS:,} rows "
        f"and {MOST_TABLE_CELLS:,} cells are read.",
        hint="Check that this is the right file, and divide it into several if it is.",
    )


TableSource = Path | HeldTable
"""Where a table comes from: a file, or memory."""


def path_of(source: TableSource) -> Path:
    """Return the path of a table; for a table in memory, its name in messages."""
    return source.path if isinstance(source, HeldTable) else source


def open_table(source: TableSource, *, delimiter: str | None = None, corner: str = "") -> Table:
    """Open a CSV file and read its header; return a table in memory unchanged.

    Args:
        source: the file or table.
        delimiter: one of ``DELIMITERS``; None detects it.
        corner: the name of the first column if the header leaves it blank; without one, a blank
            name is refused.

    Raises:
        TableError: the file is missing, empty or not UTF-8 text, or its header cannot be used.
    """
    if isinstance(source, HeldTable):
        return source
    path = source
    if delimiter is not None and delimiter not in DELIMITERS:
        raise TableError(
            f'Cannot read "{path.name}": unknown delimiter "{delimiter}".',
            hint=f"Choose one of: {', '.join(map(_spoken, DELIMITERS))}.",
        )
    unread = FileMark.of(path)
    start = check_kind_of_file(path)
    chosen = delimiter if delimiter is not None else _find_delimiter(path)
    with open_text(path) as stream:
        bounds = replace(find_bounds(_sample(read_records(path, stream, chosen))), corner=corner)
    with open_text(path) as stream:
        records = (
            cells for _, cells in bounds.cut(path, read_records(path, stream, chosen)) if cells
        )
        columns = tuple(next(records, ()))
        check_header(path, columns)
        first = [*itertools.islice(records, MOST_HEADER_ROWS + 1)]
        more = more_header_rows(columns, first)
        mark = decimal_mark(itertools.chain(first[more:], records), delimiter=chosen)
    if len(first) <= more:
        raise TableError(
            f"{path.name}: the file has a header, but no rows below it.",
            hint="Use a CSV file with a header and one row per item.",
        )
    if _has_quotes(path):
        with open_text(path) as stream:
            refuse_swallowed_rows(
                path,
                itertools.islice(read_records(path, stream, chosen), bounds.before + 1, None),
                delimiter=chosen,
                width=bounds.width,
                first=1 - more,
            )
    form = TableFormat(chosen, start.startswith(_BYTE_ORDER_MARK), mark)
    blank = left_out_messages((), header=0, blank=_blank_rows(path, bounds, chosen))
    bounds = replace(bounds, messages=(*bounds.messages, *blank))
    table = Table(path, columns, form, more_header_rows=more, bounds=bounds, mark=unread)
    table.check_unchanged()
    return table


def _has_quotes(path: Path) -> bool:
    with open_input(path) as stream:
        return any(b'"' in chunk for chunk in iter(partial(stream.read, 1 << 20), b""))


def _sample(records: Iterator[Record]) -> list[Record]:
    """Read the first records; a damaged one after the first is refused when it is read again."""
    sample: list[Record] = []
    try:
        sample.extend(itertools.islice(records, SAMPLE_RECORDS))
    except TableError:
        if not sample:
            raise
    return sample or [(1, [])]


def _blank_rows(path: Path, bounds: TableBounds, delimiter: str) -> list[int]:
    """Find the lines of rows without a filled cell."""
    blank = re.compile(rb'(?=[^,;|\t]*[,;|\t])[\s",;|]*+')
    with open_input(path) as stream:
        # Reading all records takes ten times as long. A long line is looked at in pieces.
        if not any(map(blank.fullmatch, iter(partial(stream.readline, _SAMPLE_CHARACTERS), b""))):
            return []
    with open_text(path) as text:
        try:
            return bounds.blank_lines(read_records(path, text, delimiter))
        except TableError:
            # Reading the rows reports it.
            return []


def write_table(
    path: Path,
    *,
    kept: Sequence[str],
    added: Sequence[str],
    rows: Iterable[tuple[Sequence[str], Sequence[str]]],
    format: TableFormat = TableFormat(),  # noqa: A002
) -> None:
    """Write a CSV file completely or not at all, readable only by its owner.

    Args:
        kept: columns from the user's file. Their cells are written unchanged, even those that
            a spreadsheet would run as formulas: they are the user's data and must survive a
            round trip.
        added: columns that the program adds on the right. Their cells go through
            `neutralize_formula`.
        rows: the cells of ``kept`` and the cells of ``added`` for each row.

    Raises:
        LocalEnsembleError: the file cannot be written; an existing file stays as it was.
    """
    encoding = "utf-8-sig" if format.byte_order_mark else "utf-8"
    with replaced_text_file(path, encoding=encoding) as stream:
        # With CRLF as the line ending, the writer quotes every cell that contains CR or LF.
        writer = csv.writer(stream, delimiter=format.delimiter, lineterminator="\r\n")
        writer.writerow((*kept, *map(neutralize_formula, added)))
        for kept_cells, added_cells in rows:
            if len(kept_cells) != len(kept) or len(added_cells) != len(added):
                raise ValueError(
                    f"A row has {len(kept_cells)} + {len(added_cells)} cells; "
                    f"expected {len(kept)} + {len(added)}."
                )
            writer.writerow((*kept_cells, *map(neutralize_formula, added_cells)))


def neutralize_formula(cell: str) -> str:
    """Put an apostrophe before a cell that a spreadsheet would run as a formula.

    Numbers stay unchanged, including those with a sign.
    """
    if cell.startswith(_FORMULA_STARTS) and not _NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def restore_formula(cell: str) -> str:
    """Remove the apostrophe that `neutralize_formula` puts before a cell."""
    return cell[1:] if cell.startswith("'") and neutralize_formula(cell[1:]) == cell else cell


def _find_delimiter(path: Path) -> str:
    """Choose the delimiter that splits the first rows into as many cells as the header.

    If none does, choose the one with the widest header; reading then reports what is wrong.
    """
    with open_text(path) as stream:
        try:
            sample = stream.read(_SAMPLE_CHARACTERS)
            complete = not stream.read(1)
        except UnicodeDecodeError:
            raise decoding_error(path) from None
    first_line, _, below = sample.partition("\n")
    stated = stated_delimiter(first_line)
    if stated is not None and below:
        if stated in DELIMITERS:
            _check_stated(path, below, stated, complete=complete)
            return stated
        raise TableError(
            f"{path.name}: the first line states a delimiter that is not supported.",
            hint=f"Use one of: {', '.join(map(_spoken, DELIMITERS))}.",
        )
    widths = {
        delimiter: _sample_widths(sample, delimiter, complete=complete) for delimiter in DELIMITERS
    }
    split = {delimiter: found for delimiter, found in widths.items() if found[:1] > [1]}
    even = [delimiter for delimiter, found in split.items() if len(set(found)) == 1]
    if len(even) > 1:
        raise TableError(
            f"{path.name}: the delimiter is not clear; "
            f"{' and '.join(map(_spoken, even))} split the rows evenly.",
            hint="Put quotes around cells that contain the character that is not the delimiter.",
        )
    if even:
        return even[0]
    return max(split, key=lambda delimiter: split[delimiter][0], default=DELIMITERS[0])


def _check_stated(path: Path, below: str, stated: str, *, complete: bool) -> None:
    """Refuse a stated delimiter that splits nothing where another one does."""
    widest = {
        one: max(_sample_widths(below, one, complete=complete), default=0) for one in DELIMITERS
    }
    others = [one for one in DELIMITERS if widest[one] > 1]
    if widest[stated] == 1 and others:
        raise TableError(
            f"{path.name}: the first line states a {_spoken(stated)} as the delimiter, but the "
            f"cells seem to be divided by a {_spoken(others[0])}.",
            hint="Correct the first line, or remove it.",
        )


def _sample_widths(sample: str, delimiter: str, *, complete: bool) -> list[int]:
    """Count the cells of each record of a sample; 0 marks where reading stopped."""
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter, strict=True)
    damaged = False
    try:
        rows.extend(reader)
    except csv.Error as error:
        damaged = complete or "unexpected end" not in str(error)
    else:
        # The last record of a sample may be cut off.
        if not complete and len(rows) > 1:
            rows.pop()
    if not rows:
        return [0] if damaged else []
    place = header_place(rows[:SAMPLE_RECORDS])
    width = len(rows[place])
    widths = [
        # Surplus delimiters at the end of a row add only blank cells.
        width if not any(map(str.strip, cells[width:])) and len(cells) > width else len(cells)
        for cells in rows[place:]
        if cells
    ]
    return [*widths, 0] if damaged else widths


def check_header(path: Path, columns: tuple[str, ...]) -> None:
    """Refuse a header that is empty or has columns without a unique name.

    Raises:
        TableError: the header cannot be used; the message says which columns.
    """
    if not columns:
        raise TableError(
            f"{path.name}: the file is empty.",
            hint="Use a CSV file with a header and one row per item.",
        )
    refuse_more(path, len(columns), "columns", most=MOST_TABLE_COLUMNS)
    seen: dict[str, int] = {}
    for position, column in enumerate(columns, start=1):
        if "\0" in column:
            raise TableError(
                f"{path.name}: the header contains NUL characters; the file seems to be UTF-16.",
                hint='Save it as "CSV UTF-8", or convert it with '
                f"`iconv -f UTF-16 -t UTF-8 {path.name}`.",
            )
        if not column.strip():
            raise TableError(
                f"{path.name}: column {position} of the header has no name.",
                hint="Give every column a name; the first line of the file must be a header.",
            )
        first = seen.setdefault(column.strip(), position)
        if first != position:
            raise TableError(
                f"{path.name}: columns {first} and {position} of the header have the same name.",
                hint="Give every column a different name.",
            )


def _spoken(delimiter: str) -> str:
    return {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}[delimiter]
