"""What people did in another program reaches the ledger."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from localensemble.api.codebook import init
from localensemble.api.people.import_decisions import ImportDecisionsOptions, import_decisions
from localensemble.codebook.load import load_codebook
from localensemble.core.errors import TableError
from localensemble.study.study import Study
from tests.exports.formats.conftest import Reviewed

pytestmark = pytest.mark.slow  # whole studies, written and read back


def test_an_unchanged_label_studio_export_records_nothing(reviewed: Reviewed) -> None:
    path = reviewed.export("label-studio", "tasks.json").files[0]
    found = import_decisions(reviewed.study, path, items=reviewed.files.items)
    assert (found.recorded, found.repeated) == (0, 14 - 1)


def test_a_new_annotation_becomes_the_final_label(reviewed: Reviewed) -> None:
    path = reviewed.export("label-studio", "tasks.json").files[0]
    tasks = json.loads(path.read_text(encoding="utf-8"))
    result = {"from_name": "topic", "to_name": "text", "type": "choices"}
    tasks[8]["annotations"] = [
        {
            "completed_by": {"id": 1, "email": "cy@example.org"},
            "updated_at": "2026-03-02T10:00:00Z",
            "result": [result | {"value": {"choices": ["=food"]}}],
        }
    ]
    back = reviewed.folder / "back.json"
    back.write_text(json.dumps(tasks), encoding="utf-8")
    found = import_decisions(reviewed.study, back, items=reviewed.files.items)
    assert (found.recorded, found.reviewers) == (1, ("cy@example.org",))
    topic = reviewed.rows()[8].variables[0]
    assert (topic.label, topic.status, topic.origin) == ("=food", "adjudicated", "person")


def test_a_task_of_another_study_records_nothing_at_all(reviewed: Reviewed) -> None:
    path = reviewed.export("label-studio", "tasks.json").files[0]
    tasks = json.loads(path.read_text(encoding="utf-8"))
    tasks[0]["data"]["id"] = "of another study"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    with pytest.raises(TableError, match="row 1"):
        import_decisions(reviewed.study, path, items=reviewed.files.items)


def test_decisions_entered_in_redcap_become_final_labels(reviewed: Reviewed) -> None:
    path = reviewed.export("redcap", "data.csv").files[0]
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [*csv.DictReader(stream)]
    rows[10] |= {"degree_decision": "much", "problems_sleep_decision": "yes"}
    back = reviewed.folder / "back.csv"
    with back.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    options = ImportDecisionsOptions(reviewer="Dr. Li")
    found = import_decisions(reviewed.study, back, items=reviewed.files.items, options=options)
    assert (found.recorded, found.reviewers) == (2, ("Dr. Li",))
    labels = {one.variable: (one.label, one.origin) for one in reviewed.rows()[10].variables}
    assert labels["degree"] == ("much", "person")
    assert labels["problems.sleep"] == ("yes", "person")


def test_a_qda_codebook_becomes_the_same_variables(reviewed: Reviewed, tmp_path: Path) -> None:
    codes = reviewed.export("refi-qda", "codes.qdc").files[0]
    started = init(reviewed.files.items, folder=tmp_path / "new", codes=codes)
    drafted = load_codebook(started.codebook)
    with Study.open(reviewed.study) as study:
        expected = study.codebook
    assert [
        (one.name, one.level, one.answers, [category.definition for category in one.categories])
        for one in drafted.variables
    ] == [
        (one.name, one.level, one.answers, [category.definition for category in one.categories])
        for one in expected.variables
    ]
    assert [one.question.lower() for one in drafted.variables] == [
        one.question.lower() for one in expected.variables
    ]
