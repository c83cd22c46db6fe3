"""Write the finished table: the columns of the user, and the final label of each variable.

The format is that of the file's name: CSV, an Excel workbook or Parquet. The file is written
completely or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from itertools import chain, islice
from pathlib import Path
from types import MappingProxyType

from localensemble.core.errors import InputError
from localensemble.core.files import replaced_binary_file
from localensemble.core.workbook_library import workbook_library
from localensemble.exports.columns import added_id, final_cells, final_columns, table_columns
from localensemble.exports.multi_labels import multi_label_lists
from localensemble.exports.rows import DecidedStudy, ItemTable, StudyRow, study_rows
from localensemble.tables.delimited import TableFormat, write_table
from localensemble.tables.workbook_text import MOST_CELL_CHARACTERS, refuse_too_large, workbook_text

_BATCH_ROWS = 8192
_AS_CSV = "Write a CSV file instead: -o final.csv."

Cells = tuple[Sequence[str], Sequence[str]]
"""The cells from the user's table, and those that are added."""


def write_finished(study: DecidedStudy, *, path: Path) -> None:
    """Write one row per item.

    Raises:
        InputError: the name of the file tells no format, a package is missing, or a text is too
            long for a workbook.
    """
    items = study.items
    variables = [decided.variable for decided in study.decisions]
    lists = multi_label_lists(variables)
    added = [*added_id(items), *table_columns(variables, columns_of=final_columns)]
    rows = (_cells(study, row, lists) for row in study_rows(study))
    write = _writer(path)
    if write is _write_workbook:
        width = len(items.columns) + len(added)
        rows_and_header = study.labels.item_count + 1
        refuse_too_large(path, rows=rows_and_header, columns=width, hint=_AS_CSV)
        _refuse_long_cells(items, path)
    write(path, _Finished(items.columns, tuple(added), rows, items.format))


def refuse_format(path: Path) -> None:
    """Refuse a file whose name tells no format that can be written.

    Raises:
        InputError: the name is such, or the package that writes the format is missing.
    """
    _writer(path)


def _cells(study: DecidedStudy, row: StudyRow, lists: Mapping[str, str]) -> Cells:
    cells = [
        cell for one in row.variables for cell in final_cells(one, item=row.variables, lists=lists)
    ]
    return row.cells, ([str(row.item.id)] if added_id(study.items) else []) + cells


@dataclass(frozen=True, slots=True)
class _Finished:
    """A table to write: columns from the user's table, those that are added, and rows of both."""

    kept: tuple[str, ...]
    added: tuple[str, ...]
    rows: Iterator[Cells] = field(repr=False)
    format: TableFormat


def _write_csv(path: Path, table: _Finished) -> None:
    write_table(path, kept=table.kept, added=table.added, rows=table.rows, format=table.format)


def _write_workbook(path: Path, table: _Finished) -> None:
    openpyxl, cells = workbook_library(), import_module("openpyxl.cell")
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("final")
    sheet.freeze_panes = "A2"
    for kept, added in chain([(table.kept, table.added)], table.rows):
        line = []
        for text in (*kept, *added):
            cell = cells.WriteOnlyCell(sheet, value=workbook_text(text) or None)
            if text:
                cell.data_type = "s"  # or a text that begins with "=" would be run as a formula
            line.append(cell)
        sheet.append(line)
    with replaced_binary_file(path) as stream:
        book.save(stream)


def _refuse_long_cells(items: ItemTable, path: Path) -> None:
    """Refuse a cell that a workbook cannot hold; Excel would cut it off."""
    for block in items.blocks(_BATCH_ROWS):
        for row in block:
            if any(len(cell) > MOST_CELL_CHARACTERS for cell in row.values):
                raise InputError(
                    f"Cannot write {path.name}: a text in row {row.item.position + 1:,} is longer "
                    f"than the {MOST_CELL_CHARACTERS:,} characters that a workbook's cell holds.",
                    hint=_AS_CSV,
                )


def _write_parquet(path: Path, table: _Finished) -> None:
    pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    schema = pyarrow.schema([(name, pyarrow.string()) for name in (*table.kept, *table.added)])
    with (
        replaced_binary_file(path) as stream,
        parquet.ParquetWriter(stream, schema, compression="zstd") as writer,
    ):
        while batch := [*islice(table.rows, _BATCH_ROWS)]:
            kept = [list(column) for column in zip(*(row for row, _ in batch), strict=True)]
            # An added cell without content is missing; the user's own cells stay as they are.
            added = [
                [cell or None for cell in column]
                for column in zip(*(row for _, row in batch), strict=True)
            ]
            columns = [pyarrow.array(column, pyarrow.string()) for column in (*kept, *added)]
            writer.write_table(pyarrow.Table.from_arrays(columns, schema=schema))


_WRITERS: Mapping[str, Callable[[Path, _Finished], None]] = MappingProxyType(
    {".csv": _write_csv, ".xlsx": _write_workbook, ".parquet": _write_parquet}
)


def _writer(path: Path) -> Callable[[Path, _Finished], None]:
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise InputError(
            f"Cannot write {path.name}: its name does not end with a format that is known.",
            hint=f"End the name with {', '.join(_WRITERS)}.",
        )
    if write is _write_parquet and find_spec("pyarrow") is None:
        raise InputError(
            f"Cannot write {path.name}: Parquet needs the package pyarrow, which is not installed.",
            hint="Install it with `pip install 'localensemble[tables]'`, or write a CSV file.",
        )
    return write
