"""Everything that is recorded about one item is listed, and no text of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from localensemble.core.labels import ItemId
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.read_item import ItemEvent
from tests.ledger.studies import BEFORE_0002, Study


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    study = Study(tmp_path_factory.mktemp("study") / "study.sqlite", item_count=12)
    study.finish()
    study.decide()
    return study


def history(path: Path, item: str) -> tuple[ItemEvent, ...]:
    with LedgerReader.open(path) as reader:
        return reader.item_history(ItemId(item))


def test_labels_and_decisions_of_an_item_are_listed_in_order(study: Study) -> None:
    found = history(study.path, "item-3")
    assert [one.number for one in found] == sorted(one.number for one in found)
    assert (found[0].what, found[0].answer) == ("registered", "row 4")
    labels = [one for one in found if one.what == "label"]
    assert {(one.variable, one.by) for one in labels} == {
        (variable, rater) for variable in ("theme", "tone") for rater in ("first", "second")
    }
    assert {one.answer for one in labels} <= {"staff", "access", "other", "bad", "good"}
    decided = [one for one in found if one.what in {"review", "adjudication", "control"}]
    assert {one.by for one in decided} >= {"AB"}
    (passages,) = [one for one in history(study.path, "item-4") if one.what == "passages"]
    assert (passages.variable, passages.by, passages.answer) == ("theme", "first", "2")
    assert all(one.recorded_at.endswith("+00:00") for one in found)


def test_a_label_without_a_category_has_its_status(study: Study) -> None:
    answers = {one.answer for one in history(study.path, "item-6") if one.what == "label"}
    assert "failed" in answers


def test_an_unknown_item_has_no_history_and_an_older_ledger_has_one(study: Study) -> None:
    assert history(study.path, "item-99") == ()
    with LedgerReader.open(BEFORE_0002 / "study.sqlite") as reader:
        (newest,) = reader.item_sets()[-1:]
        (known,) = reader.item_ids(newest.key, start=0, stop=1)
        assert {one.what for one in reader.item_history(known)} == {"registered", "label"}


def test_of_a_withdrawn_item_only_the_withdrawal_is_left(tmp_path: Path) -> None:
    study = Study(tmp_path / "study.sqlite", item_count=4)
    study.finish()
    study.withdraw("item-2")
    study.withdraw("item-1")
    assert [one.what for one in history(study.path, "item-2")] == ["withdrawn"]
    assert "withdrawn" not in {one.what for one in history(study.path, "item-3")}
