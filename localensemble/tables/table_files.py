"""Read a table from a CSV file, an Excel workbook or a Parquet file, always as rows of text.

Recognizes the kind of file by its first bytes, never by its name. Decides how a stored number
is written: 1 and 1.0 are both ``1``, so that a category is not called ``2`` in one column and
``2.0`` in the next. Row 1 is the first row below the header.

Parquet files need the optional package of the extra ``tables``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from localensemble.core.errors import TableError
from localensemble.core.input_files import FileMark, open_input
from localensemble.core.limits import (
    MOST_CELL_CHARACTERS,
    MOST_PARQUET_BYTES,
    MOST_TABLE_BYTES,
    MOST_TABLE_CELLS,
    MOST_TABLE_COLUMNS,
    MOST_TABLE_ROWS,
)
from localensemble.tables.delimited import (
    HeldTable,
    Table,
    TableFormat,
    TableSource,
    check_header,
    open_table,
    path_of,
    refuse_changed,
)
from localensemble.tables.doubts.header_rows import (
    MOST_HEADER_ROWS,
    header_rows_message,
    more_header_rows,
)
from localensemble.tables.reading.damage import refuse_more
from localensemble.tables.stored_values import no_rows_error, stored_text
from localensemble.tables.workbooks import open_sheet

_ZIP_START = b"PK\x03\x04"
_PARQUET_START = b"PAR1"
_BATCH_ROWS = 8192


class TableFile(Protocol):
    """A table with a header and at least one row below it, from any kind of file."""

    @property
    def path(self) -> Path:
        """The file."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The names from the header; all are different and none is blank."""
        ...

    @property
    def format(self) -> TableFormat:
        """How to write tables that open as this one does."""
        ...

    @property
    def messages(self) -> tuple[str, ...]:
        """Sentences that tell the user what was chosen or left out."""
        ...

    def cells(self, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
        """Read some columns of every row below the header, in the order given.

        Problems in other columns do not matter.

        Raises:
            TableError: a cell cannot be read; the message names the row.
        """
        ...


def open_table_file(source: TableSource, *, sheet: str | None = None) -> TableFile:
    """Open a table and read its header.

    Args:
        source: the file, or a table in memory.
        sheet: the sheet of a workbook. None uses the only sheet, or the first one with a
            message.

    Raises:
        TableError: the file cannot be read as a table, the package that reads it is missing,
            or a sheet is named that does not exist.
    """
    path = path_of(source)
    start = b"" if isinstance(source, HeldTable) else _start_of(path)
    if start.startswith(_ZIP_START):
        return open_sheet(path, sheet=sheet)
    if sheet is not None:
        raise TableError(
            f"{path.name}: there is no sheet to choose; the table is not an Excel workbook.",
            hint="Leave out `--sheet`.",
        )
    if start.startswith(_PARQUET_START):
        return _open_parquet(path)
    table = open_table(source)
    return _CsvTable(table, _read_messages(table))


def open_item_table(source: TableSource, *, delimiter: str | None = None) -> Table:
    """Open a table about items, a CSV file or an Excel workbook, with all its columns as text.

    A CSV file is read row by row, a workbook at once; of several sheets, the first is read.

    Raises:
        TableError: the file cannot be read as a table, or a cell of a workbook has no single
            value.
    """
    if isinstance(source, HeldTable) or not _start_of(source).startswith(_ZIP_START):
        return open_table(source, delimiter=delimiter)
    sheet = open_sheet(source)
    return HeldTable(
        source,
        sheet.columns,
        sheet.format,
        tuple(sheet.cells(sheet.columns)),
        sheet.messages,
        sheet.dates(),
    )


def table_messages(table: Table, *, used: Sequence[str]) -> tuple[str, ...]:
    """Return the messages of a table, and refuse dates in the columns used.

    Raises:
        TableError: Excel stored an id or a text as a date, which is not what was typed.
    """
    if not isinstance(table, HeldTable):
        return _read_messages(table)
    for column in used:
        if column in table.dates:
            raise TableError(
                f'{table.path.name}, row {table.dates[column]}, column "{column}": the cell is a '
                "date, not a text; what was typed is lost.",
                hint='Format the column as text and type the cell again, or save the table as "CSV '
                'UTF-8".',
            )
    return (*table.messages, *header_rows_message(table.more_header_rows))


def _read_messages(table: Table) -> tuple[str, ...]:
    return (*table.bounds.messages, *header_rows_message(table.more_header_rows))


def _start_of(path: Path) -> bytes:
    try:
        with open_input(path) as stream:
            return stream.read(4)
    except OSError:
        # The CSV reader reports what is wrong.
        return b""


@dataclass(frozen=True, slots=True)
class _CsvTable:
    table: Table
    messages: tuple[str, ...]

    @property
    def path(self) -> Path:
        return self.table.path

    @property
    def columns(self) -> tuple[str, ...]:
        return self.table.columns

    @property
    def format(self) -> TableFormat:
        return self.table.format

    def cells(self, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
        places = [self.table.columns.index(column) for column in columns]
        for values in self.table.rows():
            yield tuple([values[place] for place in places])


@dataclass(frozen=True, slots=True)
class _ParquetTable:
    path: Path
    columns: tuple[str, ...]
    messages: tuple[str, ...]
    content: Any
    format: TableFormat = field(default_factory=TableFormat)

    def cells(self, columns: Sequence[str]) -> Iterator[tuple[str, ...]]:
        for batch in self.content.select(list(columns)).to_batches(max_chunksize=_BATCH_ROWS):
            yield from zip(
                *(map(_parquet_text, column.to_pylist()) for column in batch.columns), strict=True
            )


def _open_parquet(path: Path) -> TableFile:
    try:
        pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as error:
        raise TableError(
            f"{path.name}: reading a Parquet file needs the package pyarrow, which is not "
            "installed.",
            hint="Install it with `pip install 'localensemble[tables]'`, or save the table as "
            '"CSV UTF-8".',
        ) from error
    unread = FileMark.of(path)
    try:
        with open_input(path) as stream:
            # `read_table` would add columns for folders with names like "year=2024".
            opened = parquet.ParquetFile(stream)
            _refuse_large_parquet(path, opened.metadata)
            texts = [
                one.name
                for one in opened.schema_arrow
                if pyarrow.types.is_string(one.type) or pyarrow.types.is_large_string(one.type)
            ]
            # As they are stored: one long text may stand in a million rows.
            table = parquet.ParquetFile(stream, read_dictionary=texts).read()
        _refuse_long_texts(path, table)
        refuse_changed(path, unread)
    except (pyarrow.ArrowException, OSError) as error:
        raise TableError(
            f"{path.name}: the file cannot be read as a Parquet file.",
            hint="Create the file again, or save the table as CSV.",
        ) from error
    names = tuple(table.column_names)
    check_header(path, names)
    if not table.num_rows:
        raise no_rows_error(path)
    columns, left_out = [], []
    types = pyarrow.types
    for name in names:
        kind = table.schema.field(name).type
        if types.is_nested(kind) or types.is_binary(kind) or types.is_large_binary(kind):
            left_out.append(name)
            continue
        columns.append(name)
        if types.is_temporal(kind):
            place = table.column_names.index(name)
            table = table.set_column(place, name, table.column(name).cast(pyarrow.string()))
    messages = [f'Left out column "{name}": its cells are not simple values.' for name in left_out]
    first = _ParquetTable(path, tuple(columns), (), table.slice(0, MOST_HEADER_ROWS))
    more = more_header_rows(columns, [*first.cells(columns)])
    if table.num_rows <= more:
        raise no_rows_error(path)
    return _ParquetTable(
        path, first.columns, (*messages, *header_rows_message(more)), table.slice(more)
    )


def _refuse_large_parquet(path: Path, metadata: Any) -> None:
    rows, columns = metadata.num_rows, metadata.num_columns
    refuse_more(path, columns, "columns", most=MOST_TABLE_COLUMNS)
    refuse_more(path, rows, "rows", most=MOST_TABLE_ROWS)
    refuse_more(path, rows * columns, "cells", most=MOST_TABLE_CELLS)
    unpacked = sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    refuse_more(path, unpacked, "bytes when unpacked", most=MOST_PARQUET_BYTES)


def _refuse_long_texts(path: Path, table: Any) -> None:
    """Refuse a table whose texts, written out in every row, would fill the memory."""
    compute, pyarrow = import_module("pyarrow.compute"), import_module("pyarrow")
    characters = 0
    for column in table.columns:
        for chunk in column.chunks if pyarrow.types.is_dictionary(column.type) else ():
            lengths = compute.binary_length(chunk.dictionary)
            longest = compute.max(lengths).as_py() or 0
            refuse_more(path, longest, "bytes in one cell", most=MOST_CELL_CHARACTERS)
            characters += compute.sum(lengths.take(chunk.indices)).as_py() or 0
    refuse_more(path, characters, "bytes of text", most=MOST_TABLE_BYTES)


def _parquet_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else stored_text(value)
