"""Promises about labels of a table that people are compared with."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from localensemble.core.errors import TableError
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.records import ReferenceRole
from localensemble.ledger.verify import verify
from localensemble.study.folder import StudyFolder
from localensemble.study.people.reference_labels import (
    RecordedLabels,
    record_reference_labels,
    reference_categories,
)
from localensemble.study.study import Study


@pytest.fixture
def study(of_models: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(of_models, tmp_path / "study"))


def table(folder: Path, name: str, *rows: str, column: str = "topic") -> Path:
    path = folder / name
    path.write_text("\n".join([f"id,{column}", *rows]) + "\n", encoding="utf-8")
    return path


def record(study: Path, source: Path, *, role: ReferenceRole = "known") -> RecordedLabels:
    with (
        Ledger.open(StudyFolder.of(study).ledger, create=False) as ledger,
        Study.open(study) as opened,
    ):
        return record_reference_labels(ledger, opened, source, role=role)


def recorded(study: Path, *, role: ReferenceRole = "known") -> dict[int, int]:
    with Study.open(study) as opened:
        categories = reference_categories(opened.recorded, role=role)["topic"]
    return {int(one): int(categories[one]) for one in np.flatnonzero(categories >= 0)}


def test_known_categories_and_existing_labels_are_recorded_apart(
    study: Path, tmp_path: Path
) -> None:
    gold = table(tmp_path, "gold.csv", "i-3,food", "i-5,other", column="gold_topic")
    earlier = table(tmp_path, "earlier.csv", "i-3,staff")

    assert record(study, gold).labels == 2
    assert record(study, earlier, role="existing").labels == 1

    assert recorded(study) == {3: 1, 5: 2}
    assert recorded(study, role="existing") == {3: 0}
    assert verify(StudyFolder.of(study).ledger).ok


def test_recording_a_table_again_records_only_what_changed(study: Path, tmp_path: Path) -> None:
    record(study, table(tmp_path, "gold.csv", "i-3,food", "i-5,other"))

    again = record(study, table(tmp_path, "gold.csv", "i-3,food", "i-5,other"))
    corrected = record(study, table(tmp_path, "gold.csv", "i-3,food", "i-5,staff"))

    assert (again.labels, corrected.labels) == (0, 1)
    assert recorded(study) == {3: 1, 5: 0}


def test_labels_of_a_table_decide_on_no_item(study: Path, tmp_path: Path) -> None:
    with Study.open(study) as opened:
        before = opened.final_labels(opened.decide())[0]
    record(study, table(tmp_path, "gold.csv", *(f"i-{n},food" for n in range(90))))
    with Study.open(study) as opened:
        after = opened.final_labels(opened.decide())[0]

    assert after.categories.tolist() == before.categories.tolist()
    assert not after.reviewed.any()


def test_rows_of_other_items_are_left_out_and_counted(study: Path, tmp_path: Path) -> None:
    found = record(study, table(tmp_path, "gold.csv", "i-3,food", "x-1,food"))

    assert found.labels == 1
    assert any("1 rows" in message for message in found.messages)


def test_a_table_without_such_labels_is_refused_by_its_purpose(study: Path, tmp_path: Path) -> None:
    empty = table(tmp_path, "earlier.csv", "i-3,")

    with pytest.raises(TableError, match="no existing labels"):
        record(study, empty, role="existing")
