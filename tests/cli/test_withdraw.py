"""An item that is withdrawn leaves the whole study folder; everything else stays as it was."""

from __future__ import annotations

import csv
import json
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from localensemble.core.identity import sha256_item, sha256_text
from tests.cli.conftest import Ended, Run
from tests.studies import (
    SCRIPTED,
    StudyFiles,
    change_behind_triggers,
    read_table,
    recorded,
    study_files,
)

pytestmark = pytest.mark.slow  # labels studies in processes of their own

CANARY = "zanzibarquokka"
TEXTS = [f"comment {n}" for n in range(40)]
TEXTS[17] = f"my number is {CANARY} and I left early"


def label(run: Run, files: StudyFiles, *more: object) -> Ended:
    return run(
        "label", files.items, "-c", files.codebook, "-e", files.ensemble, "-o", files.study, *more
    )


@pytest.fixture
def labeled(run: Run, tmp_path: Path) -> StudyFiles:
    files = study_files(tmp_path / "first", TEXTS)
    assert label(run, files).code in (0, 3)
    return files


def holding(folder: Path, words: str) -> list[str]:
    """Name the files of a folder that have the words among their bytes."""
    return [
        path.name
        for path in folder.rglob("*")
        if path.is_file() and words.encode() in path.read_bytes()
    ]


def labels_made(study: Path) -> int:
    with closing(sqlite3.connect(study / "study.sqlite")) as connection:
        return int(connection.execute("SELECT count(*) FROM label").fetchone()[0])


def test_a_withdrawn_item_leaves_no_trace_and_changes_nothing_else(
    run: Run, labeled: StudyFiles
) -> None:
    study = labeled.study
    before = [row for row in recorded(study) if row[1] != "i-17"]
    rows = [row for row in read_table(study / "labels.csv") if row["id"] != "i-17"]
    assert run("report", study, "--items", labeled.items, "--include-text").code == 0
    ended = run("withdraw", study, "--id", "i-17", "--items", labeled.items)
    assert ended.code == 0, ended.err
    assert "Withdrew 1 item. The study has 39 labeled items left." in ended.out
    assert "items.csv still has 1 row" in ended.out
    assert recorded(study) == before
    assert read_table(study / "labels.csv") == rows
    verified = run("ledger", "verify", study)
    assert (verified.code, "Withdrawn on record: 1 item" in verified.out) == (0, True)
    assert holding(study, CANARY) == holding(study, "i-17") == []
    assert not list(study.glob("*-wal"))
    assert json.loads((study / "manifest.json").read_text())["item_set"]["items"] == 39


def test_backups_edited_tables_worksheets_and_leftovers_lose_the_item_too(
    run: Run, labeled: StudyFiles
) -> None:
    study = labeled.study
    edited = study / "labels.csv"
    edited.write_text(edited.read_text().replace("comment 3,", "comment 3!,"), encoding="utf-8")
    backup = study / "escalations.before-1.csv"
    backup.write_text(
        f"id;text;variable\ni-16;a;topic\ni-17;{CANARY};topic\ni-17;{CANARY};urgent\n"
    )
    (study / "gold").mkdir()
    worksheet = study / "gold" / "worksheet.csv"
    worksheet.write_text(f"\ufeffid,text,gold_topic\r\ni-17,{CANARY},staff\r\ni-2,b,food\r\n")
    (study / ".report.html.abc.part").write_text(CANARY)
    ended = run("withdraw", study, "--id", "i-17", "--items", labeled.items)
    assert ended.code == 0, ended.err
    assert "the edited table is kept as labels.edited-1.csv" in ended.out
    assert "Removed 2 rows from escalations.before-1.csv" in ended.out
    assert "Removed 1 row from gold/worksheet.csv" in ended.out
    assert backup.read_text(encoding="utf-8") == "id;text;variable\ni-16;a;topic\n"
    assert [row["id"] for row in read_table(worksheet)] == ["i-2"]
    assert len(read_table(study / "labels.edited-1.csv")) == 39
    assert holding(study, CANARY) == holding(study, "i-17") == []


