"""A study that an earlier version made opens, reports the same numbers and goes on."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from localensemble.ledger.ledger import Ledger
from tests.cli.conftest import Run
from tests.ledger.studies import BEFORE_0002
from tests.studies import StudyFiles, read_table, recorded

pytestmark = pytest.mark.slow  # labels studies in processes of their own


@pytest.fixture
def older(tmp_path: Path) -> StudyFiles:
    """The files of a study made before migration 0002; eight of its twelve items are labeled."""
    files = StudyFiles(Path(shutil.copytree(BEFORE_0002, tmp_path / "older")))
    files.study.mkdir()
    (files.folder / "study.sqlite").rename(files.study / "study.sqlite")
    return files


def is_migrated(files: StudyFiles) -> bool:
    with closing(sqlite3.connect(files.study / "study.sqlite")) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(item)")]
    return "content_sha256" in columns


def findings(run: Run, files: StudyFiles) -> dict[str, Any]:
    """Every finding but the hash of the last event, which a migration is."""
    assert run("report", files.study).code == 0
    found: dict[str, Any] = json.loads((files.study / "findings.json").read_text(encoding="utf-8"))
    del found["record"]["ledger_head_sha256"]
    return found


def label(run: Run, files: StudyFiles, *more: object) -> int:
    command = ("label", files.items, "-c", files.codebook, "-e", files.ensemble)
    return run(*command, "-o", files.study, *more).code


def test_reading_an_older_study_leaves_its_ledger_as_it_is(run: Run, older: StudyFiles) -> None:
    before = (older.study / "study.sqlite").read_bytes()
    for command in ("agree", "report", "consensus"):
        assert run(command, older.study).code == 0
    for command in ("verify", "history"):
        assert run("ledger", command, older.study).code == 0
    assert (older.study / "study.sqlite").read_bytes() == before


def test_findings_are_the_same_before_and_after_a_study_is_migrated(
    run: Run, older: StudyFiles
) -> None:
    before, labels = findings(run, older), recorded(older.study)
    assert not is_migrated(older)
    Ledger.open(older.study / "study.sqlite", create=False).close()
    assert is_migrated(older)
    assert run("ledger", "verify", older.study).code == 0
    assert findings(run, older) == before
    assert recorded(older.study) == labels


def test_labeling_goes_on_with_an_older_study(run: Run, older: StudyFiles) -> None:
    labels = recorded(older.study)
    assert label(run, older) == 0
    assert run("ledger", "verify", older.study).code == 0
    assert len(read_table(older.study / "labels.csv")) == 12
    assert set(labels) < set(recorded(older.study))


def test_other_rules_are_recorded_in_an_older_study(run: Run, older: StudyFiles) -> None:
    ended = run("consensus", older.study, "--method", "dawid_skene", "--items", older.items)
    assert ended.code == 0
    assert is_migrated(older)
    assert run("ledger", "verify", older.study).code == 0
