"""What spreadsheets leave around and in a table is left out and reported, or refused."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from localensemble.core.errors import TableError
from localensemble.tables.delimited import open_table
from localensemble.tables.item_file import ItemFile
from localensemble.tables.rating_columns import NamedColumns
from localensemble.tables.ratings import read_ratings
from localensemble.tables.row_ids import KeyedTable
from localensemble.tables.table_files import open_item_table


def written(folder: Path, content: str) -> Path:
    path = folder / "t.csv"
    path.write_text(content, encoding="utf-8")
    return path


def workbook(folder: Path, *rows: tuple[object, ...], merge: str = "") -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if merge:
        book.active.merge_cells(merge)
    book.save(folder / "t.xlsx")
    return folder / "t.xlsx"


@pytest.mark.parametrize(
    ("content", "columns", "delimiter", "rows", "said"),
    [
        (
            "\ufeffsep=;\nid;text;ward\n1;The room was cold;A\n2;Good food, kind staff;B\n",
            ("id", "text", "ward"),
            ";",
            2,
            "delimiter from the first line",
        ),
        ('"sep=,"\nid,text\n1,cold; wet\n', ("id", "text"), ",", 1, "delimiter"),
        ("SEP=|\nid|text\n1|a,b\n2|c,d\n", ("id", "text"), "|", 2, "delimiter"),
        ("sep=,\nid,text\n1,x\n", ("id", "text"), ",", 1, "delimiter"),
        (
            "Coding comparison\nExported 2026-03-01\n\nitem,ann,ben\n1,y,y\n2,n,y\n",
            ("item", "ann", "ben"),
            ",",
            2,
            "lines 1, 2 above the header, which is line 4",
        ),
        ("Project X;;\n;;\nFall;a;b\n1;ja;ja\n", ("Fall", "a", "b"), ";", 1, "line 1 above"),
        ("Ratings of May\nitem,ann,ben\n1,y,y\n", ("item", "ann", "ben"), ",", 1, "line 1 above"),
        ("Date:,2026-03-01\n\nid,text,ward\n1,x,A\n", ("id", "text", "ward"), ",", 1, "line 1"),
        ("id,text,\n1,cold,\n2,Good food,\n", ("id", "text"), ",", 2, "column 3: no name"),
        ("id,text\n1,cold,\n2,Good food,,\n", ("id", "text"), ",", 2, ""),
        ("id;text;;\n1;cold\n2;good;;\n", ("id", "text"), ";", 2, "columns 3, 4"),
        ("id,,text\n1,,cold\n", ("id", "text"), ",", 1, "column 2"),
        ("item,ann,ben\n1,y,y\n2,n,y\n,,\n,,\n", ("item", "ann", "ben"), ",", 2, "2 blank rows"),
        ("id,text\n1,x\n , \n2,y\n", ("id", "text"), ",", 2, "1 blank row: line 3"),
        ('id;text\n1;x\n"";""\n', ("id", "text"), ";", 1, "1 blank row: line 3"),
    ],
)
def test_what_surrounds_a_table_is_left_out_and_said(
    tmp_path: Path, content: str, columns: tuple[str, ...], delimiter: str, rows: int, said: str
) -> None:
    table = open_table(written(tmp_path, content))
    assert (table.columns, table.format.delimiter) == (columns, delimiter)
    assert len([*table.rows()]) == rows
    assert said in " ".join(table.bounds.messages)
    assert bool(table.bounds.messages) == bool(said)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("id,,text\n1,5,cold\n", "column 2 of the header has no name"),
        ("id,text,\n" + "1,x,\n" * 50 + "2,y,z\n", "line 52: column 3 has a cell, but no name"),
        ("sep=:\nid:text\n1:x\n", "states a delimiter that is not supported"),
        ("text\nwarm, quiet\nclean, new\n", r"row 1 \(line 2\): the row has 2 cells"),
        ("remarks\n\nwarm, quiet\nclean\n", "cell|empty"),
        ("id,text\n1,x\nSource: ward A\n", r"row 2 \(line 3\): the row has 1 cell"),
        ("id,text\n,\n,\n", "no rows below it"),
    ],
)
def test_what_is_not_certain_is_refused_with_its_place(
    tmp_path: Path, content: str, found: str
) -> None:
    with pytest.raises(TableError, match=found) as refused:
        [*open_table(written(tmp_path, content)).rows()]
    assert refused.value.hint


def test_texts_are_not_taken_for_a_header_or_a_blank_row(tmp_path: Path) -> None:
    one = open_table(written(tmp_path, 'text\n""\n"a, b"\n'))
    assert [*one.rows()] == [("",), ("a, b",)]
    cut = open_table(written(tmp_path, "text,\nx,\n,\ny,\n"))
    assert [*cut.rows()] == [("x",), ("",), ("y",)]
    quoted = open_table(written(tmp_path, 'id,text\n1,"a\n,,\nb"\n'))
    assert (len([*quoted.rows()]), quoted.bounds.messages) == (1, ())
    digits = open_table(written(tmp_path, "A,B,C\n1,,\n\n2,3,\n"))
    assert digits.columns == ("A", "B", "C")


def test_items_and_gold_tables_are_read_the_same_way(tmp_path: Path) -> None:
    path = written(tmp_path, "Comments 2026\n\nid,text,\n7,cold,\n8,good,\n,,\n")
    items = ItemFile.open(path)
    assert [row.item.id for block in items.blocks(9) for row in block] == ["7", "8"]
    assert "above the header" in items.messages[0]
    keyed = KeyedTable.open(path)
    assert [row.id for row in keyed.rows()] == ["7", "8"]
    assert "1 blank row" in keyed.messages[2]


def test_a_sheet_is_read_like_a_file(tmp_path: Path) -> None:
    path = workbook(
        tmp_path,
        ("Comments of May",),
        (),
        ("id", None, "text", None),
        (1, None, "cold"),
        (None, " "),
        (2, None, "good"),
    )
    table = open_item_table(path)
    assert (table.columns, [*table.rows()]) == (("id", "text"), [("1", "cold"), ("2", "good")])
    said = " ".join(ItemFile.open(path).messages)
    assert "row 1 above the header, which is row 3" in said
    assert "column 2" in said
    assert "1 blank row: row 5" in said


def test_a_cell_in_a_column_without_a_name_of_a_sheet_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path, ("id", None, "text"), (1, "x", "cold"))
    with pytest.raises(TableError, match="column 2 of the header has no name"):
        open_item_table(path)


def test_merged_cells_below_a_title_are_still_refused(tmp_path: Path) -> None:
    path = workbook(
        tmp_path,
        ("Title",),
        (),
        ("id", None, "text"),
        (1, None, "a"),
        (2, None, "b"),
        merge="C4:C5",
    )
    with pytest.raises(TableError, match='row 1, column "text": the cell is merged'):
        [*open_item_table(path).rows()]


@pytest.mark.parametrize(
    "word", ["Total", "SUMME", "Mean", "n = 12", "N=", "Gesamt:", "Kappa", "% agreement"]
)
def test_a_row_of_totals_is_refused_with_its_row(tmp_path: Path, word: str) -> None:
    path = written(tmp_path, f"id,text,b\n1,x,y\n2,y,y\n{word},2,3\n")
    with pytest.raises(TableError, match=r'row 3, column "id": the last row seems to hold totals'):
        ItemFile.open(path)
    with pytest.raises(TableError, match=r'row 3, column "id": the last row seems to hold totals'):
        read_ratings(path, named=NamedColumns(raters=("text", "b")))


def test_items_with_such_words_elsewhere_are_items(tmp_path: Path) -> None:
    path = written(tmp_path, "id,text\nTotal,x\nn,y\n")
    assert ItemFile.open(path).item_count == 2
