"""Every export has the final label, its status and whose it is, once people have decided."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from localensemble.exports.csv_tables import write_escalations, write_labels
from localensemble.exports.frames import decisions_frame, queue_frame
from localensemble.exports.rows import DecidedStudy
from localensemble.study.study import Study
from localensemble.study.study_items import items_of
from tests.people import decide
from tests.studies import StudyFiles, read_table

pytestmark = pytest.mark.slow  # labels a study


@pytest.fixture
def folder(files: StudyFiles, tmp_path: Path) -> Path:
    return Path(shutil.copytree(files.study, tmp_path / "study"))


def waiting(folder: Path, variable: str) -> tuple[list[int], list[int]]:
    """Return the positions that are escalated, and those that are accepted."""
    with Study.open(folder) as study:
        decided = {one.variable.name: one for one in study.decide()}[variable]
        return decided.escalated.nonzero()[0].tolist(), decided.accepted.nonzero()[0].tolist()


def test_tables_and_frames_tell_what_people_decided(
    files: StudyFiles, folder: Path, tmp_path: Path
) -> None:
    (first, second, third, *_), (settled, other, *_) = waiting(folder, "topic")
    decide(folder, {first: "staff", second: "cannot_decide", settled: "=food"}, variable="topic")
    decide(folder, {third: "staff", other: "staff"}, variable="topic")
    decide(folder, {third: "other", other: "other"}, variable="topic", reviewer="Cleo")
    with Study.open(folder) as study:
        items = items_of(study, files.items, id_column=None, text_column=None)
        decisions = study.decide()
        decided = DecidedStudy.of(study, items=items, decisions=decisions)
        write_labels(decided, path=tmp_path / "labels.csv")
        write_escalations(decided, path=tmp_path / "escalations.csv")
        frame = decisions_frame(study, decisions, "topic")
        queue = queue_frame(study, decisions, "topic")
    rows = read_table(tmp_path / "labels.csv")
    found = {
        place: tuple(rows[place][f"topic.{part}"] for part in ("label", "status", "origin"))
        for place in (first, second, third, settled, other)
    }
    assert found == {
        first: ("staff", "adjudicated", "person"),
        second: ("", "unresolved", ""),
        third: ("", "unresolved", ""),
        settled: ("'=food", "adjudicated", "person"),
        other: ("", "unresolved", ""),
    }
    columns = [*rows[0]]
    assert columns[columns.index("topic.status") + 1] == "topic.origin"
    assert {row["topic.origin"] for row in rows} == {"models", "person", ""}
    assert frame["status"].tolist() == [row["topic.status"] for row in rows]
    assert frame["origin"].fillna("").tolist() == [row["topic.origin"] for row in rows]
    assert pd.isna(frame.loc[second, "label"])
    left = [
        row["id"] for row in read_table(tmp_path / "escalations.csv") if row["variable"] == "topic"
    ]
    ids = [row["id"] for row in rows]
    assert {ids[first], ids[second], ids[settled]}.isdisjoint(left)
    assert {ids[third], ids[other]} <= set(left)
    assert sorted(queue["item"]) == sorted(left)


def test_people_who_differ_are_a_reason_to_look_again(
    files: StudyFiles, folder: Path, tmp_path: Path
) -> None:
    _, (settled, *_) = waiting(folder, "topic")
    decide(folder, {settled: "staff"}, variable="topic")
    decide(folder, {settled: "other"}, variable="topic", reviewer="Cleo")
    path = tmp_path / "escalations.csv"
    with Study.open(folder) as study:
        items = items_of(study, files.items, id_column=None, text_column=None)
        write_escalations(DecidedStudy.of(study, items=items, decisions=study.decide()), path=path)
    (row,) = [row for row in read_table(path) if row["reason_codes"].startswith("people_differ")]
    assert (row["variable"], row["reasons"]) == ("topic", "people differ")
    decide(folder, {settled: "other"}, variable="topic", reviewer="Dan", role="adjudication")
    with Study.open(folder) as study:
        write_escalations(DecidedStudy.of(study, items=items, decisions=study.decide()), path=path)
    assert not [row for row in read_table(path) if "people_differ" in row["reason_codes"]]


def test_the_labels_of_a_table_of_ratings_are_of_raters(rated: Study) -> None:
    frame = decisions_frame(rated, rated.decide())
    assert set(frame["origin"].dropna()) == {"raters"}
