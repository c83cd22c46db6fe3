"""A worksheet as a table: what a person may edit, and what the file must not contain."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from localensemble.codebook.model import Category, Codebook, Variable
from localensemble.core.errors import InputError
from localensemble.review.worksheets.asked_items import AskedItem, RaterWord, Worksheet
from localensemble.review.worksheets.delimited_worksheet import write_csv_worksheet
from localensemble.review.worksheets.workbook_worksheet import write_workbook_worksheet
from localensemble.tables.delimited import TableFormat
from localensemble.tables.workbook_text import spreadsheet_hash, workbook_text

LONG_LIST = tuple(f"category, number {n} with a long name" for n in range(30))


def variable(name: str, categories: Sequence[str]) -> Variable:
    return Variable(
        name,
        "nominal",
        f"What about {name}?",
        tuple(Category(one, f"Meaning of {one}.") for one in categories),
        rules=("Pain comes first.",),
    )


def worksheet(*items: AskedItem, **settings: Any) -> Worksheet:
    codebook = Codebook(
        "small",
        "1",
        "Comments.",
        (
            variable("topic", ["staff", "=1+1", "1-2"]),
            variable("place", LONG_LIST),
            variable("mood", ["good", "bad"]),
        ),
    )
    return Worksheet("study", codebook, items, **({"format": TableFormat()} | settings))


ITEMS = (
    AskedItem("007", "=cmd|' /C calc'!A0", ("topic", "place")),
    AskedItem("12345678901234567890", "Zwei\r\nZeilen \x0c und mehr", ("topic",)),
)


@pytest.fixture
def book(tmp_path: Path) -> Any:
    path = tmp_path / "w.xlsx"
    write_workbook_worksheet(worksheet(*ITEMS, reviewer="Ada"), path)
    return openpyxl.load_workbook(path)


def test_a_workbook_has_a_row_for_each_item_and_columns_only_for_open_variables(book: Any) -> None:
    rows = [[cell.value for cell in row] for row in book["Worksheet"].iter_rows()]
    assert rows[0] == [
        *("id", "text", "open_variables"),
        *("decision_topic", "decision_place", "note", "reviewer"),
    ]
    assert [row[0] for row in rows[1:]] == ["007", "12345678901234567890"]
    assert [row[2] for row in rows[1:]] == ["topic; place", "topic"]
    assert {cell for row in rows[1:] for cell in row[3:6]} == {None}
    assert {row[6] for row in rows[1:]} == {"Ada"}


def test_every_cell_of_a_workbook_is_text_and_none_is_a_formula(book: Any) -> None:
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value]
    assert {cell.data_type for cell in cells} == {"s"}
    assert {cell.number_format for cell in cells} == {"@"}
    assert all(cell.quotePrefix for cell in cells)
    assert book["Worksheet"]["B2"].value == "=cmd|' /C calc'!A0"
    assert book["Worksheet"]["D2"].number_format == "@", "1-2 would become a date"


def test_only_decisions_and_notes_can_be_edited(book: Any) -> None:
    sheet = book["Worksheet"]
    assert sheet.protection.sheet
    assert not sheet.protection.password
    unlocked = {
        cell.coordinate for row in sheet.iter_rows() for cell in row if not cell.protection.locked
    }
    assert unlocked == {"D2", "E2", "F2", "D3", "F3"}, "place is not open for the second item"


def test_a_workbook_is_easy_to_read(book: Any) -> None:
    sheet = book["Worksheet"]
    assert sheet.freeze_panes == "B2"
    assert sheet.column_dimensions["B"].width >= 60
    assert all(cell.alignment.wrap_text for cell in sheet[2])


def test_lists_offer_the_categories_and_two_ways_to_decide_nothing(book: Any) -> None:
    lists = book["Lists"]
    assert lists.sheet_state == "hidden"
    offered = {}
    for rule in book["Worksheet"].data_validations.dataValidation:
        area = rule.formula1.split("!")[1].replace("$", "")
        offered[str(rule.sqref)] = [cell.value for row in lists[area] for cell in row]
        assert (rule.type, rule.showErrorMessage) == ("list", True)
    ways_out = ["<cannot decide>", "<codebook unclear>"]
    assert offered["D2:D3"] == ["staff", "=1+1", "1-2", *ways_out]
    assert offered["E2:E3"] == [*LONG_LIST, *ways_out]
    assert len(",".join(LONG_LIST)) > 255


def test_the_second_sheet_has_definitions_and_rules(book: Any) -> None:
    rows = {tuple(cell.value for cell in row) for row in book["Codebook"].iter_rows()}
    assert ("topic", "staff", "Meaning of staff.") in rows
    assert ("topic", "(rule 1)", "Pain comes first.") in rows
    assert not [row for row in rows if row[0] == "mood"], "no item asks about it"


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_a_blind_worksheet_contains_no_label_of_a_rater(kind: str, tmp_path: Path) -> None:
    said = {"mood": (RaterWord("owl-7b", "<abstained>"),)}
    path = tmp_path / f"w.{kind}"
    write = write_workbook_worksheet if kind == "xlsx" else write_csv_worksheet
    item = AskedItem("i", "text", ("mood",), said)
    write(worksheet(item), path)
    assert b"owl-7b" not in whole(path)
    assert b"abstained" not in whole(path)
    path.unlink()
    write(worksheet(item, beside_labels=True), path)
    assert b"owl-7b" in whole(path)


def whole(path: Path) -> bytes:
    """Return all bytes of a file, those of a workbook unpacked."""
    if path.suffix == ".csv":
        return path.read_bytes()
    with zipfile.ZipFile(path) as packed:
        return b"".join(packed.read(name) for name in packed.namelist())


def test_a_csv_worksheet_has_the_format_of_the_users_table(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    form = TableFormat(";", byte_order_mark=True)
    write_csv_worksheet(worksheet(*ITEMS, format=form), path)
    assert path.read_bytes()[:3] == b"\xef\xbb\xbf"
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = [*csv.reader(stream, delimiter=";")]
    decisions = ["decision_topic", "decision_place", "note"]
    assert rows[0] == ["id", "text", "open_variables", *decisions]
    assert rows[2] == [ITEMS[1].id, ITEMS[1].text, "topic", "", "", ""]


def test_a_study_without_texts_gets_a_worksheet_without_texts(tmp_path: Path) -> None:
    path = tmp_path / "w.csv"
    write_csv_worksheet(worksheet(AskedItem("a", None, ("mood",))), path)
    assert (
        path.read_text(encoding="utf-8").splitlines()[0] == "id,open_variables,decision_mood,note"
    )


def test_a_text_that_no_cell_can_hold_is_refused_and_never_cut(tmp_path: Path) -> None:
    path = tmp_path / "w.xlsx"
    item = AskedItem("long", "x" * 32_768, ("mood",))
    with pytest.raises(InputError, match=r'"long".*32,768') as refused:
        write_workbook_worksheet(worksheet(item), path)
    assert "xxx" not in str(refused.value)
    assert not path.exists()
    write_workbook_worksheet(worksheet(AskedItem("fits", "x" * 32_767, ("mood",))), path)


@pytest.mark.parametrize(
    "text",
    ["a\r\nb\rc", "page\x0cbreak", "null\x00", "_x000D_ as text", "\ufffe", "plain \U0001f600"],
)
def test_a_text_is_recognized_after_it_has_been_in_a_workbook(text: str) -> None:
    hashed = spreadsheet_hash(text)
    assert spreadsheet_hash(workbook_text(text)) == hashed
    assert spreadsheet_hash(text.replace("\r", "_x000D_")) == hashed
    assert spreadsheet_hash(f"{text}.") != hashed
