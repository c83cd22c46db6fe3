"""Write a worksheet as CSV, in the format of the user's table."""

from __future__ import annotations

from pathlib import Path

from localensemble.review.worksheets.asked_items import Worksheet
from localensemble.tables.delimited import write_table


def write_csv_worksheet(worksheet: Worksheet, path: Path) -> None:
    """Write one row per item, completely or not at all; only the owner can read it."""
    write_table(
        path,
        kept=worksheet.item_columns,
        added=worksheet.added_columns,
        rows=((worksheet.item_cells(one), worksheet.added_cells(one)) for one in worksheet.items),
        format=worksheet.format,
    )
