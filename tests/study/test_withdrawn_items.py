"""Withdrawn items stay out of later tables, of settings, and of every file in the folder."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from localensemble.consensus.rules import DecisionRules
from localensemble.core.errors import InputError, TableError
from localensemble.core.labels import ItemId
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.study.folder import StudyFolder
from localensemble.study.folder_files.kept_tables import clear_of_items
from localensemble.study.given_files import GivenFiles, write_made_file
from localensemble.study.study import Study
from localensemble.study.withdrawn_items import (
    clear_calibrations,
    made_before_withdrawal,
    redacted,
    used_items_of,
    without_withdrawn,
)
from localensemble.tables.item_file import ItemFile
from tests.study.certificates import certificate
from tests.study.ratings import MAJORITY, record, wide, write_rows


def withdraw(folder: StudyFolder, *ids: str) -> None:
    with Ledger.open(folder.ledger, create=False) as ledger:
        ledger.withdraw(list(map(ItemId, ids)), redact=redacted)


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return record(wide(tmp_path, "xx", "xy", "yy"), tmp_path / "s")


def table(folder: Path, *ids: str) -> Path:
    return write_rows(folder / "t.csv", [("id", "text"), *((one, f"text {one}") for one in ids)])


def test_a_table_is_read_without_the_withdrawn_items_and_the_user_is_told(
    folder: StudyFolder, tmp_path: Path
) -> None:
    whole = ItemFile.open(table(tmp_path, "1", "2", "3"))
    assert without_withdrawn(whole, StudyFolder(tmp_path / "none")) is whole
    assert without_withdrawn(whole, folder) is whole
    withdraw(folder, "2")
    left = without_withdrawn(whole, folder)
    shorter = ItemFile.open(table(tmp_path / "s", "1", "3"))
    assert (left.sha256, left.item_count) == (shorter.sha256, 2)
    assert [row.item.position for block in left.blocks(5) for row in block] == [0, 1]
    assert "1 item was withdrawn" in left.messages[-1]
    withdraw(folder, "3")
    assert "2 items were withdrawn" in without_withdrawn(whole, folder).messages[-1]
    others = ItemFile.open(table(tmp_path, "1", "4"))
    assert without_withdrawn(others, folder) is others


def test_items_that_are_known_by_their_row_cannot_leave(tmp_path: Path) -> None:
    numbered = ItemFile.open(write_rows(tmp_path / "t.csv", [("text",), ("a b",), ("c d",)]))
    assert numbered.without(()) is numbered
    with pytest.raises(TableError, match="no id column"):
        numbered.without(("row-1",))


def test_settings_of_every_version_lose_the_names_and_nothing_else() -> None:
    settings = {
        "raters": ["i-1"],
        "control": {"topic": {"i-1": "staff", "i-2": "food"}},
        "golden": {"topic": {"i-1": "staff"}},
        "shots": {"ids": ["i-1", "i-9"], "seed": 0},
        "trained_on": ["aa", "bb"],
        "suspected_texts": {"aa": ["turn_mark"], "bb": ["instruction"]},
        "rules": {"pools": [{"used_items": ["aa", "bb"], "date": "d"}], "consensus": "m"},
    }
    assert redacted(settings, ["i-1", "aa"]) == {
        "raters": ["i-1"],
        "control": {"topic": {"i-2": "food"}},
        "golden": {"topic": {}},
        "shots": {"ids": ["i-9"], "seed": 0},
        "trained_on": ["bb"],
        "suspected_texts": {"bb": ["instruction"]},
        "rules": {"pools": [{"used_items": ["withdrawn", "bb"], "date": "d"}], "consensus": "m"},
    }
    assert redacted({"limit": None, "control": None}, ["i-1"]) == {"limit": None, "control": None}


def test_calibration_files_lose_the_hashes_of_withdrawn_items(folder: StudyFolder) -> None:
    with LedgerReader.open(folder.ledger) as reader:
        (gone,) = used_items_of(reader, [ItemId("1")])
        (kept,) = used_items_of(reader, [ItemId("2")])
    held = folder.rater_calibration("v")
    other = folder.rater_calibration("w")
    held.write_text(f'{{"used_items": ["{gone}", "{kept}"]}}', encoding="utf-8")
    other.write_text(f'{{"used_items": ["{kept}"]}}', encoding="utf-8")
    with Ledger.open(folder.ledger, create=False) as ledger:
        clear_calibrations(folder, {gone}, ledger=ledger)
    assert held.read_text(encoding="utf-8") == f'{{"used_items": ["withdrawn", "{kept}"]}}'
    assert other.read_text(encoding="utf-8") == f'{{"used_items": ["{kept}"]}}'


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_calibrations_of_a_study_within_and_pipes_are_left_alone(folder: StudyFolder) -> None:
    with LedgerReader.open(folder.ledger) as reader:
        (gone,) = used_items_of(reader, [ItemId("1")])
    within = StudyFolder(folder.path / "other" / "study")
    within.make()
    within.ledger.touch()
    backup = StudyFolder(folder.path / "backup")
    backup.make()
    for one in (within, backup):
        one.rater_calibration("v").write_text(gone, encoding="utf-8")
    os.mkfifo(folder.path / "rater-calibration-pipe.json")
    with Ledger.open(folder.ledger, create=False) as ledger:
        (said,) = clear_calibrations(folder, {gone}, ledger=ledger)
    assert "rater-calibration-pipe.json was not read (it is a pipe" in said
    assert within.rater_calibration("v").read_text(encoding="utf-8") == gone
    assert backup.rater_calibration("v").read_text(encoding="utf-8") == "withdrawn"


def test_a_calibration_of_the_study_stays_on_record_without_its_withdrawn_items(
    folder: StudyFolder,
) -> None:
    with LedgerReader.open(folder.ledger) as reader:
        (gone,) = used_items_of(reader, [ItemId("1")])
    held = folder.rater_calibration("v")
    values = {"variable": "v", "used_items": [gone]}
    write_made_file(values, kind="calibration", path=held, folder=folder)
    no_json = folder.rater_calibration("w")
    no_json.write_text(f"{gone} and nothing else", encoding="utf-8")
    with Ledger.open(folder.ledger, create=False) as ledger:
        clear_calibrations(folder, {gone}, ledger=ledger)
    files = GivenFiles.of_folder(folder, foreign_stated=False)
    assert files.read(held, kind="calibration").values["used_items"] == ["withdrawn"]
    assert no_json.read_text(encoding="utf-8") == "withdrawn and nothing else"


def test_a_folder_without_a_ledger_has_no_file_on_record(
    folder: StudyFolder, tmp_path: Path
) -> None:
    held = folder.rater_calibration("v")
    write_made_file({"variable": "v"}, kind="calibration", path=held, folder=folder)
    elsewhere = GivenFiles.of_folder(StudyFolder(tmp_path / "none"), foreign_stated=False)
    with pytest.raises(InputError, match="no record of this calibration"):
        elsewhere.read(held, kind="calibration")


def test_a_certificate_from_before_a_withdrawal_is_named(folder: StudyFolder) -> None:
    rules = MAJORITY.with_certificates([certificate({}, variable="v")])

    def said(now: DecisionRules) -> tuple[str, ...]:
        with LedgerReader.open(folder.ledger) as reader:
            return made_before_withdrawal(reader, now)

    assert said(rules) == ()
    withdraw(folder, "1")
    # The run before the withdrawal had no certificate, so this one is newer.
    assert said(rules) == ()
    with Study.open(folder.path) as study:
        settings, summary = study.run.settings, study.run.summary
    with Ledger.open(folder.ledger, create=False) as ledger:
        run = ledger.start_run(replace(settings, rules=rules).as_json())
        ledger.finish_run(run, status="finished", summary=summary.as_json())
    assert said(rules) == ()
    withdraw(folder, "2")
    (sentence,) = said(rules)
    assert 'certificate for "v"' in sentence
    assert "2 items were withdrawn" in sentence
    assert said(MAJORITY) == ()
    with Study.open(folder.path) as study:
        assert study.cautions == (sentence,)


def test_tables_with_the_ids_of_the_study_lose_the_rows_and_others_are_named(
    tmp_path: Path,
) -> None:
    folder = StudyFolder(tmp_path)
    spared = write_rows(tmp_path / "items.csv", [("id", "text"), ("a", "one")])
    (tmp_path / "study.sqlite-wal").write_text("a")
    (tmp_path / "more").mkdir()
    write_rows(tmp_path / "more" / "t.csv", [("key", "id"), ("a", "x"), ("b", "a"), ("a", "y")])
    write_rows(tmp_path / "without.csv", [("key", "text"), ("b", "two")])
    write_rows(tmp_path / "untouched.csv", [("id", "text"), ("b", "two")])
    (tmp_path / "by-id.tsv").write_text("\ufeffid\ttext\na\tone\nb\ttwo\n", encoding="utf-8")
    (tmp_path / "no-ids.csv").write_text("p,q\n1,1\n1,1\n")
    (tmp_path / "damaged.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "findings.json").write_text("{}")
    (tmp_path / "study.sqlite.copy").write_text("a")
    (tmp_path / "export.xlsx").write_bytes(b"PK")
    (tmp_path / ".labels.csv.x1.part").write_text("a")
    messages = clear_of_items(folder, gone={"a"}, id_columns=("key",), spared=(spared,))
    assert (tmp_path / "more" / "t.csv").read_text() == "key,id\nb,a\n"
    assert (tmp_path / "by-id.tsv").read_bytes() == b"\xef\xbb\xbfid\ttext\na\tone\nb\ttwo\n"
    assert spared.read_text().count("one") == 1
    assert not (tmp_path / ".labels.csv.x1.part").exists()
    assert [message.split(":")[0] for message in messages] == [
        "Look into by-id.tsv yourself",
        "Look into damaged.csv yourself",
        "Look into export.xlsx yourself",
        "Removed 2 rows from more/t.csv.",
        "Look into no-ids.csv yourself",
        "Look into study.sqlite.copy yourself",
        "Look into untouched.csv yourself",
    ]