def test_files_that_cannot_be_read_are_named(run: Run, labeled: StudyFiles) -> None:
    for name in ("export.xlsx", "odd.csv"):
        (labeled.study / name).write_bytes(b"\xff\xfe")
    ended = run("withdraw", labeled.study, "--id", "i-17", "--items", labeled.items)
    assert ended.code == 0
    assert "Look into export.xlsx yourself" in ended.out
    assert "Look into odd.csv yourself" in ended.out


def test_a_later_table_that_still_has_the_item_is_read_without_it(
    run: Run, labeled: StudyFiles
) -> None:
    study = labeled.study
    assert run("withdraw", study, "--id", "i-17", "--items", labeled.items).code == 0
    made = labels_made(study)
    labels = (study / "labels.csv").read_bytes()
    ended = label(run, labeled)
    assert ended.code == 0
    assert "1 item was withdrawn from this study and is left out" in ended.err
    assert labels_made(study) == made
    assert (study / "labels.csv").read_bytes() == labels
    for more in (
        ("consensus", study, "--items", labeled.items, "--method", "majority"),
        ("report", study, "--items", labeled.items, "--include-text"),
        ("sample", study, "--items", labeled.items, "--n", 39, "-o", study / "sheet.csv"),
    ):
        assert run(*more).code == 0, more
    assert len(read_table(study / "sheet.csv")) == 39
    assert holding(study, CANARY) == holding(study, "i-17") == []
    assert not list(study.glob("*.before-*"))


