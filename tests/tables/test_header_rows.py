"""Header rows below the column names, as survey programs write them, are not items."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from localensemble.core.errors import TableError
from localensemble.tables.delimited import TableSource
from localensemble.tables.doubts.header_rows import more_header_rows
from localensemble.tables.frames import table_of_frame
from localensemble.tables.item_file import ItemFile
from localensemble.tables.rating_columns import NamedColumns
from localensemble.tables.ratings import read_ratings
from localensemble.tables.row_ids import KeyedTable

QUALTRICS = [
    ["ResponseId", "coder_a", "coder_b"],
    ["Response ID", "Coder A - how urgent?", "Coder B - how urgent?"],
    ['{"ImportId":"_recordId"}', '{"ImportId":"QID7"}', '{"ImportId":"QID8"}'],
    ["R_000", "now", "now"],
    ["R_001", "soon", "now"],
]
# A date in a time zone, curled quotes, and two more rows of words.
OTHER_QUALTRICS = [
    ["StartDate", "id", "first", "second"],
    ["Start Date", "Item", "First reader", "Second reader"],
    ["in UTC", "", "", ""],
    [
        "{\u201cImportId\u201d:\u201cstartDate\u201d,\u201ctimeZone\u201d:\u201cUTC\u201d}",
        "{'ImportId':'QID1'}",
        "{'ImportId':'QID2_TEXT'}",
        "{'ImportId':'QID3_TEXT'}",
    ],
    ["2026-01-01", "R_000", "now", "now"],
    ["2026-01-01", "R_001", "soon", "now"],
]
SURVEYMONKEY = [
    ["Respondent ID", "id", "Reader one", "Reader two"],
    ["", "", "Response", "Open-Ended Response"],
    ["11", "R_000", "now", "now"],
    ["12", "R_001", "soon", "now"],
]
REPEATED = [
    ["id", "coder_a", "coder_b"],
    ["ID", "Coder A", "Coder B"],
    ["R_000", "now", "now"],
    ["R_001", "soon", "now"],
]

ALL = [(QUALTRICS, 2), (OTHER_QUALTRICS, 3), (SURVEYMONKEY, 1), (REPEATED, 1)]


def source_of(folder: Path, rows: Sequence[Sequence[str]], kind: str) -> TableSource:
    path = folder / f"table.{kind}"
    if kind == "csv":
        return csv_of(path, rows)
    if kind == "xlsx":
        return workbook_of(path, rows)
    frame = pd.DataFrame(rows[1:], columns=rows[0])
    if kind == "frame":
        return table_of_frame(frame)
    pytest.importorskip("pyarrow")
    frame.to_parquet(path)
    return path


def csv_of(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


def workbook_of(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for cells in rows:
        sheet.append([cell or None for cell in cells])
    book.save(path)
    return path


@pytest.mark.parametrize(("rows", "count"), ALL)
def test_more_header_rows_are_recognized(rows: list[list[str]], count: int) -> None:
    assert more_header_rows(rows[0], rows[1:]) == count


@pytest.mark.parametrize(
    "first_rows",
    [
        [["R_000", "now", "now"]],
        [["1", "Response", "no response"]],
        [["", "", ""]],
        [["id", "", ""]],
        [['{"choices": ["a"]}', "x", "y"]],
        [["ImportId", "ImportId", "ImportId"]],
        [["[ImportId]", "['ImportId']", '"ImportId"']],
        [],
    ],
)
def test_rows_of_items_are_not_taken_for_header_rows(first_rows: list[list[str]]) -> None:
    assert more_header_rows(["id", "coder_a", "coder_b"], first_rows) == 0


@pytest.mark.parametrize(("rows", "count"), ALL)
@pytest.mark.parametrize("kind", ["csv", "xlsx", "frame", "parquet"])
def test_ratings_begin_below_all_header_rows(
    tmp_path: Path, rows: list[list[str]], count: int, kind: str
) -> None:
    source = source_of(tmp_path, rows, kind)
    table = read_ratings(source, named=NamedColumns(raters=tuple(rows[0][-2:])))
    (variable,) = table.variables
    assert variable.words == ("now", "soon")
    assert variable.groups[0].items == ("R_000", "R_001")
    assert variable.groups[0].rows.tolist() == [1, 1, 2, 2]
    assert f"{count} more header row" in table.messages[0]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_items_begin_below_all_header_rows(tmp_path: Path, kind: str) -> None:
    rows = [
        ["ResponseId", "Q5"],
        ["Response ID", "What could we do better on the ward?"],
        ['{"ImportId":"_recordId"}', '{"ImportId":"QID5"}'],
        ["R_000", "More time with the nurses would help everyone here."],
        ["R_001", "The waiting times were far too long for me, really."],
    ]
    write = csv_of if kind == "csv" else workbook_of
    path = write(tmp_path / f"items.{kind}", rows)
    items = ItemFile.open(path, text_column="Q5")
    (block,) = items.blocks(10)
    assert [row.item.id for row in block] == ["R_000", "R_001"]
    assert [row.item.position for row in block] == [0, 1]
    assert "2 more header rows" in items.messages[0]
    keyed = KeyedTable.open(path, id_column="ResponseId")
    assert [row.number for row in keyed.rows()] == [1, 2]
    assert "2 more header rows" in keyed.messages[0]


@pytest.mark.parametrize(("first", "said"), [("Response ID", True), ("R_9", False)])
def test_a_first_item_unlike_the_others_is_pointed_out(
    tmp_path: Path, first: str, said: bool
) -> None:
    rows = [["id", "text"], [first, "How was it?"], *([f"R_{n}", "Fine."] for n in range(6))]
    items = ItemFile.open(csv_of(tmp_path / "items.csv", rows))
    assert ("may belong to the header" in " ".join(items.messages)) == said
    assert items.item_count == 7


def test_a_damaged_row_is_named_by_its_number_below_all_header_rows(tmp_path: Path) -> None:
    path = csv_of(tmp_path / "t.csv", [*QUALTRICS, ["R_002", "now"]])
    with pytest.raises(TableError, match="row 3 "):
        read_ratings(path, named=NamedColumns())


@pytest.mark.parametrize("kind", ["csv", "xlsx", "frame", "parquet"])
def test_a_table_of_header_rows_alone_has_no_rows(tmp_path: Path, kind: str) -> None:
    with pytest.raises(TableError, match="no rows below"):
        read_ratings(source_of(tmp_path, QUALTRICS[:3], kind), named=NamedColumns())


def test_hidden_rows_and_columns_are_reported(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for cells in (["id", "ann", "ben", "cy"], ["1", "a", "b", "a"], ["2", "a", "a", "b"]):
        sheet.append(cells)
    sheet.row_dimensions[3].hidden = True
    sheet.column_dimensions.group("C", "D", hidden=True)
    book.save(tmp_path / "t.xlsx")
    said = " ".join(read_ratings(tmp_path / "t.xlsx", named=NamedColumns()).messages)
    assert "by a filter or by hand: 1;" in said
    assert 'the sheet hides: "ben", "cy";' in said


def test_a_row_of_a_workbook_that_repeats_the_names_is_refused(tmp_path: Path) -> None:
    rows = [["id", "ann", "ben"], ["1", "x", "y"], ["id", "ann", "ben"], ["2", "y", "y"]]
    with pytest.raises(TableError, match="row 2: the row repeats"):
        read_ratings(workbook_of(tmp_path / "labels.xlsx", rows), named=NamedColumns())
