"""What people decide comes in as tables, once and whole, and leaves as the finished table."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

import localensemble as le
from localensemble.api.label import LabelOptions, label
from localensemble.api.people.finalize import finalize
from localensemble.core.errors import InputError
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import PersonDecision
from localensemble.ledger.verify import verify
from localensemble.study.study import Study
from localensemble.tables import workbook_text
from tests.cli.conftest import Run
from tests.studies import StudyFiles, read_table, study_files

pytestmark = pytest.mark.slow  # writes whole studies

SECRET = "the ward cat is called Mrs Example"
ITEMS = 40


@pytest.fixture(scope="module")
def labeled(tmp_path_factory: pytest.TempPathFactory) -> StudyFiles:
    texts = [f"=comment {n}: {SECRET},\r\nsecond line" for n in range(ITEMS)]
    files = study_files(tmp_path_factory.mktemp("labeled"), texts)
    options = LabelOptions(ensemble=files.ensemble)
    label(files.items, codebook=files.codebook, study=files.study, options=options)
    return files


@pytest.fixture
def files(labeled: StudyFiles, tmp_path: Path) -> StudyFiles:
    return StudyFiles(Path(shutil.copytree(labeled.folder, tmp_path / "copy")))


def write(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def escalations(files: StudyFiles) -> list[dict[str, str]]:
    return [dict(row) for row in read_table(files.study / "escalations.csv")]


def decided_rows(files: StudyFiles) -> list[dict[str, str]]:
    """All open rows, each with the first category of its variable."""
    first = {"topic": "staff", "urgent": "no"}
    return [row | {"decision": first[row["variable"]]} for row in escalations(files)]


def decisions(files: StudyFiles, variable: str = "topic") -> list[PersonDecision]:
    with LedgerReader.open(files.study / "study.sqlite") as reader:
        labels = Study.load(reader).recorded
        return [*reader.decision_notes(labels.item_set, labels.variable_keys[variable])]


def head(files: StudyFiles) -> str:
    found = verify(files.study / "study.sqlite")
    assert found.ok
    return found.head_sha256


def imported(run: Run, files: StudyFiles, path: Path, *more: str) -> str:
    ended = run("review", "import", files.study, path, "--items", files.items, *more)
    assert ended.code == 0, ended.err
    return ended.out


def test_from_the_queue_to_the_finished_table(run: Run, files: StudyFiles, tmp_path: Path) -> None:
    final = tmp_path / "final.csv"
    ended = run("finalize", files.study, "--items", files.items, "-o", final)
    count = len(escalations(files))
    assert (ended.code, final.exists()) == (2, False)
    assert f"{count} decisions are open" in ended.err
    assert "topic: " in ended.err
    assert f"review import {files.study}" in ended.err
    path = write(tmp_path / "decisions.csv", decided_rows(files))
    out = imported(run, files, path, "--reviewer", "AB")
    assert f"Recorded {count} decisions of AB" in out
    assert "No decision is open" in out
    assert escalations(files) == []
    ended = run("finalize", files.study, "--items", files.items, "-o", final)
    assert ended.code == 0, ended.err
    assert f"{count} adjudicated" in ended.out
    rows, given = read_table(final), read_table(files.items)
    assert [{key: row[key] for key in given[0]} for row in rows] == given
    assert list(rows[0])[3:] == [
        f"{variable}.{part}"
        for variable in ("topic", "urgent")
        for part in ("label", "status", "origin")
    ]
    assert all(row["topic.label"] for row in rows)
    assert {(row["topic.status"], row["topic.origin"]) for row in rows} == {
        ("accepted", "models"),
        ("adjudicated", "person"),
    }
    assert SECRET not in ended.out + ended.err


def test_importing_a_file_twice_changes_nothing(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    path = write(tmp_path / "decisions.csv", decided_rows(files))
    imported(run, files, path, "--reviewer", "AB")
    before = head(files)
    out = imported(run, files, path, "--reviewer", "AB")
    assert "Recorded 0 decisions" in out
    assert "were recorded before" in out
    assert head(files) == before


def test_the_next_commands_repeat_the_named_columns(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    table = ("--items", files.items, "--id-column", "id", "--text-column", "text")
    typed = " ".join(map(str, table))
    refused = run("finalize", files.study, *table, "-o", tmp_path / "final.csv")
    assert f"localensemble review {files.study} {typed}" in refused.err
    assert f"decisions.csv {typed} --reviewer" in refused.err
    written = run("review", "worksheet", files.study, *table, "-o", tmp_path / "sheet.csv")
    assert f"FILE {typed} --reviewer" in written.out
    first, *others = decided_rows(files)
    path = write(tmp_path / "one.csv", [first])
    one = imported(run, files, path, *table[2:], "--reviewer", "AB")
    assert f"localensemble review {files.study} {typed}" in one
    path = write(tmp_path / "others.csv", others)
    assert f"finalize {files.study} {typed} -o" in imported(
        run, files, path, *table[2:], "--reviewer", "AB"
    )


def test_the_next_commands_repeat_how_texts_were_de_identified(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    by = tmp_path / "deidentify.yaml"
    key = "deidentify:\n  patterns: [{name: word, pattern: 'text|comment'}]\n"
    by.write_text(files.codebook.read_text(encoding="utf-8") + key, encoding="utf-8")
    table = ("--items", files.items, "--deidentify", by)
    sheet = tmp_path / "sheet.csv"
    written = run("review", "worksheet", files.study, *table, "-o", sheet)
    assert f"--deidentify {by} --reviewer" in written.out, written.err
    first, *_ = read_table(sheet)
    name = first["open_variables"].split()[0].strip(",;")
    decided = first | {f"decision_{name}": {"topic": "staff", "urgent": "no"}[name]}
    sheet = write(tmp_path / "decided.csv", [decided])
    refused = run("review", "import", files.study, sheet, "--items", files.items)
    assert (refused.code, "--deidentify CODEBOOK" in refused.err) == (2, True)
    again = imported(run, files, sheet, "--deidentify", str(by), "--reviewer", "AB")
    assert f"localensemble review {files.study} --items {files.items} --deidentify {by}" in again


def test_a_worksheet_against_existing_labels_does_not_count_the_queue(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    labels = read_table(files.study / "labels.csv")
    categories = {row["topic.label"] for row in labels} - {""}
    existing = [
        {"id": row["id"], "topic": next(iter(categories - {row["topic.label"]}), "other")}
        for row in labels
    ]
    table = write(tmp_path / "existing.csv", existing)
    asking = ("review", "worksheet", files.study, "--items", files.items, "--against", table)
    written = run(*asking, "-o", tmp_path / "sheet.csv")
    assert "comparison with existing labels" in written.out, written.err
    assert "await" not in written.out


def test_another_person_with_another_answer_is_double_coding(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    rows = decided_rows(files)
    imported(run, files, write(tmp_path / "a.csv", rows), "--reviewer", "AB")
    row = next(row for row in rows if row["variable"] == "topic")
    other = row | {"decision": "other"}
    out = imported(run, files, write(tmp_path / "b.csv", [other]), "--reviewer", "Cleo")
    assert "1 decision is still open" in out
    refused = run("finalize", files.study, "--items", files.items, "-o", tmp_path / "final.csv")
    assert refused.code == 2
    for said in (out, refused.err):
        assert f"review {files.study} --items {files.items} --adjudicate" in said
        assert said.count("localensemble review") == 1  # the plain page asks about none of it
    (left,) = escalations(files)
    assert left["id"] == row["id"]
    assert left["reason_codes"].startswith("people_differ")
    adjudicated = other | {"role": "adjudication", "reviewer": "Dan"}
    imported(run, files, write(tmp_path / "c.csv", [adjudicated]))
    assert escalations(files) == []
    labels = {one["id"]: one for one in read_table(files.study / "labels.csv")}
    assert labels[row["id"]]["topic.label"] == "other"


def test_a_name_in_another_case_is_the_same_person(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    row, *others = (row | {"reviewer": "Cleo B"} for row in decided_rows(files))
    imported(run, files, write(tmp_path / "a.csv", [row, others[0] | {"reviewer": "cleo b"}]))
    out = imported(run, files, write(tmp_path / "b.csv", [row | {"reviewer": "CLEO  B"}]))
    assert "Recorded nothing" in out or "0 decisions" in out
    with LedgerReader.open(files.study / "study.sqlite") as reader:
        assert [one.name for one in reader.reviewers()] == ["Cleo B"]


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
@pytest.mark.parametrize("prefix", ["gold_", "decision_"])
def test_a_worksheet_comes_back_in_any_format(
    run: Run, files: StudyFiles, tmp_path: Path, kind: str, prefix: str
) -> None:
    sheet = tmp_path / "sheet.csv"
    asking = ("review", "worksheet", files.study, "--items", files.items, "--n", "4")
    ended = run(*asking, "-o", sheet)
    assert "review import" in ended.out
    frame = pd.read_csv(sheet, dtype=str, keep_default_na=False)
    frame = frame.rename(columns=lambda name: name.replace("decision_", prefix))
    asked = frame["open_variables"].str.contains("topic")
    frame.loc[asked, f"{prefix}topic"] = "Food"
    frame.loc[frame.index[asked][0], f"{prefix}topic"] = "<Cannot decide>"
    frame["note"] = "hard to tell"
    path = tmp_path / f"filled.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "parquet":
        frame.to_parquet(path)
    else:
        book = openpyxl.Workbook()
        for line in [list(frame.columns), *frame.values.tolist()]:
            book.active.append([None if cell == "" else cell for cell in line])
        for cells in book.active.iter_rows():
            for cell in cells:
                cell.data_type = "s" if cell.value else cell.data_type
        book.save(path)
    out = imported(run, files, path, "--reviewer", "AB")
    assert "Food" in out  # a spelling that was read as a category is named
    found = decisions(files)
    assert [one.kind for one in found].count("cannot_decide") == 1
    assert {one.category for one in found} <= {1, None}
    assert len(found) == int(asked.sum())
    assert {one.note for one in found} == {"hard to tell"}
    assert {one.origin.split()[:2][1] for one in found} == {f"filled.{kind}"}


def test_what_a_row_says_beside_its_decision_is_kept(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    facts = {
        "reviewer": "Cleo",
        "decided_at": "2026-03-01T10:30:00+02:00",
        "seconds": "4,5",
        "confidence": "2",
        "error_type": "negation",
        "note": "see line 3",
        "shown": "item",
        "role": "review",
    }
    row = {"id": "i-3", "variable": "topic", "decision": "food"} | facts
    later = row | {"decision": "other", "decided_at": "2026-03-01T09:00:00", "shown": "labels"}
    back = row | {"decided_at": "2026-03-01T09:30:00"}
    path = write(tmp_path / "long.csv", [later, row, back])
    imported(run, files, path)
    first, second, third = decisions(files)
    assert (first.decided_at, first.seconds, first.confidence) == (
        "2026-03-01T08:30:00.000+00:00",
        4.5,
        2,
    )
    assert (first.error_type, first.note, first.shown) == ("negation", "see line 3", "item")
    assert [one.category for one in (first, second, third)] == [1, 2, 1]
    before = head(files)
    imported(run, files, path)
    assert head(files) == before


def test_an_answer_with_an_older_time_does_not_replace_a_newer_one(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    row = {"id": "i-3", "variable": "topic", "decision": "food"}
    new = write(tmp_path / "new.csv", [row | {"decided_at": "2026-03-02T12:00:00"}])
    imported(run, files, new, "--reviewer", "AB")
    before = head(files)
    older = row | {"decision": "other", "decided_at": "2026-03-02T09:00:00"}
    old = write(tmp_path / "old.csv", [older])
    out = imported(run, files, old, "--reviewer", "AB")
    assert "Recorded 0 decisions" in out
    assert "1 row (1) holds an answer" in out
    assert head(files) == before
    imported(run, files, old, "--reviewer", "Cleo")
    assert [one.category for one in decisions(files)] == [1, 2]


def test_an_older_adjudication_by_another_person_does_not_replace_a_newer_one(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    row = {"id": "i-3", "variable": "topic", "decision": "food", "role": "adjudication"}
    new = row | {"reviewer": "Dan", "decided_at": "2026-03-02T12:00:00"}
    imported(run, files, write(tmp_path / "new.csv", [new]))
    before = head(files)
    old = row | {"reviewer": "Eve", "decided_at": "2026-03-01T12:00:00", "decision": "other"}
    out = imported(run, files, write(tmp_path / "old.csv", [old]))
    assert "1 row (1) holds an answer" in out
    assert head(files) == before


def test_an_old_file_does_not_undo_what_the_person_has_changed_since(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    row = {"id": "i-3", "variable": "topic", "decision": "food"}
    old = write(tmp_path / "old.csv", [row])
    imported(run, files, old, "--reviewer", "AB")
    new = write(tmp_path / "new.csv", [row | {"decision": "other"}])
    imported(run, files, new, "--reviewer", "AB")
    out = imported(run, files, old, "--reviewer", "AB")
    assert "changed since" in out
    assert [one.category for one in decisions(files)] == [1, 2]


GOOD = {"id": "i-3", "variable": "topic", "decision": "food"}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": "i-99"}, "no labeled item has its id"),
        ({"id": ""}, "it has no id"),
        ({"variable": "mood"}, "names no variable"),
        ({"variable": "", "decision": ""}, "names no variable"),
        ({"decision": SECRET}, 'not a category of "topic"'),
        ({"text": "another text"}, "its text is not that of the item"),
        ({"confidence": "9"}, 'column "confidence"'),
        ({"seconds": "soon"}, 'column "seconds"'),
        ({"seconds": "-1"}, 'column "seconds"'),
        ({"seconds": "inf"}, 'column "seconds"'),
        ({"decided_at": "noon"}, 'column "decided_at"'),
        ({"decided_at": "0001-01-01T00:00:00+10:00"}, 'column "decided_at"'),
        ({"shown": "everything"}, 'column "shown"'),
        ({"role": "boss"}, 'column "role"'),
        ({"role": "known"}, 'column "role"'),
    ],
)
def test_a_row_that_does_not_belong_refuses_the_whole_file(
    run: Run, files: StudyFiles, tmp_path: Path, change: dict[str, str], reason: str
) -> None:
    empty = dict.fromkeys(("text", *set(change) - set(GOOD)), "")
    text = {"text": read_table(files.items)[3]["text"]}
    filled = {"confidence": "1", "seconds": "2", "decided_at": "2026-03-01", "shown": "item"}
    filled["role"] = "review"
    good = GOOD | {name: filled[name] for name in filled if name in change} | text
    path = write(tmp_path / "wrong.csv", [good, empty | good | change])
    before = head(files)
    ended = run("review", "import", files.study, path, "--items", files.items, "--reviewer", "AB")
    assert ended.code == 2
    assert "1 of 2 rows does not belong" in ended.err
    assert re.search(r'row 2(?: \(id "i-\d+"\))?: ', ended.err)
    assert reason in ended.err
    assert SECRET not in ended.err
    assert head(files) == before


def test_a_withdrawn_item_is_named_as_such(run: Run, files: StudyFiles, tmp_path: Path) -> None:
    ended = run("withdraw", files.study, "--id", "i-3", "--items", files.items)
    assert ended.code == 0, ended.err
    path = write(tmp_path / "d.csv", [GOOD, GOOD | {"id": "i-4"}])
    ended = run("review", "import", files.study, path, "--items", files.items, "--reviewer", "A")
    assert ended.code == 2
    assert "row 1: its item was withdrawn" in ended.err


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"id": "i-3", "theme": "food"}], "found no column with decisions"),
        ([{"patient": "i-3", "decision_topic": "food"}], "found no column with item ids"),
        ([{"id": "i-3", "decision_topic": " "}], "found no decisions"),
        ([GOOD, GOOD | {"decision": "other"}], "rows 1 and 2: the same person gives two answers"),
        (
            [
                GOOD | {"decided_at": "2026-03-01T09:00"},
                GOOD | {"decided_at": "2026-03-02T09:00"},
                GOOD | {"decided_at": "2026-03-02T09:00", "decision": "other"},
            ],
            "rows 2 and 3: the same person gives two answers",
        ),
        ([GOOD | {"id": f"x-{n}"} for n in range(9)], "row 5: no labeled item has its id, ..."),
    ],
)
def test_a_file_without_usable_decisions_is_refused(
    run: Run, files: StudyFiles, tmp_path: Path, rows: list[dict[str, str]], said: str
) -> None:
    path = write(tmp_path / "d.csv", rows)
    ended = run("review", "import", files.study, path, "--items", files.items, "--reviewer", "A")
    assert ended.code == 2
    assert said in ended.err


def test_the_person_must_be_named(run: Run, files: StudyFiles, tmp_path: Path) -> None:
    path = write(tmp_path / "d.csv", [GOOD])
    ended = run("review", "import", files.study, path, "--items", files.items)
    assert ended.code == 2
    assert "row 1" in ended.err
    assert "--reviewer" in ended.err


def test_a_column_of_the_user_is_not_taken_for_a_fact(
    run: Run, tmp_path: Path, labeled: StudyFiles
) -> None:
    table = pd.read_csv(labeled.items, dtype=str)
    table["note"] = SECRET
    table["confidence"] = "very"
    (tmp_path / "own").mkdir()
    table.to_csv(tmp_path / "own" / "items.csv", index=False)
    files = StudyFiles(tmp_path / "own")
    ended = run(
        *("label", files.items, "-c", labeled.codebook, "-e", labeled.ensemble),
        *("-o", files.study, "--text-column", "text"),
    )
    assert ended.code == 0, ended.err
    path = write(tmp_path / "d.csv", decided_rows(files))
    imported(run, files, path, "--reviewer", "AB", "--text-column", "text")
    assert {one.note for one in decisions(files)} == {None}


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_the_finished_table_with_open_decisions_has_empty_labels(
    run: Run, files: StudyFiles, tmp_path: Path, kind: str
) -> None:
    final = tmp_path / f"final.{kind}"
    ended = run("finalize", files.study, "--items", files.items, "-o", final, "--allow-open")
    assert ended.code == 0, ended.err
    assert "left empty" in ended.out
    if kind == "csv":
        found = pd.read_csv(final, dtype=str, keep_default_na=False)
    elif kind == "xlsx":
        found = pd.read_excel(final, dtype=str, keep_default_na=False)
    else:
        found = pd.read_parquet(final).fillna("")
    labels = pd.read_csv(files.study / "labels.csv", dtype=str, keep_default_na=False)
    for name in ("id", "ward", "topic.label", "topic.status", "topic.origin", "urgent.status"):
        assert found[name].tolist() == labels[name].tolist()
    assert all(text.startswith("=comment") for text in found["text"])
    assert (found["topic.status"] == "escalated").any()


@pytest.mark.parametrize("name", ["final.csv", "final.parquet"])
def test_what_the_file_of_the_finished_table_held_is_kept(
    name: str, run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    final = tmp_path / name
    final.write_bytes(b"a person's")
    command = ("finalize", files.study, "--items", files.items, "--allow-open", "-o", final)
    assert "before-1" in run(*command).out
    (kept,) = tmp_path.glob("final.before-1.*")
    assert kept.read_bytes() == b"a person's"
    assert "before-" not in run(*command).out


def test_the_finished_table_is_not_written_where_it_must_not_be(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    before = files.items.read_bytes()
    for path, said in ((tmp_path / "final.docx", "format"), (files.items, "was labeled")):
        ended = run("finalize", files.study, "--items", files.items, "-o", path, "--allow-open")
        assert ended.code == 2
        assert said in ended.err
    assert files.items.read_bytes() == before


def test_more_rows_than_a_workbook_holds_are_refused(
    files: StudyFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook_text, "MOST_SHEET_ROWS", 5)
    final = tmp_path / "final.xlsx"
    with pytest.raises(InputError, match=r"final\.xlsx.*holds 5") as refused:
        finalize(files.study, output=final, items=files.items, allow_open=True)
    assert "CSV" in (refused.value.hint or "")
    assert not final.exists()


def test_a_text_too_long_for_a_workbook_is_refused_with_its_row(
    run: Run, tmp_path: Path, labeled: StudyFiles
) -> None:
    table = pd.read_csv(labeled.items, dtype=str).head(3)
    table.loc[1, "ward"] = "x" * 40_000
    (tmp_path / "own").mkdir()
    table.to_csv(tmp_path / "own" / "items.csv", index=False)
    files = StudyFiles(tmp_path / "own")
    run(
        *("label", files.items, "-c", labeled.codebook, "-e", labeled.ensemble),
        *("-o", files.study, "--text-column", "text"),
    )
    final = tmp_path / "final.xlsx"
    ended = run(
        *("finalize", files.study, "--items", files.items, "--text-column", "text"),
        *("-o", final, "--allow-open"),
    )
    assert ended.code == 2
    assert "row 2" in ended.err
    assert not final.exists()


def test_in_python_frames_do_the_same(files: StudyFiles, tmp_path: Path) -> None:
    study = le.open_study(files.study)
    queue = study.queue("topic")
    queue = queue.rename(columns={"item": "id"})[["id", "variable"]].assign(decision="staff")[:3]
    items = pd.read_csv(files.items, dtype=str)
    done = le.import_decisions(files.study, queue, items=files.items, reviewer="AB")
    assert (done.recorded, done.repeated, done.reviewers) == (len(queue), 0, ("AB",))
    assert done.open == len(study.queue())
    again = le.import_decisions(files.study, queue, items=files.items, reviewer="AB")
    assert (again.recorded, again.repeated) == (0, len(queue))
    with pytest.raises(le.LocalEnsembleError, match="open"):
        le.finalize(files.study, tmp_path / "final.csv", items=files.items)
    finished = le.finalize(files.study, tmp_path / "f.csv", items=files.items, allow_open=True)
    assert finished.items == len(items)
    assert dict(finished.statuses)["adjudicated"] == len(queue)


def test_a_ledger_whose_decision_was_changed_is_refused(
    run: Run, files: StudyFiles, tmp_path: Path
) -> None:
    path = write(tmp_path / "d.csv", [GOOD])
    imported(run, files, path, "--reviewer", "AB")
    with Ledger.open(files.study / "study.sqlite", create=False) as ledger:
        connection = ledger._connection
        connection.execute("DROP TRIGGER person_decision_refuses_update")
        connection.execute("UPDATE person_decision SET category = 2")
    ended = run("finalize", files.study, "--items", files.items, "-o", tmp_path / "f.csv")
    assert ended.code == 1
    assert "has been changed" in ended.err
