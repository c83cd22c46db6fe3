"""Export a study as an Excel workbook."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

from localensemble.core.errors import InputError
from localensemble.core.files import replaced_binary_file
from localensemble.core.workbook_library import workbook_library
from localensemble.exports.exported_study import ExportedStudy
from localensemble.exports.typed_columns import Cell, typed_columns, typed_rows
from localensemble.tables.delimited import neutralize_formula
from localensemble.tables.workbook_text import MOST_CELL_CHARACTERS, refuse_too_large

# Characters that XML 1.0 does not have, which a workbook cannot hold.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SHEET = "labels"


def write(study: ExportedStudy, *, path: Path) -> tuple[Path, ...]:
    """Write one row per item into one sheet with a fixed header.

    Rows go to a temporary file as they come. Every text is stored as text, so that no cell is
    a formula.

    Raises:
        InputError: a sheet cannot hold so many rows or columns, or a cell so long a text.
    """
    columns = typed_columns(study)
    refuse_too_large(
        path,
        rows=study.item_count + 1,
        columns=len(columns),
        hint="Export as csv, parquet or jsonl.",
    )
    openpyxl = workbook_library()
    make_cell = import_module("openpyxl.cell").WriteOnlyCell
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet(_SHEET)
    sheet.freeze_panes = "B2"
    try:
        sheet.append([_cell(make_cell, sheet, column.name, path) for column in columns])
        for row, cells in enumerate(typed_rows(study), start=1):
            sheet.append(
                [
                    _cell(make_cell, sheet, cell, path, row=row, is_own=columns[place].is_own)
                    for place, cell in enumerate(cells)
                ]
            )
    finally:
        # Also after an error, or the sheet would stay open until it is collected.
        sheet.close()
    with replaced_binary_file(path) as stream:
        book.save(stream)
    return (path,)


def _cell(
    make_cell: Any, sheet: Any, value: Cell, path: Path, *, row: int = 0, is_own: bool = False
) -> Any:
    if not isinstance(value, str):
        return value
    text = value if is_own else neutralize_formula(value)
    # As Excel itself stores such characters.
    text = _NOT_IN_XML.sub(lambda found: f"_x{ord(found[0]):04X}_", text)
    if len(text) > MOST_CELL_CHARACTERS:
        raise InputError(
            f"{path.name}, row {row}: a text has {len(text):,} characters; a cell of a workbook "
            f"holds {MOST_CELL_CHARACTERS:,}.",
            hint="Export as csv, parquet or jsonl, or leave out --include-text.",
        )
    cell = make_cell(sheet, value=text)
    cell.data_type = "s"  # never "f", a formula
    return cell