def test_a_table_without_the_items_goes_on_and_more_items_can_be_labeled(
    run: Run, labeled: StudyFiles
) -> None:
    study = labeled.study
    with labeled.items.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.reader(stream) if row[0] not in {"i-17", "i-2"}]
    with labeled.items.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    refused = label(run, labeled)
    assert refused.code == 2
    assert "localensemble withdraw" in refused.err
    ids = labeled.folder / "ids.csv"
    ids.write_text("patient\ni-17\ni-2\n")
    assert run("withdraw", study, "--ids", ids, "--items", labeled.items).code == 0
    made = labels_made(study)
    with labeled.items.open("a", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerow(("i-99", "comment 99", "ward 1"))
    assert label(run, labeled).code in (0, 3)
    assert labels_made(study) == made + 6
    assert run("ledger", "verify", study).code == 0


@pytest.mark.parametrize(
    ("list_of_ids", "count"),
    [("i-17\ni-2\n", 2), ("id,why\ni-17,consent\n", 1), ("\ufeffPatient;x\ni-17;1\n", 1)],
)
def test_a_list_of_ids_may_lack_a_header_and_have_other_columns(
    run: Run, labeled: StudyFiles, list_of_ids: str, count: int
) -> None:
    ids = labeled.folder / "ids.csv"
    ids.write_text(list_of_ids, encoding="utf-8")
    named = ("--id-column", "Patient") if "Patient" in list_of_ids else ()
    items = labeled.folder / "renamed.csv"
    items.write_text(
        labeled.items.read_text().replace("id,", "Patient,", 1)
        if named
        else labeled.items.read_text()
    )
    ended = run("withdraw", labeled.study, "--ids", ids, "--items", items, *named)
    assert ended.code == 0, ended.err
    assert f"The study has {40 - count} labeled items left" in ended.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--id", "i-17", "--id", "i-71"), "no item with 1 of the 2 ids given: i-71"),
        ((), "no id is given"),
        (("--ids", "all.csv"), "Cannot withdraw every item"),
        (("--ids", "wide.csv"), "found no column with ids"),
        (("--ids", "texts.csv"), "no item with 2 of the 2 ids given: row 1, row 2"),
    ],
)
def test_a_withdrawal_that_cannot_be_meant_changes_nothing(
    run: Run,
    labeled: StudyFiles,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(labeled.folder)
    Path("all.csv").write_text("id\n" + "".join(f"i-{n}\n" for n in range(40)))
    Path("wide.csv").write_text("a,b\nx,x\nx,x\n")
    Path("texts.csv").write_text(f"text\nI am {CANARY}\nand {CANARY} too\n")
    before = {path: path.read_bytes() for path in labeled.study.glob("*.*")}
    ended = run("withdraw", labeled.study, *arguments, "--items", labeled.items)
    assert ended.code == 2
    assert said in ended.err
    assert CANARY not in ended.err
    assert {path: path.read_bytes() for path in labeled.study.glob("*.*")} == before


def test_the_texts_are_needed_and_must_be_those_of_the_study(run: Run, labeled: StudyFiles) -> None:
    without = run("withdraw", labeled.study, "--id", "i-17")
    assert (without.code, "--items" in without.err) == (2, True)
    labeled.items.write_text(labeled.items.read_text().replace("comment 5", "comment five"))
    other = run("withdraw", labeled.study, "--id", "i-17", "--items", labeled.items)
    assert (other.code, "not the table that was labeled" in other.err) == (2, True)


def test_a_table_without_ids_is_refused_with_the_way_out(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, TEXTS)
    files.items.write_text(
        files.items.read_text().replace("id,text", "nummer,text", 1).replace("i-", "same ")
    )
    files.items.write_text("text,ward\n" + "".join(f"comment {n},x\n" for n in range(30)))
    assert label(run, files).code in (0, 3)
    ended = run("withdraw", files.study, "--id", "row-3", "--items", files.items)
    assert (ended.code, "no id column" in ended.err) == (2, True)


def test_withdrawing_again_finishes_what_was_cut_off_and_changes_nothing_more(
    run: Run, labeled: StudyFiles
) -> None:
    study = labeled.study
    for _ in range(2):
        ended = run("withdraw", study, "--id", "i-17", "--items", labeled.items)
        assert ended.code == 0, ended.err
        assert "39 labeled items left" in ended.out
    with closing(sqlite3.connect(study / "study.sqlite")) as connection:
        assert connection.execute("SELECT count(*) FROM withdrawal").fetchone() == (1,)
    assert run("ledger", "verify", study).code == 0


def test_a_limit_counts_the_labeled_items_that_are_left(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, TEXTS)
    assert label(run, files, "--limit", 20).code in (0, 3)
    ended = run("withdraw", files.study, "--id", "i-17", "--id", "i-30", "--items", files.items)
    assert "The study has 19 labeled items left" in ended.out
    made = labels_made(files.study)
    assert label(run, files, "--limit", 19).code in (0, 3)
    assert labels_made(files.study) == made


def test_control_items_are_forgotten_with_the_item(run: Run, tmp_path: Path) -> None:
    files = study_files(tmp_path, TEXTS)
    control = tmp_path / "control.csv"
    control.write_text("id,gold_topic\ni-17,staff\ni-2,food\n")
    assert label(run, files, "--control", control).code in (0, 3)
    assert run("withdraw", files.study, "--id", "i-17", "--items", files.items).code == 0
    assert holding(files.study, "i-17") == []
    assert run("ledger", "verify", files.study).code == 0


def test_ratings_without_texts_need_no_table_and_a_later_import_with_the_item_is_refused(
    run: Run, tmp_path: Path
) -> None:
    ratings = tmp_path / "ratings.csv"
    rows = [f"p-{n},{'yes' if n % 3 else 'no'},{'yes' if n % 4 else 'no'}" for n in range(30)]
    ratings.write_text("item,anna,ben\n" + "\n".join(rows) + "\n")
    study = tmp_path / "study"
    imported = ("import", ratings, "--level", "nominal", "-o", study)
    assert run(*imported).code == 0
    ended = run("withdraw", study, "--id", "p-8")
    assert ended.code == 0, ended.err
    assert "29 labeled items left" in ended.out
    assert holding(study, "p-8") == []
    assert run("ledger", "verify", study).code == 0
    again = run(*imported)
    assert again.code != 0
    assert "withdrawn 1 of them (p-8)" in again.err
    assert holding(study, "p-8") == []


def test_a_withdrawal_from_2400_items_takes_seconds(run: Run, tmp_path: Path) -> None:
    texts = [f"comment {n}" for n in range(2400)]
    for n in (0, 1200, 2399):
        texts[n] = f"{CANARY} {n}"
    files = study_files(tmp_path, texts)
    assert label(run, files).code in (0, 3)
    made = labels_made(files.study)
    ids = tmp_path / "ids.csv"
    ids.write_text("id\ni-0\ni-1200\ni-2399\n")
    began = time.monotonic()
    ended = run("withdraw", files.study, "--ids", ids, "--items", files.items)
    took = time.monotonic() - began
    assert ended.code == 0, ended.err
    assert took < 20
    assert labels_made(files.study) == made - 3 * 6
    assert run("ledger", "verify", files.study).code == 0
    assert holding(files.study, CANARY) == []
    for one in ("i-1200", "i-2399"):
        assert holding(files.study, one) == []


def test_a_withdrawal_that_is_cut_off_before_the_tables_is_finished_by_the_next(
    run: Run, labeled: StudyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    study = labeled.study
    withdraw = ("withdraw", study, "--id", "i-17", "--items", labeled.items)
    with monkeypatch.context() as patched:
        patched.setattr("localensemble.api.withdrawal.withdraw_items.write_decided", cut_off)
        assert run(*withdraw).code == 130
    assert run("ledger", "verify", study).code == 0
    assert holding(study, CANARY)
    assert run(*withdraw).code == 0
    assert holding(study, CANARY) == holding(study, "i-17") == []
    assert run("ledger", "verify", study).code == 0


def test_a_study_without_a_finished_run_lets_items_go_too(
    run: Run, labeled: StudyFiles, tmp_path: Path
) -> None:
    study = tmp_path / "begun"
    study.mkdir()
    shutil.copy(labeled.study / "study.sqlite", study)

    def forget_how_it_ended(connection: sqlite3.Connection) -> None:
        (last,) = connection.execute("SELECT max(number) FROM event").fetchone()
        connection.execute("DELETE FROM run_end WHERE run_end_key = ?", (last,))
        connection.execute("DELETE FROM event WHERE number = ?", (last,))

    change_behind_triggers(study / "study.sqlite", forget_how_it_ended)
    assert run("withdraw", study, "--id", "i-17").code == 0
    assert holding(study, "i-17") == []
    begun = ("label", labeled.items, "-c", labeled.codebook, "-e", labeled.ensemble, "-o", study)
    assert run(*begun).code in (0, 3)
    assert len(read_table(study / "labels.csv")) == 39


@pytest.mark.parametrize("method", ["majority", "dawid_skene"])
def test_a_certificate_is_named_as_older_or_dropped_where_it_holds_for_these_items_only(
    run: Run, tmp_path: Path, method: str
) -> None:
    files = study_files(tmp_path, [f"comment {n}" for n in range(300)])
    files.ensemble.write_text(SCRIPTED + f"consensus: {{method: {method}}}\n", encoding="utf-8")
    assert label(run, files).code in (0, 3)
    rows = read_table(files.study / "labels.csv")
    gold = tmp_path / "gold.csv"
    gold.write_text(
        "id,gold_topic\n"
        + "".join(f"{row['id']},{row['topic.label'] or 'staff'}\n" for row in rows[:200]),
        encoding="utf-8",
    )
    promise = ("--variable", "topic", "--alpha", "0.3", "--delta", "0.1")
    ended = run("certify", files.study, "--gold", gold, *promise)
    assert ended.code == 0, ended.err
    certificate = files.study / "certificate-topic.json"
    given = ("--items", files.items, "--certificate", certificate)
    ended = run("consensus", files.study, *given)
    assert ended.code == 0, ended.err
    ended = run("withdraw", files.study, "--id", "i-17", "--items", files.items)
    assert ended.code == 0, ended.err
    report = (files.study / "report.html").read_text(encoding="utf-8")
    older = "may include gold labels of withdrawn items"
    if method == "majority":
        assert older in report
    else:
        assert 'drops its certificate for "topic"' in ended.out
        assert older not in report
    assert run("consensus", files.study).code == 0


def gold_table(files: StudyFiles, rows: range) -> Path:
    """Call the second rater right on four of five items."""
    path = files.folder / f"gold-{rows.start}.csv"
    table = read_table(files.study / "labels.csv")
    said = {n: table[n]["topic.rater.second"] if n % 5 else "other" for n in rows}
    lines = [f"i-{n},{category}" for n, category in said.items()]
    path.write_text("\n".join(["id,gold_topic", *lines, ""]), encoding="utf-8")
    return path


def test_gold_labels_that_fitted_something_lose_the_hash_of_the_item(
    run: Run, tmp_path: Path
) -> None:
    files = study_files(tmp_path, [f"comment {n}" for n in range(300)])
    study, items = files.study, ("--items", files.items)
    assert label(run, files).code in (0, 3)
    assert run("consensus", study, "--gold", gold_table(files, range(60)), *items).code == 0
    hashed = sha256_item("i-17", content_sha256=sha256_text("comment 17"))
    assert holding(study, hashed)
    assert run("withdraw", study, "--id", "i-17", *items).code == 0
    assert holding(study, hashed) == []
    kept = sha256_item("i-18", content_sha256=sha256_text("comment 18"))
    assert holding(study, kept)
    assert run("ledger", "verify", study).code == 0
    assert label(run, files).code in (0, 3)


def test_a_calibration_loses_the_item_and_the_certificate_that_rests_on_it_is_dropped(
    run: Run, tmp_path: Path
) -> None:
    files = study_files(tmp_path, [f"comment {n}" for n in range(300)])
    study, items = files.study, ("--items", files.items)
    assert label(run, files).code in (0, 3)
    fitting = ("--gold", gold_table(files, range(60)), "--variable", "topic", "--method")
    assert run("calibrate", study, *fitting, "temperature").code == 0
    calibration = ("--calibration", study / "rater-calibration-topic.json")
    assert run("consensus", study, *items, *calibration).code == 0
    promise = ("--variable", "topic", "--alpha", "0.8", "--delta", "0.2")
    ended = run("certify", study, "--gold", gold_table(files, range(60, 300)), *promise)
    assert ended.code == 0, ended.err
    certificate = ("--certificate", study / "certificate-topic.json")
    assert run("consensus", study, *items, *certificate).code == 0
    hashed = sha256_item("i-17", content_sha256=sha256_text("comment 17"))
    assert "rater-calibration-topic.json" in holding(study, hashed)
    ended = run("withdraw", study, "--id", "i-17", *items)
    assert ended.code == 0, ended.err
    assert 'drops its certificate for "topic"' in ended.out
    assert holding(study, hashed) == []
    assert run("ledger", "verify", study).code == 0
    assert run("consensus", study, *items, *calibration).code == 0


def test_a_calibration_that_was_never_applied_stays_the_studys_own(
    run: Run, tmp_path: Path
) -> None:
    files = study_files(tmp_path, [f"comment {n}" for n in range(80)])
    study, items = files.study, ("--items", files.items)
    assert label(run, files).code in (0, 3)
    gold = ("--gold", gold_table(files, range(60)), "--variable", "topic")
    assert run("calibrate", study, *gold, "--method", "temperature").code == 0
    path = study / "rater-calibration-topic.json"
    before = path.read_bytes()
    assert run("withdraw", study, "--id", "i-17", *items).code == 0
    assert path.read_bytes() != before
    ended = run("consensus", study, *items, "--calibration", path)
    assert ended.code == 0, ended.err
    assert run("ledger", "verify", study).code == 0
    # Edited afterwards, it is refused.
    path.write_bytes(path.read_bytes().replace(b"}", b" }").replace(b"topic", b"other", 1))
    assert run("consensus", study, *items, "--calibration", path).code == 2


def test_a_data_sheet_states_the_items_that_are_left(run: Run, labeled: StudyFiles) -> None:
    sheet = labeled.study / "data-sheet.md"
    assert run("report", labeled.study, "--data-sheet").code == 0
    assert "40 items" in sheet.read_text(encoding="utf-8")
    sheet.write_text(sheet.read_text(encoding="utf-8") + "completed", encoding="utf-8")
    ended = run("withdraw", labeled.study, "--id", "i-17", "--items", labeled.items)
    assert ended.code == 0
    assert "39 items" in sheet.read_text(encoding="utf-8")
    kept = labeled.study / "data-sheet.before-1.md"
    assert kept.read_text(encoding="utf-8").endswith("completed")
    assert "data-sheet.before-1.md" in ended.out + ended.err
    # Without a sheet, none is written.
    sheet.unlink()
    assert run("withdraw", labeled.study, "--id", "i-16", "--items", labeled.items).code == 0
    assert not sheet.exists()
