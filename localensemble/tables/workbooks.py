"""Read one sheet of an Excel workbook as rows of text.

Decides which sheet to read, and where the table is in it. In the
requested columns, refuses cells without a single value: merged cells, formulas that were never
computed, and errors. Otherwise each would be read as an empty cell, that is, as a gap. Hidden
rows and columns are read and reported. A sheet too large to keep in memory is refused.
"""

from __future__ import annotations

import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from localensemble.core.errors import TableError
from localensemble.core.input_files import FileMark, open_input
from localensemble.core.limits import MOST_SHEET_CELLS
from localensemble.tables.delimited import (
    TableFormat,
    check_header,
    refuse_changed,
    refuse_repeated_header,
)
from localensemble.tables.doubts.header_rows import (
    MOST_HEADER_ROWS,
    header_rows_message,
    more_header_rows,
)
from localensemble.tables.reading.workbook_size import check_workbook_size
from localensemble.tables.stored_values import no_rows_error, stored_text
from localensemble.tables.table_bounds import (
    SAMPLE_RECORDS,
    header_place,
    left_out_messages,
    unnamed_columns,
)

_SHOWN_SHEETS = 5


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet with a header and at least one row below it.

    Attributes:
        columns: names from the header; all are different and none is blank.
        messages: a sentence that tells which sheet was chosen, if there are several.
    """

    path: Path
    columns: tuple[str, ...]
    messages: tuple[str, ...]
    _cells: Sequence[Sequence[Any]] = field(repr=False)
    _computed: Sequence[Sequence[Any]] | None = field(repr=False)
    # Rows and columns of the merged cells, as in `_cells`.
    _merged: Set[tuple[int, int]] = field(repr=False)
    # The rows of `_cells` that make the header.
    _header_rows: int

    @property
    def format(self) -> TableFormat:
        """Whoever keeps a table in Excel opens the results there."""
        return TableFormat(byte_order_mark=True)

    def cells(self, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """Read some columns of every row below the header, in the order given.

        Raises:
            TableError: a cell has no single value; the message names the row.
        """
        places = [self.columns.index(column) for column in columns]
        for number, row in enumerate(range(self._header_rows, len(self._cells)), start=1):
            cells = tuple([self._text(row, place) for place in places])
            if cells:
                refuse_repeated_header(self.path, columns, cells, row=number)
            yield cells

    def dates(self) -> Mapping[str, int]:
        """Return each column with a cell that is stored as a date, and its first such row."""
        found: dict[str, int] = {}
        for row in range(self._header_rows, len(self._cells)):
            for column, cell in zip(self.columns, self._cells[row], strict=True):
                if cell.is_date:
                    found.setdefault(column, row - self._header_rows + 1)
        return found

    def _text(self, row: int, column: int) -> str:
        cell = self._cells[row][column]
        value = cell.value
        number = row - self._header_rows + 1
        where = f'{self.path.name}, row {number}, column "{self.columns[column]}"'
        if (row, column) in self._merged:
            raise TableError(
                f"{where}: the cell is merged with others.",
                hint="Unmerge the cells and fill in each one.",
            )
        kind = cell.data_type
        if kind == "f":
            value = None if self._computed is None else self._computed[row][column].value
            kind = None if self._computed is None else self._computed[row][column].data_type
            if value is None:
                raise TableError(
                    f"{where}: the cell holds a formula without a computed result.",
                    hint="Open the workbook in its own program, let it calculate, and save it.",
                )
        if kind == "e":
            raise TableError(
                f"{where}: the cell holds an error, such as #N/A.",
                hint="Correct the cell, or empty it.",
            )
        # As Excel shows Boolean values, and writes them to a CSV file.
        return str(value).upper() if isinstance(value, bool) else stored_text(value)


def open_sheet(path: Path, *, sheet: str | None = None) -> Sheet:
    """Open a sheet and read its header.

    Args:
        sheet: its name. None uses the only sheet, or the first one with a message.

    Raises:
        TableError: the file is not a workbook, the sheet does not exist or is empty, or its
            header cannot be used.
    """
    unread = FileMark.of(path)
    book = _loaded(path, computed=False)
    titles = [worksheet.title for worksheet in book.worksheets]
    name, messages = _chosen_sheet(path, titles, sheet)
    _refuse_too_many_cells(path, book[name])
    whole = [list(cells) for cells in book[name].iter_rows()]
    rows, places, left_out = _bounds(path, whole)
    grid = [[whole[row][place] for place in places] for row in rows]
    refuse_changed(path, unread)
    columns = tuple(stored_text(cell.value) for cell in grid[0])
    check_header(path, columns)
    below = [[stored_text(cell.value) for cell in row] for row in grid[1 : MOST_HEADER_ROWS + 1]]
    more = more_header_rows(columns, below)
    if len(grid) < 2 + more:
        raise no_rows_error(path)
    messages = (
        *messages,
        *left_out,
        *header_rows_message(more),
        *_hidden(
            book[name],
            rows=[row + 1 for row in rows[1 + more :]],
            columns={place + 1: column for place, column in zip(places, columns, strict=True)},
        ),
    )
    computed = None
    if any(cell.data_type == "f" for cells in grid for cell in cells):
        all_computed = [*_loaded(path, computed=True)[name].iter_rows()]
        computed = [[all_computed[row][place] for place in places] for row in rows]
    merged = {
        (row, column)
        for area in book[name].merged_cells.ranges
        for row in range(bisect_left(rows, area.min_row - 1), bisect_right(rows, area.max_row - 1))
        for column in range(
            bisect_left(places, area.min_col - 1), bisect_right(places, area.max_col - 1)
        )
    }
    return Sheet(path, columns, messages, grid, computed, merged, 1 + more)


def _bounds(
    path: Path, grid: Sequence[Sequence[Any]]
) -> tuple[list[int], list[int], tuple[str, ...]]:
    """Find the rows, the header first, and the columns of the table in a sheet.

    Also returns sentences about what is left out: titles above the header, columns without a name
    and blank rows.
    """
    filled = [i for i, cells in enumerate(grid) if any(map(_text_of, cells))]
    if not filled:
        raise no_rows_error(path)
    first, last = filled[0], filled[-1]
    width = 1 + max(
        place for row in filled for place, cell in enumerate(grid[row]) if _text_of(cell)
    )
    sample = [[_text_of(cell) for cell in cells] for cells in grid[first : first + SAMPLE_RECORDS]]
    header = first + header_place(sample)
    rows = [row for row in filled if row >= header]
    kept = set(rows)
    texts = ([_text_of(cell) for cell in grid[row][:width]] for row in rows)
    unnamed = unnamed_columns([*texts]) if not all(map(_text_of, grid[header][:width])) else ()
    messages = left_out_messages(
        [row + 1 for row in filled if row < header],
        header=header + 1,
        unnamed=unnamed,
        blank=[row + 1 for row in range(header, last) if row not in kept],
        lines="row",
    )
    return rows, [place for place in range(width) if place not in unnamed], messages


def _text_of(cell: Any) -> str:
    return "" if cell.value is None else str(cell.value).strip()


def _hidden(worksheet: Any, *, rows: Sequence[int], columns: Mapping[int, str]) -> Iterator[str]:
    """Report the rows and columns that a person who looks at the sheet does not see."""
    by_number = worksheet.row_dimensions
    hidden = sum(by_number[row].hidden for row in rows if row in by_number)
    if hidden:
        yield (
            f"Rows that the sheet hides, by a filter or by hand: {hidden:,}; "
            "they are read like the others."
        )
    spans = [one for one in worksheet.column_dimensions.values() if one.hidden]
    unseen = [
        f'"{column}"'
        for number, column in columns.items()
        if any((one.min or 0) <= number <= (one.max or 0) for one in spans)
    ]
    if unseen:
        yield f"Columns that the sheet hides: {', '.join(unseen)}; they are read like the others."


def _refuse_too_many_cells(path: Path, worksheet: Any) -> None:
    rows, columns = worksheet.max_row, worksheet.max_column
    if rows * columns > MOST_SHEET_CELLS:
        raise TableError(
            f"{path.name}: the sheet extends over {rows:,} rows and {columns:,} columns, or "
            f"{rows * columns:,} cells; a workbook is read up to {MOST_SHEET_CELLS:,} cells.",
            hint='Delete the empty rows and columns around the table, or save it as "CSV UTF-8".',
        )


def _loaded(path: Path, *, computed: bool) -> Any:
    """Load a workbook with its formulas, or with their results when it was last saved."""
    # Imported here because it takes 0.2 s, and most tables are CSV files.
    openpyxl = import_module("openpyxl")
    with warnings.catch_warnings():
        # The styles and drop-down lists that openpyxl ignores do not change a cell.
        warnings.simplefilter("ignore")
        try:
            # Given a path, openpyxl would judge the file by its name.
            with open_input(path) as stream:
                check_workbook_size(path, stream)
                stream.seek(0)
                return openpyxl.load_workbook(stream, data_only=computed)
        except TableError:
            raise
        # A damaged file raises whatever the parsers raise: BadZipFile, KeyError, ParseError ...
        except Exception as error:
            raise TableError(
                f"{path.name}: the file cannot be read as an Excel workbook.",
                hint='Open it in the program it came from and save it as ".xlsx" or "CSV UTF-8".',
            ) from error


def _chosen_sheet(path: Path, names: list[str], named: str | None) -> tuple[str, tuple[str, ...]]:
    listed = ", ".join(f'"{name}"' for name in names[:_SHOWN_SHEETS])
    if len(names) > _SHOWN_SHEETS:
        listed += f" and {len(names) - _SHOWN_SHEETS} more"
    if named is not None and named not in names:
        raise TableError(
            f'{path.name}: there is no sheet "{named}"; the sheets are {listed}.',
            hint="Choose one of them (`--sheet`).",
        )
    if not names:
        raise no_rows_error(path)
    if named is not None or len(names) == 1:
        return named or names[0], ()
    return names[0], (f'Using the first sheet, "{names[0]}", of {listed}.',)
