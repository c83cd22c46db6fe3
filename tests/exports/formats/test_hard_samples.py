"""Hard samples: what people or an adjudicator settled, ready to train a student on."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.api.export_formats.export_study import export_study
from localensemble.api.label import LabelOptions, label
from localensemble.core.errors import InputError
from tests.exports.formats.conftest import Reviewed
from tests.studies import SCRIPTED, StudyFiles, read_table, study_files

pytestmark = pytest.mark.slow  # labels whole studies


def test_what_people_settled_is_exported_and_nothing_else(reviewed: Reviewed) -> None:
    written = reviewed.export("hard-samples", "hard.csv")
    rows = {row["id"]: row for row in read_table(written.files[0])}
    assert (written.item_count, written.open_count) == (len(rows), 0)
    assert 0 < written.item_count < len(reviewed.rows())
    final = {
        (str(row.item.id), one.variable): one.label
        for row in reviewed.rows()
        for one in row.variables
        if one.origin == "person"
    }
    found = {
        (item, name): row[name].removeprefix("'")
        for item, row in rows.items()
        for name in ("topic", "urgent", "problems.pain", "problems.sleep", "degree")
        if row[name]
    }
    assert found == final
    assert {row["topic.reviewed_by"] for row in rows.values() if row["topic"]} == {"person"}


def test_a_study_without_reviewed_labels_has_no_hard_samples(
    labeled_files: StudyFiles, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no label of the study was reviewed"):
        export_study(labeled_files.study, format="hard-samples", output=tmp_path / "x")


def test_what_an_adjudicator_settled_is_exported_with_its_name(tmp_path: Path) -> None:
    ensemble = SCRIPTED.replace("{model: third,", "{model: third, name: judge, role: adjudicator,")
    files = study_files(tmp_path, [f"comment {n}" for n in range(40)], ensemble=ensemble)
    options = LabelOptions(ensemble=files.ensemble)
    label(files.items, codebook=files.codebook, study=files.study, options=options)
    export_study(
        files.study,
        format="hard-samples",
        output=tmp_path / "hard.csv",
        items=files.items,
        include_text=True,
    )
    labels = {row["id"]: row for row in read_table(files.study / "labels.csv")}
    disputed = {
        item: row["topic.rater.judge"]
        for item, row in labels.items()
        if row["topic.rater.first"] != row["topic.rater.second"] and row["topic.label"]
    }
    rows = read_table(tmp_path / "hard.csv")
    assert {row["id"]: row["topic"] for row in rows if row["topic"]} == disputed
    assert {row["topic.reviewed_by"] for row in rows if row["topic"]} == {"judge"}
    assert all(row["text"] == labels[row["id"]]["text"] for row in rows)
