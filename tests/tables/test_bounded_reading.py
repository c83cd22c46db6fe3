"""A small file that stands for a huge table is refused with numbers, before it fills the memory."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest

from localensemble.core.errors import TableError
from localensemble.tables import table_files
from localensemble.tables.delimited import open_table
from localensemble.tables.reading import csv_records, workbook_size
from localensemble.tables.row_ids import KeyedTable
from localensemble.tables.table_files import open_item_table, open_table_file

SHEET = "xl/worksheets/sheet1.xml"


def workbook(path: Path) -> Path:
    book = openpyxl.Workbook()
    for row in (("id", "text"), ("h1", "good"), ("h2", "bad")):
        book.active.append(row)
    book.save(path)
    return path


def with_part(path: Path, change: Callable[[str], str], *, part: str = SHEET) -> Path:
    """Change the XML of one part of a workbook."""
    with zipfile.ZipFile(workbook(path)) as archive:
        parts = {one.filename: archive.read(one) for one in archive.infolist()}
    parts[part] = change(parts.get(part, b"").decode()).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def after_cells(xml: str) -> Callable[[str], str]:
    return lambda sheet: sheet.replace("</sheetData>", f"</sheetData>{xml}")


def more_cells(xml: str) -> Callable[[str], str]:
    return lambda sheet: sheet.replace("</sheetData>", f"{xml}</sheetData>")


FORMULAS = "".join(
    f'<row r="{row}"><c r="A{row}"><f t="shared" si="0"/><v>1</v></c></row>'
    for row in range(5, 4005)
)
FORMULA = f'<row r="4"><c r="A4"><f t="shared" ref="A4:A4004" si="0">{"1+" * 4000}1</f></c></row>'


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            more_cells('<row r="1048576"><c r="XFD1048576" t="str"><v>x</v></c></row>'),
            "1,048,576 rows and 16,384 columns, or 17,179,869,184 cells; .* 2,000,000 cells",
        ),
        (
            more_cells('<row r="900000"><c r="C900000" t="str"><v>x</v></c></row>'),
            "900,000 rows and 3 columns",
        ),
        (
            after_cells('<mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'),
            "17,179,869,184 cells in merged or linked areas",
        ),
        (
            after_cells('<hyperlinks><hyperlink ref="B2:C1048576" display="x"/></hyperlinks>'),
            "2,097,150 cells in merged or linked areas",
        ),
        (more_cells(FORMULA + FORMULAS), "characters of shared formulas"),
        (
            lambda sheet: (
                '<!DOCTYPE w [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
                + sheet.removeprefix('<?xml version="1.0"?>')
            ),
            "declares a document type",
        ),
        (
            after_cells("<mergeCells>" + '<mergeCell ref="D1:E1"/>' * 250_000 + "</mergeCells>"),
            "elements other than cells",
        ),
    ],
)
@pytest.mark.parametrize("opened", [open_table_file, KeyedTable.open])
def test_a_small_workbook_that_stands_for_a_huge_one_is_refused(
    change: Callable[[str], str],
    found: str,
    opened: Callable[[Path], object],
    tmp_path: Path,
) -> None:
    path = with_part(tmp_path / "a.xlsx", change)
    assert path.stat().st_size < 50_000
    with pytest.raises(TableError, match=found):
        opened(path)


def test_a_workbook_that_unpacks_to_gigabytes_is_refused_before_it_is_unpacked(
    tmp_path: Path,
) -> None:
    path = workbook(tmp_path / "a.xlsx")
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/more.xml", "w") as part,
    ):
        for _ in range(257):
            part.write(b" " * (1 << 20))
    assert path.stat().st_size < 500_000
    with pytest.raises(TableError, match=r"269,[45]\d\d,\d\d\d bytes or more; at most 268,435,456"):
        open_item_table(path)


@pytest.mark.parametrize(
    "many",
    ["<is>" + "<r><t>a</t></r>" * 600 + "</is>", "<is>" + "<t>a</t>" * 600 + "</is>",
     "<is><t>a</t></is>" * 600],
)  # fmt: skip
def test_a_cell_of_too_many_parts_is_refused(
    many: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook_size, "MOST_TEXT_RUNS", 500)
    path = with_part(
        tmp_path / "a.xlsx",
        more_cells(f'<row r="9"><c r="A9" t="inlineStr">{many}</c></row>'),
    )
    with pytest.raises(TableError, match="parts of texts"):
        open_item_table(path)


def test_cells_with_parts_in_bold_are_read(tmp_path: Path) -> None:
    cell = '<c r="B9" t="inlineStr"><is><r><t>a </t></r><r><rPr><b/></rPr><t>b</t></r></is></c>'
    path = with_part(
        tmp_path / "a.xlsx",
        more_cells(f'<row r="9"><c r="A9" t="inlineStr"><is><t>i-9</t></is></c>{cell}</row>'),
    )
    rows = [*open_item_table(path).rows()]
    assert rows[-1][:2] == ("i-9", "a b")


def test_empty_rows_are_no_parts_of_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_size, "MOST_TEXT_RUNS", 5)
    rows = "".join(f'<row r="{row}"/>' for row in range(4, 400))
    assert open_item_table(with_part(tmp_path / "a.xlsx", more_cells(rows))).columns


@pytest.mark.parametrize(
    ("limit", "found"),
    [
        ("MOST_WORKBOOK_PARTS", "parts"),
        ("MOST_CELL_ELEMENTS", "elements or more"),
        ("MOST_OTHER_ELEMENTS", "elements other than cells"),
    ],
)
def test_a_workbook_with_more_of_anything_than_allowed_is_refused(
    limit: str, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = workbook(tmp_path / "a.xlsx")
    open_item_table(path)
    monkeypatch.setattr(workbook_size, limit, 3)
    with pytest.raises(TableError, match=f"{found}.*at most 3 are read"):
        open_item_table(path)


def test_a_line_that_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_records, "MOST_ROW_CHARACTERS", 1000)
    path = tmp_path / "a.csv"
    path.write_text("id,text\n1," + "x" * 5000, encoding="utf-8")
    with pytest.raises(TableError, match=r"line 2: .*1,001 characters or more; at most 1,000"):
        list(open_table(path).rows())
    path.write_text("x" * 5000, encoding="utf-8")
    with pytest.raises(TableError, match=r"line 1: .*1,001 characters"):
        open_table(path)


def test_a_quote_that_opens_in_front_of_many_short_cells_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_records, "MOST_ROW_CHARACTERS", 1000)
    path = tmp_path / "a.csv"
    path.write_text("id,text\n" + '1,"a\n' + "x\n" * 800 + '"\n', encoding="utf-8")
    with pytest.raises(TableError, match="characters or more; at most 1,000"):
        list(open_table(path).rows())


def test_a_line_of_a_million_blank_cells_takes_no_time(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text\n1,a\n" + "," * 1_000_000 + "x\n", encoding="utf-8")
    with pytest.raises(TableError, match="1,000,001 cells"):
        list(open_table(path).rows())


def test_more_columns_than_a_sheet_has_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(",".join(f"c{i}" for i in range(16_385)) + "\n" + "," * 16_384 + "\n")
    with pytest.raises(TableError, match="16,385 columns; at most 16,384"):
        open_table(path)


def test_a_sparse_file_of_a_terabyte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text\n1,a\n")
    os.truncate(path, 1 << 40)
    with pytest.raises(TableError, match="1,099,511,627,776 bytes; at most 4,294,967,296"):
        open_table_file(path)


def test_rows_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,text\n" + "1,a\n" * 5)
    table = open_table(path)
    monkeypatch.setattr("localensemble.tables.delimited.MOST_TABLE_ROWS", 5)
    assert len(list(table.rows())) == 5
    monkeypatch.setattr("localensemble.tables.delimited.MOST_TABLE_CELLS", 9)
    with pytest.raises(TableError, match="more than 4 rows; at most 5 rows and 9 cells"):
        list(table.rows())


def test_a_parquet_file_of_a_few_bytes_with_a_billion_rows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    rows = 10_000_001
    pyarrow.parquet.write_table(pyarrow.table({"a": pyarrow.nulls(rows, pyarrow.int8())}), path)
    with pytest.raises(TableError, match="10,000,001 rows; at most 10,000,000"):
        open_table_file(path)


def test_a_long_text_repeated_in_a_parquet_file_is_refused_before_it_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.parquet"
    indices = pyarrow.array([0] * 9000, pyarrow.int32())
    texts = pyarrow.DictionaryArray.from_arrays(indices, ["x" * 1_000_000])
    pyarrow.parquet.write_table(pyarrow.table({"id": range(9000), "text": texts}), path)
    assert path.stat().st_size < 2_000_000
    with pytest.raises(TableError, match="9,000,000,000 bytes of text; at most 4,294,967,296"):
        open_table_file(path)
    monkeypatch.setattr(table_files, "MOST_CELL_CHARACTERS", 999_999)
    with pytest.raises(TableError, match="1,000,000 bytes in one cell"):
        open_table_file(path)


@pytest.mark.skipif(os.name != "posix", reason="needs pipes")
@pytest.mark.parametrize("opened", [open_table_file, KeyedTable.open, open_table])
def test_a_pipe_is_refused_without_waiting(
    opened: Callable[[Path], object], tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    os.mkfifo(path)
    with pytest.raises(TableError, match="it is a pipe, not a file"):
        opened(path)


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_a_table_that_grows_while_it_is_read_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{kind}"
    if kind == "xlsx":
        workbook(path)
    elif kind == "parquet":
        pyarrow.parquet.write_table(pyarrow.table({"id": ["1", "2"], "text": ["a", "b"]}), path)
    else:
        path.write_text("id,text\n1,a\n2,b\n")
    table = open_table_file(path)
    rows = table.cells(table.columns)
    next(rows)
    with path.open("ab") as stream:
        stream.write(b"3,c\n")
    if kind == "csv":
        with pytest.raises(TableError, match="changed while it was in use"):
            list(rows)
    else:
        # Read at once; what is written later has no effect.
        assert len(list(rows)) == 1


@pytest.mark.parametrize("number", ["-1", " -2", "\n-3"])
def test_a_cell_does_not_take_its_text_from_the_end_of_the_shared_texts(
    tmp_path: Path, number: str
) -> None:
    cell = '<row r="4"><c r="A4"><v>-3</v></c><c r="B4"{}><v>{}</v></c></row>'
    path = with_part(tmp_path / "t.xlsx", more_cells(cell.format("", number)))
    assert open_table_file(path).columns == ("id", "text")
    path = with_part(tmp_path / "t.xlsx", more_cells(cell.format(' t="s"', number)))
    with pytest.raises(TableError, match="below 0"):
        open_table_file(path)
