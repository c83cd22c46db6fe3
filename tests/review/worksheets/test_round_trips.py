"""A worksheet goes out, a person edits it in their own program, and the ledger equals the edit."""

from __future__ import annotations

import csv
import datetime
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from localensemble.api.label import LabelOptions, label
from localensemble.api.people.import_decisions import ImportDecisionsOptions, import_decisions
from localensemble.api.people.worksheet import write_worksheet
from localensemble.core.errors import LocalEnsembleError
from localensemble.study.study import Study
from tests.spreadsheets import type_in_libreoffice
from tests.studies import CODEBOOK, SCRIPTED, StudyFiles, study_files

pytestmark = pytest.mark.slow  # starts LibreOffice and a browser

IDS = ("007", "12345678901234567890", "1-2", "=1+1", "é, ß")
TEXTS = (
    "Cold soup, and nobody came.",
    "=HYPERLINK(1)",
    "Zwei\r\nZeilen \x0c und mehr  ",
    "</script><!-- الطعام -->",
    "病房 _x0041_ 'quoted'",
)
NAMES = ("staff", "=food", "1-2")
RULES = "escalation:\n  - {policy: random_audit, share: 1.0, seed: 1}\n"


@pytest.fixture
def files(tmp_path: Path) -> StudyFiles:
    """Label five items with ids, texts and categories that spreadsheets like to change."""
    codebook = CODEBOOK.replace("name: food", 'name: "=food"').replace("name: other", 'name: "1-2"')
    made = study_files(tmp_path, TEXTS, ensemble=SCRIPTED + RULES, codebook=codebook)
    write_items(made.items, dict(zip(IDS, TEXTS, strict=True)))
    options = LabelOptions(ensemble=made.ensemble)
    label(made.items, codebook=made.codebook, study=made.study, options=options)
    return made


