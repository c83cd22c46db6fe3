"""A study exported as a table is read back by another program with everything in it."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import openpyxl
import pytest

from localensemble.core.errors import InputError
from localensemble.exports import wide_workbook
from localensemble.exports.rows import StudyRow
from localensemble.tables import workbook_text
from localensemble.tables.delimited import restore_formula
from tests.exports.formats.conftest import DECIDED, ITEMS, Reviewed

Cells = Mapping[str, object]


def _check(found: Sequence[Cells], rows: Sequence[StudyRow], *, digits: int = 15) -> None:
    """Compare every cell of a table with the ledger."""
    assert [cells["id"] for cells in found] == [str(row.item.id) for row in rows]
    for cells, row in zip(found, rows, strict=True):
        for one in row.variables:
            name = one.variable
            assert cells[f"{name}.label"] == one.label
            assert cells[f"{name}.status"] == one.status
            assert cells[f"{name}.origin"] == one.origin
            assert cells[f"{name}.support"] == _rounded(one.support, digits)
            assert cells[f"{name}.mean_probability"] == _rounded(one.mean_probability, digits)
            assert cells[f"{name}.reason_codes"] == (" ".join(one.reason_codes) or None)
            for label in one.raters:
                assert cells[f"{name}.rater.{label.rater}"] == label.word
                found_probability = cells[f"{name}.probability.{label.rater}"]
                assert found_probability == _rounded(label.probability, digits)
    assert [cells["topic.person.AB"] for cells in found[:5]] == [
        *("staff", "=food", "<cannot decide>", "other"),
        None,
    ]
    assert found[3]["topic.person.Dr. Li"] == "other"
    assert found[3]["topic.origin"] == "person"


def _rounded(value: float | None, digits: int) -> object:
    return None if value is None else pytest.approx(value, abs=0.6 * 10**-digits)


def test_a_csv_table_holds_what_the_ledger_holds(reviewed: Reviewed) -> None:
    written = reviewed.export("csv")
    with written.files[0].open(encoding="utf-8-sig", newline="") as stream:
        raw = [*csv.DictReader(stream)]
    # Nothing that the program wrote is a formula.
    assert not [
        cell for row in raw for cell in row.values() if cell.startswith(("=", "+", "-", "@"))
    ]
    found = [
        {
            name: None
            if cell == ""
            else float(cell)
            if name.endswith((".support", ".mean_probability")) or ".probability." in name
            else restore_formula(cell)
            for name, cell in row.items()
        }
        for row in raw
    ]
    _check(found, reviewed.rows(), digits=6)
    assert written.item_count == ITEMS
    assert "text" not in raw[0]


def test_a_workbook_holds_numbers_as_numbers_and_no_formula(reviewed: Reviewed) -> None:
    path = reviewed.export("xlsx", include_text=True).files[0]
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    head, *body = sheet.iter_rows(values_only=True)
    found = [
        {
            str(name): restore_formula(cell) if isinstance(cell, str) and name != "text" else cell
            for name, cell in zip(head, cells, strict=True)
        }
        for cells in body
    ]
    rows = reviewed.rows()
    _check(found, rows)
    assert [str(cells["text"]).replace("_x000B_", "\x0b") for cells in found] == [
        row.item.text for row in rows
    ]


def test_a_parquet_file_holds_typed_columns(reviewed: Reviewed) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra tables")
    table = parquet.read_table(reviewed.export("parquet", include_text=True).files[0])
    assert str(table.schema.field("topic.support").type) == "double"
    assert str(table.schema.field("topic.label").type) == "string"
    found = table.to_pylist()
    _check(found, reviewed.rows())
    assert [one["text"] for one in found] == [row.item.text for row in reviewed.rows()]


def test_json_lines_nest_raters_and_people_below_their_variable(reviewed: Reviewed) -> None:
    path = reviewed.export("jsonl", include_text=True).files[0]
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    rows = reviewed.rows()
    assert [one["text"] for one in found] == [row.item.text for row in rows]
    for one, row in zip(found, rows, strict=True):
        assert one["id"] == row.item.id
        assert [*one["variables"]] == [variable.variable for variable in row.variables]
        for variable in row.variables:
            cells = one["variables"][variable.variable]
            assert (cells["label"], cells["status"]) == (variable.label, variable.status)
            assert cells["origin"] == variable.origin
            assert cells["support"] == variable.support
            assert cells["raters"] == {
                label.rater: {
                    "label": label.category,
                    "status": label.status and label.status.value,
                    "probability": label.probability,
                }
                for label in variable.raters
            }
    said = {
        (one["id"], who["reviewer"]): who["decision"]
        for one in found
        for who in one["variables"]["topic"]["people"]
        if who["role"] == "review"
    }
    words = {"cannot_decide": "<cannot decide>"}
    assert said == {
        (f"i-{position}", reviewer): words.get(answer, answer)
        for reviewer, answers in DECIDED["topic"].items()
        for position, answer in answers.items()
    }


@pytest.mark.parametrize(("limit", "value"), [("MOST_SHEET_ROWS", 24), ("MOST_SHEET_COLUMNS", 5)])
def test_a_workbook_that_cannot_hold_the_study_is_refused_with_numbers(
    untouched: Reviewed, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(workbook_text, limit, value)
    with pytest.raises(InputError, match=rf"out\.xlsx.* {value}\.") as refused:
        untouched.export("xlsx")
    assert refused.value.exit_code == 2
    assert not (untouched.folder / "out.xlsx").exists()


def test_a_text_too_long_for_a_cell_is_refused_by_its_row(
    untouched: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wide_workbook, "MOST_CELL_CHARACTERS", 40)
    with pytest.raises(InputError, match=r"row 1: .*holds 40") as refused:
        untouched.export("xlsx", include_text=True)
    assert "soup" not in str(refused.value)


def test_parquet_without_its_package_names_the_extra(
    untouched: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"localensemble\[tables\]"):
        untouched.export("parquet")
    assert Path(untouched.study).is_dir()
