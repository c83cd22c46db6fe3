"""Tables of every kind come out as the same rows of text, or are refused with the row."""

from __future__ import annotations

import datetime
import sys
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest

from localensemble.core.errors import TableError
from localensemble.tables.table_files import open_table_file


def workbook(path: Path, *rows: Sequence[Any], title: str = "labels") -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


def parquet(path: Path, columns: dict[str, Any]) -> Path:
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


def cells(path: Path, *columns: str) -> list[tuple[str, ...]]:
    table = open_table_file(path)
    return list(table.cells(columns or table.columns))


def test_a_csv_a_workbook_and_a_parquet_file_give_the_same_cells(tmp_path: Path) -> None:
    plain = tmp_path / "a.csv"
    plain.write_text("id,first,second\ni1,yes,1\ni2,,2\n", encoding="utf-8")
    book = workbook(
        tmp_path / "a.xlsx", ("id", "first", "second"), ("i1", "yes", 1), ("i2", None, 2.0)
    )
    arrow = parquet(
        tmp_path / "a.parquet",
        {"id": ["i1", "i2"], "first": ["yes", None], "second": [1.0, 2.0]},
    )
    expected = [("i1", "yes", "1"), ("i2", "", "2")]
    assert cells(plain) == cells(book) == cells(arrow) == expected


def test_the_kind_of_a_file_is_what_it_holds_not_its_name(tmp_path: Path) -> None:
    book = workbook(tmp_path / "labels.csv", ("id", "a"), ("i1", "x"))
    assert cells(book) == [("i1", "x")]


def test_columns_are_given_in_the_order_asked_for(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", ("id", "a", "b"), ("i1", "x", "y"))
    assert cells(book, "b", "id") == [("y", "i1")]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "TRUE"),
        (2.5, "2.5"),
        (-3.0, "-3"),
        (1e300, "1e+300"),
        (datetime.date(2024, 3, 1), "2024-03-01T00:00:00"),
        (" spaced ", " spaced "),
    ],
)
def test_a_cell_of_a_workbook_is_written_as_a_person_would(
    tmp_path: Path, value: object, text: str
) -> None:
    assert cells(workbook(tmp_path / "a.xlsx", ("id", "a"), ("i1", value))) == [("i1", text)]


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([True, None], ["true", ""]),
        ([1.0, float("nan")], ["1", ""]),
        ([Decimal("1.00"), Decimal("0.50")], ["1", "0.50"]),
        (
            [Decimal("1.00000000000000000001"), Decimal("9007199254740990.5")],
            ["1.00000000000000000001", "9007199254740990.50000000000000000000"],
        ),
        ([datetime.date(2024, 3, 1), None], ["2024-03-01", ""]),
        (pyarrow.array(["a", "b"]).dictionary_encode(), ["a", "b"]),
    ],
    ids=["booleans", "floats", "decimals", "long decimals", "dates", "dictionary"],
)
def test_a_cell_of_a_parquet_file_is_written_as_a_person_would(
    tmp_path: Path, values: object, texts: list[str]
) -> None:
    assert cells(parquet(tmp_path / "a.parquet", {"a": values})) == [(text,) for text in texts]


def test_columns_of_lists_are_left_out_and_named(tmp_path: Path) -> None:
    table = open_table_file(
        parquet(tmp_path / "a.parquet", {"id": ["i1"], "spans": [[1, 2]], "raw": [b"x"]})
    )
    assert table.columns == ("id",)
    assert [message[:27] for message in table.messages] == [
        'Left out column "spans": it',
        'Left out column "raw": its ',
    ]


