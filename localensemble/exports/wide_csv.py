"""Export a study as one CSV table."""

from __future__ import annotations

from pathlib import Path

from localensemble.exports.exported_study import ExportedStudy
from localensemble.exports.typed_columns import Cell, typed_columns, typed_rows
from localensemble.tables.decimal_marks import DecimalMark, number_text
from localensemble.tables.delimited import write_table


def write(study: ExportedStudy, *, path: Path) -> tuple[Path, ...]:
    """Write one row per item, in the CSV dialect of the labeled table.

    Numbers have up to six decimals. Ids and texts stay as they are; in every other cell, what
    a spreadsheet would run as a formula gets an apostrophe.
    """
    columns = typed_columns(study)
    own = sum(column.is_own for column in columns)
    form = study.decided.items.format
    write_table(
        path,
        kept=[column.name for column in columns[:own]],
        added=[column.name for column in columns[own:]],
        rows=(
            (
                [str(cell) for cell in cells[:own]],
                [_written(cell, form.decimal_mark) for cell in cells[own:]],
            )
            for cells in typed_rows(study)
        ),
        format=form,
    )
    return (path,)


def _written(cell: Cell, mark: DecimalMark) -> str:
    if isinstance(cell, str):
        return cell
    return number_text(cell, mark=mark)
