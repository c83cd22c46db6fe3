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
    ended = label(run, files, "--gold", table, "--id-column", "Patient")
    assert ended.code == 0
    assert "Accuracy against the gold labels" in ended.out