def test_empty_rows_and_columns_around_a_sheet_are_passed_over(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet["A3"], sheet["B3"], sheet["A4"], sheet["B4"] = "id", "a", "i1", "x"
    sheet["D9"].font = openpyxl.styles.Font(bold=True)
    book.save(tmp_path / "a.xlsx")
    assert cells(tmp_path / "a.xlsx") == [("i1", "x")]


def test_the_first_of_several_sheets_is_taken_and_said(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "June"
    book.active.append(("id", "a"))
    book.active.append(("i1", "x"))
    other = book.create_sheet("July")
    other.append(("id", "a"))
    other.append(("i2", "y"))
    book.save(tmp_path / "a.xlsx")
    table = open_table_file(tmp_path / "a.xlsx")
    assert table.messages == ('Using the first sheet, "June", of "June", "July".',)
    named = open_table_file(tmp_path / "a.xlsx", sheet="July")
    assert (list(named.cells(("id",))), named.messages) == ([("i2",)], ())
    with pytest.raises(TableError, match='no sheet "May"; the sheets are "June", "July"'):
        open_table_file(tmp_path / "a.xlsx", sheet="May")


def test_a_formula_gives_what_it_gave_when_it_was_saved(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ("id", "a"), ("i1", '="x"'))
    with pytest.raises(TableError, match=r'row 1, column "a": the cell holds a formula'):
        cells(path)
    # openpyxl computes nothing; what a spreadsheet program would save is put in by hand.
    computed = tmp_path / "computed.xlsx"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(computed, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                assert b"<v />" in content or b"<v/>" in content
                content = content.replace(b'<c r="B2">', b'<c r="B2" t="str">')
                content = content.replace(b"<v />", b"<v>x</v>").replace(b"<v/>", b"<v>x</v>")
            new.writestr(name, content)
    assert cells(computed) == [("i1", "x")]


def test_cells_without_one_value_are_refused_only_where_they_are_used(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (("id", "a", "error", "merged"), ("i1", "x", "#N/A", "m"), ("i2", "y", None, None)):
        sheet.append(row)
    sheet.merge_cells("D2:D3")
    book.save(tmp_path / "a.xlsx")
    assert cells(tmp_path / "a.xlsx", "id", "a") == [("i1", "x"), ("i2", "y")]
    with pytest.raises(TableError, match='row 1, column "error": the cell holds an error'):
        cells(tmp_path / "a.xlsx", "error")
    with pytest.raises(TableError, match='row 1, column "merged": the cell is merged'):
        cells(tmp_path / "a.xlsx", "merged")


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([], "no rows"),
        ([("id", "a")], "no rows"),
        ([("id", None), ("i1", "x")], "column 2 of the header has no name"),
        ([("id", "id"), ("i1", "x")], "columns 1 and 2 of the header have the same name"),
    ],
)
def test_a_sheet_without_header_or_rows_is_refused(
    tmp_path: Path, rows: list[tuple[Any, ...]], found: str
) -> None:
    with pytest.raises(TableError, match=found):
        open_table_file(workbook(tmp_path / "a.xlsx", *rows))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"PK\x03\x04 and no more", "cannot be read as an Excel workbook"),
        (b"PAR1 and no more", "cannot be read as a Parquet file"),
        (b"\x1f\x8b and no more", "a compressed file, not a CSV file"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(TableError, match=found):
        open_table_file(path)


def test_folder_names_are_no_columns(tmp_path: Path) -> None:
    (tmp_path / "year=2024").mkdir()
    path = parquet(tmp_path / "year=2024" / "a.parquet", {"id": ["i1"]})
    assert open_table_file(path).columns == ("id",)


def test_an_empty_parquet_file_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", {"id": pyarrow.array([], pyarrow.string())})
    with pytest.raises(TableError, match="no rows"):
        open_table_file(path)


def test_a_missing_file_and_a_sheet_of_a_csv_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such file"):
        open_table_file(tmp_path / "none.csv")
    (tmp_path / "a.csv").write_text("id,a\n1,x\n", encoding="utf-8")
    with pytest.raises(TableError, match="no sheet to choose"):
        open_table_file(tmp_path / "a.csv", sheet="June")


def test_a_missing_package_is_named_with_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(TableError, match="needs the package pyarrow") as refused:
        open_table_file(tmp_path / "a")
    assert "pip install 'localensemble[tables]'" in refused.value.hint
