"""Gold and control labels are checked before anything is labeled; what is left out is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Ended, Run
from tests.studies import SCRIPTED, StudyFiles, study_files

pytestmark = pytest.mark.slow  # labels a study for most tests

RULES = SCRIPTED + "escalation: [{policy: control_missed}]\n"
OPTIONS = ("--gold", "--control")


@pytest.fixture
def files(tmp_path: Path) -> StudyFiles:
    return study_files(tmp_path, [f"comment {n}" for n in range(20)])


def label(run: Run, files: StudyFiles, option: str, table: str, *more: object) -> Ended:
    known = files.folder / "known.csv"
    known.write_text(table, encoding="utf-8")
    if option == "--control":
        files.ensemble.write_text(RULES, encoding="utf-8")
    return run(
        "label",
        files.items,
        *("-c", files.codebook, "-e", files.ensemble, "-o", files.study, option, known, *more),
    )


@pytest.mark.parametrize("option", OPTIONS)
def test_labels_that_cannot_be_used_are_refused_before_anything_is_labeled(
    run: Run, files: StudyFiles, option: str
) -> None:
    ended = label(run, files, option, "id,gold_topic\ni-1,stuff\n")
    assert (ended.code, 'known.csv, row 1, column "gold_topic"' in ended.err) == (2, True)
    assert not files.study.exists()


@pytest.mark.parametrize("option", OPTIONS)
def test_ids_that_no_item_has_are_said_with_their_rows(
    run: Run, files: StudyFiles, option: str
) -> None:
    ended = label(run, files, option, "id,gold_topic\nx-1,staff\ni-2,food\nx-3,food\n")
    assert ended.code == 0
    said = "known.csv: 2 rows (1, 3) have an id that no labeled item has"
    assert said in ended.out + ended.err
    if option == "--gold":
        findings = json.loads((files.study / "findings.json").read_text(encoding="utf-8"))
        assert findings["gold_not_in_study"] == 2
        assert any(said in caution for caution in findings["cautions"])


def test_gold_labels_are_found_by_the_id_column_of_the_items(run: Run, files: StudyFiles) -> None:
    items = files.items.read_text(encoding="utf-8").replace("id,", "Patient,", 1)
    files.items.write_text(items, encoding="utf-8")
    table = "Patient,gold_topic\ni-1,staff\n"
    ended = label(run, files, "--gold", table, "--id-column", "Patient", "--details")
    assert ended.code == 0
    assert "Accuracy against the gold labels" in ended.out


def test_combined_ids_run_from_items_to_worksheet_and_gold(run: Run, files: StudyFiles) -> None:
    rows = "".join(f"{n // 2},visit_{n % 2},comment {n}\n" for n in range(20))
    files.items.write_text(f"record_id,redcap_event_name,text\n{rows}", encoding="utf-8")
    gold = "record_id,redcap_event_name,gold_topic\n0,visit_0,staff\n0,visit_1,food\n"
    ids = ("--id-column", "record_id,redcap_event_name")
    ended = label(run, files, "--gold", gold, *ids)
    assert ended.code == 0, ended.err
    labels = (files.study / "labels.csv").read_text(encoding="utf-8").splitlines()
    assert labels[0].startswith("record_id,redcap_event_name,text,id,")
    assert labels[2].startswith("0,visit_1,comment 1,0|visit_1,")
    known = files.folder / "known.csv"
    assert run("evaluate", files.study, "--gold", known, *ids).code == 0
    sheet = files.folder / "sheet.csv"
    drawn = ("sample", files.study, "--items", files.items, "-o", sheet, "--n", 2, *ids)
    assert run(*drawn).code == 0
    filled = sheet.read_text(encoding="utf-8").replace(",,", ",staff,")
    sheet.write_text(filled, encoding="utf-8")
    shown = ("--include-text", "--items", files.items, "--gold", sheet)
    assert run("report", files.study, *shown, *ids).code == 0


def test_combined_ids_stand_beside_a_column_named_id(run: Run, files: StudyFiles) -> None:
    rows = "".join(f"{n // 2},{n % 2},comment {n}\n" for n in range(20))
    files.items.write_text(f"id,visit,text\n{rows}", encoding="utf-8")
    gold = "item_id,gold_topic\n0|1,staff\n"
    ended = label(run, files, "--gold", gold, "--id-column", "id,visit")
    assert ended.code == 0, ended.err
    for table in ("labels.csv", "escalations.csv"):
        header = (files.study / table).read_text(encoding="utf-8").splitlines()[0]
        assert header.startswith("id,visit,text,item_id,")
