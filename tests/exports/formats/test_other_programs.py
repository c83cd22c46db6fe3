"""Exports to doccano, Argilla and QDA programs, and tables to compute agreement from."""

from __future__ import annotations

import csv
import json
import re
import uuid
from pathlib import Path
from xml.etree import ElementTree

import pytest

from localensemble.codebook.refi_qda import NAMESPACE, CodeCategory, read_qdc
from localensemble.core.errors import CodebookError
from localensemble.exports.argilla import reviewer_id
from tests.exports.formats.conftest import ITEMS, Reviewed

pytestmark = pytest.mark.slow  # labels a study


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return [*csv.DictReader(stream)]


def test_doccano_has_one_line_an_item_with_a_list_of_labels(reviewed: Reviewed) -> None:
    path = reviewed.export("doccano", include_text=True).files[0]
    found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for one, row in zip(found, reviewed.rows(), strict=True):
        assert (one["id"], one["text"]) == (row.item.id, row.item.text)
        labels = {cell.variable: cell.label for cell in row.variables}
        expected = [
            name if "." in name else f"{name}: {label}"
            for name, label in labels.items()
            if label is not None and ("." not in name or label == "yes")
        ]
        assert one["label"] == expected
        assert one["topic.origin"] == row.variables[0].origin
    assert found[0]["topic.person.Cleo"] == "staff"


def test_argilla_has_suggestions_and_responses_that_fit_the_settings(reviewed: Reviewed) -> None:
    path, beside = reviewed.export("argilla", "out.json", include_text=True).files
    records = json.loads(path.read_text(encoding="utf-8"))
    settings = json.loads(beside.read_text(encoding="utf-8"))
    allowed = {
        one["name"]: {option["value"] for option in one["settings"]["options"]}
        for one in settings["questions"]
    }
    assert [one["name"] for one in settings["fields"]] == ["text"]
    for record, row in zip(records, reviewed.rows(), strict=True):
        assert record["id"] == row.item.id
        assert record["fields"] == {"text": row.item.text}
        topic = row.variables[0]
        suggestion = record["suggestions"].get("topic", {"value": None, "score": None})
        assert suggestion["value"] == topic.leading_category
        assert suggestion["score"] == topic.mean_probability
        assert record["metadata"].get("topic.origin") == topic.origin
        for name, given in record["suggestions"].items():
            values = given["value"] if isinstance(given["value"], list) else [given["value"]]
            assert set(values) <= allowed[name]
    assert records[0]["responses"] == {
        "topic": [{"value": "staff", "user_id": reviewer_id(who)} for who in ("AB", "Cleo")],
        "problems": [{"value": ["pain"], "user_id": reviewer_id("AB")}],
    }
    assert uuid.UUID(reviewer_id("AB")) != uuid.UUID(reviewer_id("Cleo"))


def test_a_codebook_for_qda_programs_follows_the_schema(reviewed: Reviewed) -> None:
    path = reviewed.export("refi-qda", "codebook.qdc").files[0]
    book = ElementTree.parse(path).getroot()
    assert book.tag == f"{{{NAMESPACE}}}CodeBook"
    assert [part.tag for part in book] == [f"{{{NAMESPACE}}}Codes"]
    codes = [*book.iter(f"{{{NAMESPACE}}}Code")]
    guid = re.compile(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}")
    assert all(guid.fullmatch(code.get("guid", "")) for code in codes)
    assert len({code.get("guid") for code in codes}) == len(codes)
    for code in codes:
        assert set(code.keys()) == {"guid", "name", "isCodable"}
        kinds = [part.tag.rpartition("}")[2] for part in code]
        assert kinds == sorted(kinds, key=["Description", "NoteRef", "Code"].index)
    assert path.read_bytes() == reviewed.export("refi-qda", "again.qdc").files[0].read_bytes()


