"""Promises of the writing side."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from localensemble.core.errors import LedgerError
from localensemble.core.identity import sha256_text
from localensemble.core.labels import ItemId, Label, LabelStatus, RaterName
from localensemble.core.raters import Rater
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.records import ItemSetKey, RaterKey, RunKey, VariableKey
from localensemble.ledger.verify import verify
from tests.ledger.studies import (
    CODEBOOK,
    IDENTITY,
    THEME,
    TONE,
    Items,
    Study,
    item_set_sha256,
    items,
    label,
    labels,
    rater,
    register,
    register_variables,
)

GOOD = Label(LabelStatus.ASSIGNED, 1, (0.25, 0.75), 0.125)


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    made = Study(tmp_path / "study.sqlite")
    with made.ledger:
        yield made


def test_registering_the_same_again_changes_nothing(study: Study) -> None:
    before = list(study.reader.history())
    assert register(study.ledger, items(10)) == study.item_set
    assert register_variables(study.ledger) == study.variables
    assert study.ledger.register_rater(rater("first")) == study.first
    assert list(study.reader.history()) == before


def test_a_known_item_set_is_not_read_again(study: Study) -> None:
    def unread() -> Iterator[Items]:
        raise AssertionError("the items were read")
        yield ()

    sha256 = item_set_sha256(items(10))
    assert study.ledger.register_items(unread(), item_set_sha256=sha256) == study.item_set


def test_labels_of_unchanged_items_are_found_in_a_changed_file(study: Study) -> None:
    study.append(study.first, start=0, stop=10)
    changed = items(12)
    changed[3] = (ItemId("item-3"), sha256_text("another text"))
    changed[0], changed[1] = changed[1], changed[0]
    other = register(study.ledger, changed)
    assert other != study.item_set
    missing = study.reader.missing_labels(
        other, rater=study.first, variables=[study.theme], start=0, stop=12
    )
    assert np.flatnonzero(missing[study.theme]).tolist() == [3, 10, 11]
    block = study.reader.label_block(
        other, variable=study.theme, raters=[study.first], start=0, stop=2
    )
    expected = [label(i, category_count=3).category for i in (1, 0)]
    assert block.category[:, 0].tolist() == expected


def test_items_may_come_in_blocks_of_any_size(study: Study) -> None:
    members = items(25)
    key = study.ledger.register_items(
        [members[:7], [], members[7:8], members[8:]], item_set_sha256=item_set_sha256(members)
    )
    assert study.reader.item_ids(key, start=0, stop=25) == tuple(name for name, _ in members)


@pytest.mark.parametrize("text", ["text 0", "another text"])
def test_two_items_with_one_id_are_refused(study: Study, text: str) -> None:
    members = [*items(3), (ItemId("item-0"), sha256_text(text))]
    with pytest.raises(LedgerError, match=r"between positions 0 and 3 .*same id"):
        register(study.ledger, members)
    assert len(study.reader.item_sets()) == 1


def test_items_that_are_not_those_hashed_are_refused(study: Study) -> None:
    with pytest.raises(LedgerError, match="they changed while they were being read"):
        study.ledger.register_items([items(3)], item_set_sha256=item_set_sha256(items(4)))
    assert len(study.reader.item_sets()) == 1


def test_an_id_that_is_no_text_is_refused(study: Study) -> None:
    members = [*items(2), (ItemId("half \ud83d"), sha256_text("text"))]
    with pytest.raises(LedgerError, match=r"items 0 to 2: .*half a character"):
        register(study.ledger, members)


def test_a_codebook_under_another_hash_is_refused(study: Study) -> None:
    with pytest.raises(ValueError, match="The codebook hashes to"):
        study.ledger.register_codebook(CODEBOOK, sha256="0" * 64, variables=(THEME,))


def test_a_variable_that_two_codebooks_share_is_one_variable(study: Study) -> None:
    other = study.ledger.register_codebook("{}", sha256=sha256_text("{}"), variables=(TONE,))
    assert other == {"tone": study.tone}
    first, second = study.reader.codebooks()
    assert (first.content, list(first.variables)) == (CODEBOOK, ["theme", "tone"])
    assert (second.content, second.variables) == ("{}", {"tone": study.tone})


def test_a_renamed_rater_keeps_its_labels_and_has_its_newest_name(study: Study) -> None:
    renamed = Rater(RaterName("renamed"), rater("first").identity)
    assert study.ledger.register_rater(renamed) == study.first
    assert [record.rater.name for record in study.reader.raters()] == ["renamed", "second"]
    study.ledger.register_rater(rater("first"))
    assert study.reader.raters()[0].rater == rater("first")


def test_another_identity_under_the_same_name_is_another_rater(study: Study) -> None:
    other = study.ledger.register_rater(Rater(RaterName("first"), IDENTITY))
    assert other not in (study.first, study.second)
    assert study.reader.rater_key(IDENTITY.sha256) == other
    assert study.reader.rater_key("0" * 64) is None


def test_a_run_is_recorded_with_its_settings_and_its_end(study: Study) -> None:
    study.ledger.finish_run(study.run, status="incomplete", summary={"unlabeled": 3})
    second = study.ledger.start_run({})
    ended, open_run = study.reader.runs()
    assert (ended.key, ended.status, ended.summary) == (study.run, "incomplete", {"unlabeled": 3})
    assert ended.settings == {"raters": ["first", "second"]}
    assert ended.finished_at is not None
    assert ended.started_at <= ended.finished_at
    assert (open_run.key, open_run.settings) == (second, {})
    assert (open_run.status, open_run.finished_at, open_run.summary) == (None, None, None)


def test_a_run_ends_once(study: Study) -> None:
    study.ledger.finish_run(study.run, status="finished", summary={})
    with pytest.raises(LedgerError, match=r'as "failed": .* as "finished"'):
        study.ledger.finish_run(study.run, status="failed", summary={})


def test_a_second_label_for_the_same_cell_is_refused_with_its_whole_block(study: Study) -> None:
    study.append(study.first, start=0, stop=4)
    before = list(study.reader.history())
    with pytest.raises(LedgerError, match="already labeled"):
        study.append(study.first, start=3, stop=8)
    assert list(study.reader.history()) == before
    blocks = study.reader.missing_blocks(
        study.item_set, rater=study.first, variables=[study.theme, study.tone], block_size=4
    )
    assert list(blocks) == [1, 2]


def test_labels_left_out_of_a_block_are_not_touched(study: Study) -> None:
    study.append(study.first, start=2, stop=4)
    rest = labels(study.variables, start=0, stop=6)
    given = {
        key: [None if i in (2, 3) else one for i, one in enumerate(column)]
        for key, column in rest.items()
    }
    appended = study.ledger.append_block(
        given, run=study.run, rater=study.first, item_set=study.item_set, start=0
    )
    assert appended == 8
    assert study.usage(study.first).labels == 12
    missing = study.reader.missing_labels(
        study.item_set, rater=study.first, variables=[study.theme, study.tone], start=0, stop=10
    )
    assert sum(int(gaps.sum()) for gaps in missing.values()) == 8


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (Label(LabelStatus.ASSIGNED), "status assigned with category None"),
        (Label(LabelStatus.FAILED, 1, reason="x"), "status failed with category 1"),
        (Label(LabelStatus.ASSIGNED, 2), "category 2; expected 0 to 1"),
        (Label(LabelStatus.ASSIGNED, -1), "category -1; expected 0 to 1"),
        (Label(LabelStatus.ASSIGNED, 1, reason="x"), "status assigned with a reason"),
        (Label(LabelStatus.ABSTAINED), "status abstained without a reason"),
        (Label(LabelStatus.ASSIGNED, 1, None, 1.5), "off-codebook mass 1.5"),
        (Label(LabelStatus.ASSIGNED, 1, None, float("nan")), "off-codebook mass nan"),
        (Label(LabelStatus.ASSIGNED, 1, (0.2, 0.3, 0.5)), "3 probabilities for 2 categories"),
        (Label(LabelStatus.ASSIGNED, 1, ()), "0 probabilities for 2 categories"),
        (Label(LabelStatus.ASSIGNED, 1, (0.25, 0.5)), "probabilities sum to 0.75"),
        (Label(LabelStatus.ASSIGNED, 1, (-0.25, 1.25)), "outside 0 to 1"),
        (Label(LabelStatus.ASSIGNED, 1, (float("nan"), 0.5)), "probabilities sum to nan"),
    ],
)
def test_a_label_that_contradicts_itself_is_refused(
    study: Study, wrong: Label, message: str
) -> None:
    with pytest.raises(ValueError, match=f"Label 1: .*{message}"):
        study.ledger.append_block(
            {study.tone: [GOOD, wrong]},
            run=study.run,
            rater=study.first,
            item_set=study.item_set,
            start=0,
        )
    assert study.usage(study.first).blocks == 0


def test_every_variable_of_a_block_covers_the_same_items(study: Study) -> None:
    with pytest.raises(ValueError, match=r"Variables have \[1, 2\] labels"):
        study.ledger.append_block(
            {study.tone: [GOOD], study.theme: [None, None]},
            run=study.run,
            rater=study.first,
            item_set=study.item_set,
            start=0,
        )


@pytest.mark.parametrize("start", [-1, 9, 10])
def test_labels_for_positions_without_an_item_are_refused(study: Study, start: int) -> None:
    with pytest.raises(ValueError, match=r"Item set .* items from"):
        study.ledger.append_block(
            {study.tone: [GOOD, GOOD]},
            run=study.run,
            rater=study.first,
            item_set=study.item_set,
            start=start,
        )


def test_labels_for_an_unknown_variable_are_refused(study: Study) -> None:
    with pytest.raises(ValueError, match="variable 99"):
        study.ledger.append_block(
            {VariableKey(99): [GOOD]},
            run=study.run,
            rater=study.first,
            item_set=study.item_set,
            start=0,
        )


def test_labels_of_an_unknown_run_or_rater_are_refused(study: Study) -> None:
    for run, rater_key in ((RunKey(99), study.first), (study.run, RaterKey(99))):
        with pytest.raises(LedgerError, match="FOREIGN KEY"):
            study.ledger.append_block(
                {study.tone: [GOOD]}, run=run, rater=rater_key, item_set=study.item_set, start=0
            )


def test_an_unknown_item_set_is_refused(study: Study) -> None:
    with pytest.raises(ValueError, match="item set 99"):
        study.reader.item_count(ItemSetKey(99))


def test_the_journal_is_folded_in_when_a_ledger_is_closed(tmp_path: Path) -> None:
    study = Study(tmp_path / "study.sqlite")
    study.finish()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "study.sqlite",
        "study.sqlite.lock",
    ]


def test_a_ledger_can_be_closed_twice(study: Study) -> None:
    study.ledger.close()
    study.ledger.close()


def test_a_reader_at_work_does_not_hold_up_a_run(tmp_path: Path) -> None:
    study = Study(tmp_path / "study.sqlite", item_count=3_000)
    reading = sqlite3.connect(study.path)
    reading.execute("BEGIN")
    seen = reading.execute("SELECT count(*) FROM event").fetchone()
    study.append(study.first, start=0, stop=3_000)
    study.ledger.finish_run(study.run, status="finished", summary={})
    study.ledger.close()
    assert reading.execute("SELECT count(*) FROM event").fetchone() == seen
    reading.close()
    assert verify(study.path).counts["label"] == 6_000


@pytest.mark.slow  # appends many blocks
def test_the_journal_stays_small_while_blocks_are_appended(tmp_path: Path) -> None:
    study = Study(tmp_path / "study.sqlite", item_count=24_000)
    journal = study.path.with_name("study.sqlite-wal")
    largest = 0
    for start in range(0, 24_000, 3_000):
        study.append(study.first, start=start, stop=start + 3_000)
        largest = max(largest, journal.stat().st_size)
    study.ledger.close()
    assert largest < 8 << 20


def test_a_ledger_opens_again_with_everything_in_it(tmp_path: Path) -> None:
    study = Study(tmp_path / "study.sqlite")
    study.finish()
    with Ledger.open(study.path, create=False) as ledger:
        reader = ledger.reader
        assert [record.key for record in reader.raters()] == [study.first, study.second]
        counts = reader.label_counts(
            study.item_set, variable=study.tone, rater=study.second, stop=10
        )
        assert counts.missing == 0
        assert register(ledger, items(10)) == study.item_set
