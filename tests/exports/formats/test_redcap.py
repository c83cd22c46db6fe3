"""A study exported to REDCap: data and dictionary agree, and decisions come back."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from localensemble.core.errors import TableError
from localensemble.exports.redcap import DICTIONARY_COLUMNS, layout
from localensemble.exports.returned.returned_file import returned_table
from localensemble.study.study import Study
from tests.exports.formats.conftest import Reviewed


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return [*csv.DictReader(stream)]


def _exported(reviewed: Reviewed) -> tuple[list[dict[str, str]], dict[str, dict[str, str]]]:
    data, dictionary = reviewed.export("redcap", "data.csv").files
    assert dictionary.name == "data.dictionary.csv"
    rows = _read(dictionary)
    assert [*rows[0]] == [*DICTIONARY_COLUMNS]
    return _read(data), {row["Variable / Field Name"]: row for row in rows}


def _choices(field: dict[str, str]) -> dict[str, str]:
    pairs = (one.partition(", ") for one in field[DICTIONARY_COLUMNS[5]].split(" | "))
    return {code: label for code, _, label in pairs}


def test_names_and_codes_are_ones_that_redcap_takes(reviewed: Reviewed) -> None:
    data, fields = _exported(reviewed)
    assert next(iter(fields)) == "record_id"
    assert {one["Field Type"] for one in fields.values()} == {"text", "radio", "checkbox"}
    for name, field in fields.items():
        assert re.fullmatch(r"[a-z](?:_?[a-z0-9])*", name)
        if field["Field Type"] != "text":
            assert all(re.fullmatch(r"[a-z0-9_]+", code) for code in _choices(field))
    columns = {name.partition("___")[0] for name in data[0]}
    assert columns - {"labels_complete"} == set(fields)
    assert {"problems___pain", "problems___sleep"} <= data[0].keys()


def test_the_data_hold_the_final_labels_of_the_ledger(reviewed: Reviewed) -> None:
    data, fields = _exported(reviewed)
    topics = _choices(fields["topic"])
    for cells, row in zip(data, reviewed.rows(), strict=True):
        labels = {one.variable: one for one in row.variables}
        assert cells["record_id"] == row.item.id
        topic = labels["topic"]
        assert topics.get(cells["topic"]) == topic.label
        assert (cells["topic_status"], cells["topic_origin"]) == (topic.status, topic.origin or "")
        for name in ("pain", "sleep"):
            found = {"1": "yes", "0": "no", "": None}[cells[f"problems___{name}"]]
            assert found == labels[f"problems.{name}"].label
        complete = all(one.label is not None for one in row.variables)
        assert cells["labels_complete"] == ("2" if complete else "0")


def test_decisions_that_were_entered_come_back_as_a_table(reviewed: Reviewed) -> None:
    data, _ = _exported(reviewed)
    data[1] |= {"topic_decision": "food", "reviewer": "Dr. Li"}
    data[2] |= {"problems_pain_decision": "yes", "degree_decision": "cannot_decide"}
    path = reviewed.folder / "back.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, data[0])
        writer.writeheader()
        writer.writerows(data)
    with Study.open(reviewed.study) as study:
        table = returned_table(path, codebook=study.codebook)
    assert table is not None
    assert table.columns == ("id", "variable", "decision", "reviewer")
    assert table.values == (
        ("i-1", "topic", "=food", "Dr. Li"),
        ("i-2", "problems.pain", "yes", ""),
        ("i-2", "degree", "<cannot decide>", ""),
    )


@pytest.mark.parametrize(("code", "named"), [("soup", "row 1"), ("", "filled in")])
def test_what_is_no_decision_is_refused_with_its_place(
    reviewed: Reviewed, code: str, named: str
) -> None:
    path = reviewed.folder / "back.csv"
    path.write_text(f"record_id,topic_decision\ni-0,{code}\n", encoding="utf-8")
    with Study.open(reviewed.study) as study, pytest.raises(TableError, match=named):
        returned_table(path, codebook=study.codebook)


def test_names_that_become_alike_are_kept_apart(reviewed: Reviewed) -> None:
    with Study.open(reviewed.study) as study:
        fields = layout(study.codebook)
    names = [name for one in fields.variables for name in (one.status, one.origin, one.decision)]
    assert len(set(names)) == len(names)
    assert fields.variables[0].words["food"] == "=food"