def test_a_codebook_that_was_exported_is_read_back(reviewed: Reviewed) -> None:
    found = {one.name: one for one in read_qdc(reviewed.export("refi-qda", "a.qdc").files[0])}
    assert [*found] == ["topic", "urgent", "problems", "degree"]
    assert [one.level for one in found.values()] == ["nominal", "binary", "multi_label", "ordinal"]
    assert found["problems"].question == "Does the text report {category}?"
    assert found["problems"].categories == (
        CodeCategory("pain", "Any pain."),
        CodeCategory("sleep", "Trouble with sleep."),
    )
    assert [one.name for one in found["topic"].categories] == ["staff", "=food", "other"]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("<CodeBook>", "well-formed"),
        ("<Project/>", "Project"),
        (f'<CodeBook xmlns="{NAMESPACE}"><Codes/></CodeBook>', "no code"),
        ('<!DOCTYPE x [<!ENTITY a "aaaa">]><CodeBook>&a;</CodeBook>', "document type"),
        ('<CodeBook><Codes><Code guid="1"/></Codes></CodeBook>', "no name"),
    ],
)
def test_another_file_is_refused_as_a_codebook(tmp_path: Path, content: str, named: str) -> None:
    path = tmp_path / "x.qdc"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CodebookError, match=named):
        read_qdc(path)


def test_codes_of_other_programs_become_variables(tmp_path: Path) -> None:
    path = tmp_path / "themes.qdc"
    path.write_text(
        '<?xml version="1.0"?><CodeBook xmlns="urn:QDA-XML:codebook:1.0" origin="ATLAS.ti">'
        '<Codes><Code guid="A" name="Care" isCodable="true">'
        '<Code guid="B" name="Nurses" isCodable="true"><Description>About nurses.</Description>'
        '<Code guid="C" name="Night shift" isCodable="true"/></Code></Code>'
        '<Code guid="D" name="Parking" isCodable="true" color="#FF0000"/></Codes>'
        '<Sets><Set guid="E" name="s"><MemberCode guid="B"/></Set></Sets></CodeBook>',
        encoding="utf-8",
    )
    care, alone = read_qdc(path)
    assert (care.name, [one.name for one in care.categories]) == ("Care", ["Nurses", "Night shift"])
    assert care.categories[0].definition == "About nurses."
    assert (alone.name, alone.level) == ("themes", "multi_label")
    assert alone.categories == (CodeCategory("Parking", ""),)


def test_agreement_tables_hold_every_label_and_count_pairs(reviewed: Reviewed) -> None:
    files = reviewed.export("agreement", "agreement").files
    assert [path.name for path in files] == ["items.csv", "pairs.csv", "raw.csv"]
    items, pairs, raw = map(_read, files)
    rows = reviewed.rows()
    assert len(items) == ITEMS * 5
    words = {(one["id"], one["variable"]): one for one in items}
    for row in rows:
        for cell in row.variables:
            found = words[str(row.item.id), cell.variable]
            assert found["status"] == cell.status
            assert found["origin"] == (cell.origin or "")
            for label in cell.raters:
                assert found[f"rater.{label.rater}"] in (label.word, f"'{label.word}")
    first = next(
        one
        for one in pairs
        if (one["variable"], one["rater"], one["other_rater"]) == ("topic", "first", "second")
    )
    agreed = sum(row.variables[0].raters[0].word == row.variables[0].raters[1].word for row in rows)
    assert (first["items"], first["agreed"]) == (str(ITEMS), str(agreed))
    assert float(first["observed_agreement"]) == pytest.approx(agreed / ITEMS, abs=1e-6)
    people = next(one for one in pairs if (one["rater"], one["other_rater"]) == ("AB", "Cleo"))
    assert (people["items"], people["agreed"], people["origin"]) == ("2", "1", "person")
    by_people = [one for one in raw if one["origin"] == "person"]
    assert len(raw) - len(by_people) == ITEMS * 5 * 3
    assert len(by_people) == 13
    assert "note" not in raw[0]
