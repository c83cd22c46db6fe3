"""Promises about passages: places in texts, recorded once for a method, never their words."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from localensemble.core.errors import LedgerError
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import AskedForPassages, ItemPassages, Passage
from localensemble.ledger.verify import verify
from tests.ledger.studies import Study, items, passages, register
from tests.studies import change_behind_triggers


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study(tmp_path / "study.sqlite")


def test_passages_read_as_they_were_written_and_nothing_found_is_a_record(study: Study) -> None:
    asked = study.asked()
    study.ledger.append_passages(passages(8), asked=asked, seconds=1.5)
    study.ledger.append_passages(passages(10, start=8), asked=asked)
    assert study.reader.passages(asked) == passages(10)
    assert study.reader.passages(asked, start=2, stop=4) == passages(4, start=2)
    assert study.reader.seconds_for_passages(asked) == 1.5
    assert study.reader.asked_for_passages(study.item_set) == (asked,)
    assert verify(study.path).counts["item_passages"] == 10


def test_a_rater_is_asked_once_with_one_method_and_again_with_another(study: Study) -> None:
    first, second = study.asked(), study.asked(embedder="other")
    study.ledger.append_passages(passages(4), asked=first)
    with pytest.raises(LedgerError, match="has them already"):
        study.ledger.append_passages(passages(5, start=3), asked=first)
    study.ledger.append_passages({2: ItemPassages((Passage(1, 2),))}, asked=second)
    of_other_rater = study.asked(by=study.second)
    study.ledger.append_passages(passages(2), asked=of_other_rater)
    assert study.reader.passages(first) == passages(4)
    assert study.reader.passages(second) == {2: ItemPassages((Passage(1, 2),))}
    assert study.reader.asked_for_passages(study.item_set) == (first, second, of_other_rater)


def test_the_run_that_asked_is_on_record(study: Study) -> None:
    first = study.asked()
    asked = AskedForPassages(first.rater, first.variable, first.item_set, "{}", study.run)
    study.ledger.append_passages(passages(1), asked=asked)
    assert study.reader.asked_for_passages(study.item_set) == (asked,)


def test_without_items_nothing_is_recorded(study: Study) -> None:
    events = len([*study.reader.history()])
    study.ledger.append_passages({}, asked=study.asked())
    assert len([*study.reader.history()]) == events


def test_passages_of_the_same_item_count_in_another_item_set(study: Study) -> None:
    asked = study.asked()
    study.ledger.append_passages(passages(4), asked=asked)
    other = register(study.ledger, items(10)[::-1])
    there = AskedForPassages(asked.rater, asked.variable, other, asked.method)
    found = study.reader.passages(there)
    assert found == {9 - position: one for position, one in passages(4).items()}
    with pytest.raises(LedgerError, match="has them already"):
        study.ledger.append_passages({9: ItemPassages()}, asked=there)


@pytest.mark.parametrize(
    ("passage", "message"),
    [
        (Passage(-1, 2), "from -1 to 2"),
        (Passage(2, 2), "from 2 to 2"),
        (Passage(0, 1, 3), "category 3; expected 0 to 2"),
        (Passage(0, 1, -1), "category -1"),
        (Passage(0, 1, 0, float("nan")), "not a number"),
    ],
)
def test_a_passage_that_contradicts_itself_is_refused(
    study: Study, passage: Passage, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        study.ledger.append_passages(
            {0: ItemPassages(), 1: ItemPassages((passage,))}, asked=study.asked()
        )
    assert study.reader.passages(study.asked()) == {}


def test_an_item_outside_of_the_item_set_is_refused(study: Study) -> None:
    with pytest.raises(LedgerError, match="not in the item set"):
        study.ledger.append_passages({99: ItemPassages()}, asked=study.asked())


def test_withdrawn_items_lose_their_passages_and_get_no_new_ones(study: Study) -> None:
    study.finish()
    study.decide()
    assert study.withdraw("item-1", "item-9") == 2
    with LedgerReader.open(study.path) as reader:
        left = {p: one for p, one in passages(8).items() if p != 1}
        assert reader.passages(study.asked()) == left
    found = verify(study.path)
    assert (found.broken, found.counts["item_passages"]) == (None, 7)
    with Ledger.open(study.path, create=False) as ledger:
        with pytest.raises(LedgerError, match="was withdrawn"):
            ledger.append_passages({9: ItemPassages()}, asked=study.asked())
        ledger.append_passages({8: ItemPassages()}, asked=study.asked())
    assert verify(study.path).broken is None


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        ("UPDATE item_passages SET passages = '[[0,5,1,0.75]]' WHERE item_key = 1", "record"),
        ("UPDATE item_passages SET left_out = 3 WHERE item_key = 2", "record"),
        ("DELETE FROM item_passages WHERE item_key = 2", "items"),
        ("UPDATE passage_batch SET method = '{ }'", "JSON"),
        ("UPDATE passage_batch SET seconds = 9.5", "record"),
        ("DELETE FROM passage_batch", "record"),
    ],
)
def test_a_change_of_passages_is_found(study: Study, statement: str, where: str) -> None:
    study.finish()
    study.decide()

    def change(connection: sqlite3.Connection) -> None:
        connection.execute(statement)

    change_behind_triggers(study.path, change)
    broken = verify(study.path).broken
    assert broken is not None
    assert broken.where.endswith(f"(passages_recorded): {where}")


def test_passages_without_a_batch_are_found(study: Study) -> None:
    study.finish()
    study.decide()

    def add(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO item_passages VALUES (9999, 1, '[]', 0, NULL)")

    change_behind_triggers(study.path, add)
    broken = verify(study.path).broken
    assert broken is not None
    assert broken.where == "table item_passages: rows"


def test_recording_and_reading_an_item_costs_the_same_however_many_are_on_record(
    tmp_path: Path,
) -> None:
    study = Study(tmp_path / "study.sqlite", item_count=700)
    asked = study.asked()
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    def cost(start: int) -> int:
        nonlocal steps
        steps = 0
        study.ledger.append_passages(passages(start + 4, start=start), asked=asked)
        study.reader.passages(asked, start=start, stop=start + 1)
        return steps

    # Counts steps of SQLite's machine, ten at a time.
    for connection in (study.ledger._connection, study.reader._connection):
        connection.set_progress_handler(count, 10)
    few = cost(4)
    for start in range(8, 640, 4):
        study.ledger.append_passages(passages(start + 4, start=start), asked=asked)
    assert cost(640) < 2 * few