def write_items(path: Path, items: Mapping[str, str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([("id", "text"), *items.items()])


def sheet(files: StudyFiles, kind: str, **settings: Any) -> Path:
    path = files.folder / f"w.{kind}"
    write_worksheet(files.study, items=files.items, output=path, **settings)
    return path


def imported(files: StudyFiles, table: Path, reviewer: str | None = "Ada") -> int:
    options = ImportDecisionsOptions(reviewer=reviewer)
    return import_decisions(files.study, table, items=files.items, options=options).recorded


def refused(files: StudyFiles, table: Path) -> str:
    """Return why an import is refused, after a check that it recorded nothing."""
    with pytest.raises(LocalEnsembleError) as error:
        imported(files, table)
    assert recorded(files) == {}
    assert not any(text in str(error.value) for text in TEXTS), "no text in a message"
    return str(error.value)


def recorded(files: StudyFiles) -> dict[tuple[str, str], tuple[str, str]]:
    """Return (id, variable) -> (answer, note) of the newest decisions in the ledger."""
    found = {}
    with Study.open(files.study) as study:
        labels = study.recorded
        ids = labels.item_ids
        for variable in study.codebook.variables:
            key = labels.variable_keys[variable.name]
            for one in labels.reader.decision_notes(labels.item_set, key):
                answer = one.kind if one.category is None else variable.answers[one.category]
                found[ids[one.position], variable.name] = (answer, one.note or "")
    return found


def rows_of(path: Path) -> dict[str, int]:
    """Return id -> row number in the first sheet of a workbook."""
    cells = openpyxl.load_workbook(path).worksheets[0]["A"]
    return {str(cell.value): cell.row for cell in cells[1:]}


def columns_of(path: Path) -> dict[str, str]:
    header = openpyxl.load_workbook(path).worksheets[0][1]
    return {str(cell.value): cell.column_letter for cell in header}


def edit_in_openpyxl(path: Path, cells: Mapping[str, str]) -> None:
    book = openpyxl.load_workbook(path)
    for at, text in cells.items():
        book.worksheets[0][at].value = text
        book.worksheets[0][at].data_type = "s"
    book.save(path)


EDITS = {
    ("007", "topic"): "staff",
    ("12345678901234567890", "topic"): "=food",
    ("1-2", "topic"): "1-2",
    ("=1+1", "topic"): "<cannot decide>",
    ("007", "urgent"): "yes",
    ("1-2", "urgent"): "<codebook unclear>",
}
ANSWERS = {"<cannot decide>": "cannot_decide", "<codebook unclear>": "codebook_unclear"}


@pytest.mark.parametrize(
    "edit", [edit_in_openpyxl, type_in_libreoffice], ids=["openpyxl", "office"]
)
def test_a_workbook_comes_back_as_it_was_edited(
    edit: Callable[[Path, Mapping[str, str]], None], files: StudyFiles
) -> None:
    path = sheet(files, "xlsx")
    rows, columns = rows_of(path), columns_of(path)
    cells = {f"{columns[f'decision_{v}']}{rows[one]}": text for (one, v), text in EDITS.items()}
    cells[f"{columns['note']}{rows['1-2']}"] = "=see, naïve 病房"
    edit(path, cells)
    assert imported(files, path) == len(EDITS)
    notes = {"1-2": "=see, naïve 病房"}
    assert recorded(files) == {
        (one, variable): (ANSWERS.get(text, text), notes.get(one, ""))
        for (one, variable), text in EDITS.items()
    }
    assert imported(files, path) == 0, "a second import changes nothing"


def test_what_is_locked_stays_as_it_is_in_libreoffice(files: StudyFiles) -> None:
    path = sheet(files, "xlsx")
    before = rows_of(path)
    type_in_libreoffice(path, {"A2": "another id", "B2": "another text", "D2": "staff"})
    assert rows_of(path) == before
    assert imported(files, path) == 1


def test_a_csv_worksheet_comes_back_as_it_was_edited(files: StudyFiles) -> None:
    path = sheet(files, "csv", reviewer="Ada")
    header, rows = read(path)
    for row in rows:
        for (one, variable), text in EDITS.items():
            if row["id"] == one:
                # As a program writes it that neutralizes formulas, or a person who does not.
                row[f"decision_{variable}"] = text
    write(path, header, [*reversed(rows)])
    assert imported(files, path, None) == len(EDITS)
    assert recorded(files) == {
        place: (ANSWERS.get(text, text), "") for place, text in EDITS.items()
    }


def read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        rows = [*reader]
    return [*(reader.fieldnames or ())], rows


def write(path: Path, header: list[str], rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, header, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def test_a_page_worksheet_comes_back_as_it_was_answered(
    tab: Any, files: StudyFiles, tmp_path: Path
) -> None:
    path = sheet(files, "html", reviewer="Ada Ö.")
    tab.goto(path.as_uri())
    asked = ["staff", "=food", "1-2", "<cannot decide>", "<codebook unclear>"]
    expected = {}
    for answer, key in zip(asked, "123xc", strict=True):
        item_id = tab.text_content("#place").split(" · ")[1]
        tab.fill("#note", f"=note of {item_id}")
        tab.keyboard.press("Escape")
        tab.keyboard.press(key)
        tab.keyboard.press("w")
        tab.keyboard.press("Enter")
        expected[item_id, "topic"] = (ANSWERS.get(answer, answer), f"=note of {item_id}")
        expected[item_id, "urgent"] = ("no", f"=note of {item_id}")
    with tab.expect_download() as waiting:
        tab.click("#save-finished")
    answers = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(answers)
    assert imported(files, answers, None) == 2 * len(IDS)
    assert recorded(files) == expected
    with Study.open(files.study) as study:
        labels = study.recorded
        first = labels.reader.decisions_of_item(labels.item_set, labels.variable_keys["topic"], 0)
    assert [one.shown for one in first] == ["item"]
    assert first[0].seconds is not None
    assert first[0].origin.startswith("file w-decisions-Ada-Ö.csv ")
    assert imported(files, answers, None) == 0


def test_a_finished_study_has_nothing_left_for_a_worksheet(files: StudyFiles) -> None:
    path = sheet(files, "csv")
    header, rows = read(path)
    write(
        path, header, [row | {"decision_topic": "staff", "decision_urgent": "no"} for row in rows]
    )
    assert imported(files, path) == 2 * len(IDS)
    path.unlink()
    with pytest.raises(LocalEnsembleError, match="no item awaits"):
        sheet(files, "csv")


@pytest.mark.parametrize("beside_labels", [False, True])
def test_the_ledger_knows_whether_labels_were_shown(beside_labels: bool, files: StudyFiles) -> None:
    path = sheet(files, "csv", beside_labels=beside_labels)
    header, rows = read(path)
    assert ("labels_topic" in header) == beside_labels
    write(path, header, [rows[0] | {"decision_topic": "staff"}])
    imported(files, path)
    with Study.open(files.study) as study:
        labels = study.recorded
        (one,) = labels.reader.decision_notes(labels.item_set, labels.variable_keys["topic"])
    assert one.shown == ("labels" if beside_labels else "item")


# --- files that do not belong, or were damaged on the way ---


def test_the_unchanged_rest_may_be_deleted_and_rows_may_be_sorted(files: StudyFiles) -> None:
    path = sheet(files, "csv")
    header, rows = read(path)
    rows.sort(key=lambda row: row["text"])
    for row in rows:
        row["decision_topic"] = "staff" if row["id"] == "1-2" else "1-2"
    write(path, header, rows[1:])
    assert imported(files, path) == len(IDS) - 1
    assert recorded(files)["1-2", "topic"] == ("staff", "")


def filled(
    files: StudyFiles, answer: str = "staff"
) -> tuple[Path, list[str], list[dict[str, str]]]:
    """Return a worksheet with an answer about the topic in every row."""
    path = sheet(files, "csv")
    header, rows = read(path)
    for row in rows:
        row["decision_topic"] = answer
    return path, header, rows


def test_a_column_with_another_name_is_refused(files: StudyFiles) -> None:
    path, header, rows = filled(files)
    renamed = {"decision_topic": "topic decision", "decision_urgent": "urgent decision"}
    write(
        path,
        [renamed.get(name, name) for name in header],
        [{renamed.get(name, name): cell for name, cell in row.items()} for row in rows],
    )
    assert "decision_topic" in refused(files, path)


def test_one_renamed_column_is_refused_and_not_left_out(files: StudyFiles) -> None:
    path, header, rows = filled(files)
    write(
        path,
        [name.replace("decision_topic", "decision_topics") for name in header],
        [
            {name.replace("decision_topic", "decision_topics"): cell for name, cell in row.items()}
            for row in rows
        ],
    )
    assert '"decision_topics"' in refused(files, path)


def test_a_row_of_another_study_is_refused(files: StudyFiles) -> None:
    path, header, rows = filled(files)
    write(path, header, [*rows, rows[0] | {"id": "i-77"}])
    assert "row 6" in refused(files, path)


def test_a_changed_text_is_refused(files: StudyFiles) -> None:
    path, header, rows = filled(files)
    rows[3]["text"] += "!"
    write(path, header, rows)
    assert "row 4" in refused(files, path)


def test_a_misspelled_category_is_refused_with_a_suggestion(files: StudyFiles) -> None:
    path, header, rows = filled(files)
    rows[1]["decision_topic"] = "stafff"
    write(path, header, rows)
    message = refused(files, path)
    assert re.search(r'row 2 \(id "[^"]+"\): column "decision_topic" has', message)
    assert 'did you mean "staff"' in refused(files, path)


def test_a_row_twice_counts_once_and_with_two_answers_it_is_refused(files: StudyFiles) -> None:
    path, header, rows = filled(files)
    write(path, header, [*rows, rows[0] | {"decision_topic": "1-2"}])
    assert "rows 1 and 6" in refused(files, path)
    write(path, header, [*rows, rows[0]])
    assert imported(files, path) == len(IDS)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("007", 7),
        ("12345678901234567890", 1.2345678901234567e19),
        ("1-2", datetime.date(2026, 2, 1)),
    ],
)
def test_an_id_that_a_spreadsheet_changed_is_refused(
    written: str, stored: Any, files: StudyFiles
) -> None:
    path = sheet(files, "xlsx")
    book = openpyxl.load_workbook(path)
    cells = book.worksheets[0]
    for row in cells.iter_rows(min_row=2):
        row[3].value = "staff"
        if row[0].value == written:
            number = row[0].row - 1
            row[0].number_format = "General"
            row[0].value = stored
    book.save(path)
    message = refused(files, path)
    assert f"row {number}" in message
    assert "spreadsheet" in message


def test_answers_of_a_study_with_the_same_ids_are_refused(
    files: StudyFiles, tmp_path: Path
) -> None:
    path = tmp_path / "answers.csv"
    header = ["id", "text_hash", "variable", "decision"]
    row = {"id": "007", "text_hash": "0" * 16, "variable": "topic", "decision": "staff"}
    write(path, header, [row])
    assert "row 1" in refused(files, path)
