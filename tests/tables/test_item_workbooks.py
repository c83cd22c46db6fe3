"""Items and tables about items are read from Excel workbooks as from CSV files, as strictly."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from localensemble.core.errors import TableError
from localensemble.tables import workbooks
from localensemble.tables.item_file import ItemFile
from localensemble.tables.row_ids import KeyedTable

ROWS = (("id", "text", "ward"), (1, "well", "A"), (2, "worse\nthan before", None))


def workbook(path: Path, rows: Sequence[Sequence[Any]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_a_workbook_and_its_csv_file_are_the_same_items(tmp_path: Path) -> None:
    plain = tmp_path / "a.csv"
    plain.write_text('id,text,ward\n1,well,A\n2,"worse\nthan before",\n', encoding="utf-8")
    book, file = ItemFile.open(workbook(tmp_path / "a.xlsx", ROWS)), ItemFile.open(plain)
    assert next(book.blocks(9)) == next(file.blocks(9))
    assert (book.sha256, book.columns, book.messages) == (file.sha256, file.columns, file.messages)
    assert book.format.byte_order_mark


def test_gold_rows_of_a_workbook_are_those_of_its_csv_file(tmp_path: Path) -> None:
    rows = KeyedTable.open(workbook(tmp_path / "a.xlsx", ROWS)).rows()
    assert [(row.id, row.number) for row in rows] == [("1", 1), ("2", 2)]


@pytest.mark.parametrize(
    ("id_column", "rows", "found"),
    [
        (None, ((datetime.date(2024, 4, 3), "well"),), 'row 1, column "id": the cell is a date'),
        (None, ((1, "well"), (2, datetime.datetime(2024, 4, 3))), 'row 2, column "text".* date'),
        (None, ((1, "=A1"),), 'row 1, column "text": the cell holds a formula'),
        (None, ((1, "well"), (2, "#N/A")), 'row 2, column "text": the cell holds an error'),
        (None, ((1, "well"), (1, "worse")), "the same id appears in rows 1 and 2"),
        (None, ((1, "well"), (None, "worse")), "the id is blank in row 2"),
    ],
)
def test_a_cell_that_is_not_what_was_typed_is_refused_with_its_row(
    tmp_path: Path, id_column: str | None, rows: Sequence[Sequence[Any]], found: str
) -> None:
    path = workbook(tmp_path / "a.xlsx", (("id", "text"), *rows))
    with pytest.raises(TableError, match=found) as refused:
        ItemFile.open(path, id_column=id_column)
    assert refused.value.hint


def test_dates_in_other_columns_are_kept(tmp_path: Path) -> None:
    rows = (("id", "text", "seen"), (1, "well", datetime.date(2024, 4, 3)))
    (row,) = next(ItemFile.open(workbook(tmp_path / "a.xlsx", rows)).blocks(9))
    assert row.values == ("1", "well", "2024-04-03T00:00:00")


def test_hidden_rows_are_items_and_their_number_is_said(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ROWS)
    book = openpyxl.load_workbook(path)
    book.active.row_dimensions[3].hidden = True
    book.save(path)
    file = ItemFile.open(path)
    assert file.item_count == 2
    assert "by a filter or by hand: 1;" in file.messages[0]


def test_the_sheet_that_is_read_is_said(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ROWS)
    book = openpyxl.load_workbook(path)
    book.create_sheet("Other")
    book.save(path)
    assert 'Using the first sheet, "Sheet"' in ItemFile.open(path).messages[0]


def test_a_sheet_that_extends_too_far_is_refused_before_its_cells_are_read(tmp_path: Path) -> None:
    far = tmp_path / "far.xlsx"
    book = openpyxl.load_workbook(workbook(far, ROWS))
    book.active.cell(1_048_576, 16_384, "stray")
    book.save(far)
    with pytest.raises(TableError, match="extends over 1,048,576 rows and 16,384 columns"):
        ItemFile.open(far)


def test_the_largest_sheet_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbook(tmp_path / "a.xlsx", ROWS)
    monkeypatch.setattr(workbooks, "MOST_SHEET_CELLS", 9)
    assert ItemFile.open(path).item_count == 2
    monkeypatch.setattr(workbooks, "MOST_SHEET_CELLS", 8)
    with pytest.raises(TableError, match="up to 8 cells"):
        ItemFile.open(path)


def test_a_text_of_a_refused_cell_is_not_shown(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", (("id", "text"), ("", "confidential"), (1, "=B2")))
    with pytest.raises(TableError) as refused:
        ItemFile.open(path)
    assert "confidential" not in str(refused.value)
