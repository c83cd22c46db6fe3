"""Annotations of Label Studio come back as a table of decisions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from localensemble.core.errors import TableError
from localensemble.exports.returned.returned_file import returned_table
from localensemble.study.study import Study
from localensemble.tables.delimited import HeldTable
from tests.exports.formats.conftest import DECIDED, SECRET, Reviewed

WORDS = {"cannot_decide": "<cannot decide>", "codebook_unclear": "<codebook unclear>"}


def _returned(reviewed: Reviewed, tasks: object) -> HeldTable:
    path = reviewed.folder / "back.json"
    path.write_text(json.dumps(tasks), encoding="utf-8")
    with Study.open(reviewed.study) as study:
        table = returned_table(path, codebook=study.codebook)
    assert table is not None
    return table


def _tasks(reviewed: Reviewed) -> list[dict[str, Any]]:
    path = reviewed.export("label-studio", "tasks.json").files[0]
    tasks: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return tasks


def test_an_export_comes_back_as_what_the_ledger_holds(reviewed: Reviewed) -> None:
    table = _returned(reviewed, _tasks(reviewed))
    found = {(row[0], row[1], row[3], row[4]): row[2] for row in table.values}
    recorded = {
        (f"i-{position}", variable, reviewer, "review"): WORDS.get(answer, answer)
        for variable, people in DECIDED.items()
        for reviewer, answers in people.items()
        for position, answer in answers.items()
    }
    assert found == recorded | {("i-3", "topic", "Dr. Li", "adjudication"): "other"}


def test_changed_choices_count_and_new_annotators_are_named(reviewed: Reviewed) -> None:
    tasks = _tasks(reviewed)
    for result in tasks[0]["annotations"][0]["result"]:
        if result["from_name"] == "problems":
            result["value"]["choices"] = ["sleep"]
    fresh = {"from_name": "problems", "to_name": "text", "type": "choices"}
    tasks[9]["annotations"] = [
        {
            "completed_by": {"id": 7, "email": "cy@example.org"},
            "updated_at": "2026-03-02T10:00:00Z",
            "result": [fresh | {"value": {"choices": ["<none>"]}}],
        },
        {"completed_by": 8, "was_cancelled": True, "result": []},
    ]
    rows = _returned(reviewed, tasks).values
    assert {row[1]: row[2] for row in rows if row[0] == "i-0" and row[3] == "AB"} == {
        "topic": "staff",
        "problems.pain": "no",
        "problems.sleep": "yes",
    }
    assert [row for row in rows if row[0] == "i-9"] == [
        ("i-9", f"problems.{name}", "no", "cy@example.org", "review", "2026-03-02T10:00:00Z")
        for name in ("pain", "sleep")
    ]


@pytest.mark.parametrize(
    ("tasks", "named"),
    [
        ({"id": 1}, "not a list"),
        ([{"data": {"text": SECRET}}], "task 1"),
        ([{"data": {"id": "i-0"}, "annotations": []}], "no annotation"),
    ],
)
def test_another_file_is_refused_without_its_text(
    reviewed: Reviewed, tasks: object, named: str
) -> None:
    with pytest.raises(TableError, match=named) as refused:
        _returned(reviewed, tasks)
    assert SECRET not in str(refused.value)


def test_any_other_table_is_left_to_others(reviewed: Reviewed, tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    path.write_text("id,variable,decision\ni-0,topic,staff\n", encoding="utf-8")
    with Study.open(reviewed.study) as study:
        assert returned_table(path, codebook=study.codebook) is None
        assert returned_table(tmp_path / "absent.csv", codebook=study.codebook) is None
