"""A withdrawal removes what it names and nothing else, and the ledger stays verifiable."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localensemble.core.errors import LedgerError
from localensemble.core.identity import sha256_text
from localensemble.core.labels import ItemId
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import Event
from localensemble.ledger.verify import verify
from tests.ledger.studies import Study, items, register, without
from tests.ledger.test_crash import die_at_statement
from tests.studies import change_behind_triggers

pytestmark = pytest.mark.slow  # withdraws items from many ledgers

ITEMS = 30


def study_of(folder: Path) -> Study:
    study = Study(folder / "study.sqlite", item_count=ITEMS)
    study.ledger.start_run({"control": ["item-3", sha256_text("text 5"), "kept"]})
    study.finish()
    study.decide()
    return study


def labels(path: Path, *, but: frozenset[int] = frozenset()) -> list[tuple[object, ...]]:
    """List every label and item, except those of the items at these positions."""
    query = "SELECT item_id, content_sha256, label.* FROM item JOIN label USING (item_key)"
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(query).fetchall()
    return [row for row in rows if row[0] not in {f"item-{n}" for n in but}]


def events(path: Path) -> list[Event]:
    with LedgerReader.open(path) as reader:
        return list(reader.history())


@settings(max_examples=15, deadline=None)
@given(gone=st.lists(st.frozensets(st.integers(0, ITEMS - 1), min_size=1), min_size=1, max_size=3))
def test_all_other_rows_stay_and_the_ledger_verifies(
    tmp_path_factory: pytest.TempPathFactory, gone: list[frozenset[int]]
) -> None:
    study = study_of(tmp_path_factory.mktemp("study"))
    everyone = frozenset().union(*gone)
    before = labels(study.path, but=everyone)
    history = [(e.number, e.kind, e.recorded_at, e.sha256) for e in events(study.path)]
    left = set(range(ITEMS))
    for some in gone:
        assert study.withdraw(*(f"item-{n}" for n in some)) == len(some & left)
        left -= some
        assert verify(study.path).broken is None
    assert labels(study.path) == before
    after = [(e.number, e.kind, e.recorded_at, e.sha256) for e in events(study.path)]
    assert after[: len(history)] == history
    assert {kind for _, kind, _, _ in after[len(history) :]} == {"items_withdrawn"}


def test_no_id_and_no_hash_of_a_withdrawn_item_is_left_in_any_byte(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    assert study.withdraw("item-3", "item-5") == 2
    traces = [b"says so in line 3", b"says so in line 5"]
    traces += [b"item-3\x00", b'"item-3"', sha256_text("text 5").encode()]
    traces += [bytes.fromhex(sha256_text(f"text {n}")) for n in (3, 5)]
    for path in tmp_path.iterdir():
        content = path.read_bytes()
        assert not [one for one in traces if one in content], path.name
    with closing(sqlite3.connect(study.path)) as connection:
        (body,) = connection.execute(
            "SELECT body FROM event WHERE kind = 'run_started' AND body LIKE '%kept%'"
        ).fetchone()
        assert connection.execute("PRAGMA freelist_count").fetchone() == (0,)
    assert body == '{"settings":{"control":["kept"]}}'


def test_the_hash_of_every_text_of_an_item_is_known_until_it_is_withdrawn(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    ids = [ItemId("item-3"), ItemId("item-99")]
    with LedgerReader.open(study.path) as reader:
        assert reader.hashes_of(ids) == ((ids[0], sha256_text("text 3")),)
    study.withdraw("item-3")
    with LedgerReader.open(study.path) as reader:
        assert reader.hashes_of(ids) == ()


def test_a_corrected_text_goes_with_the_item_and_ids_that_are_not_there_count_nothing(
    tmp_path: Path,
) -> None:
    study = Study(tmp_path / "study.sqlite", item_count=4)
    corrected = [*items(3), (ItemId("item-3"), sha256_text("corrected"))]
    register(study.ledger, corrected)
    study.finish()
    assert study.withdraw("item-9") == 0
    assert study.withdraw("item-3") == 2
    assert study.withdraw("item-3") == 0
    assert verify(study.path).counts["withdrawn_item"] == 2
    with LedgerReader.open(study.path) as reader:
        assert [one.item_count for one in reader.withdrawals()] == [1]
        ids = [ItemId(f"item-{n}") for n in (2, 3, 9)]
        assert reader.withdrawn_among(ids) == ("item-3",)
        assert reader.items_among(ids) == ("item-2",)


def test_a_withdrawn_item_is_not_registered_again_in_a_known_or_a_new_table(
    tmp_path: Path,
) -> None:
    study = study_of(tmp_path)
    study.withdraw("item-3")
    with Ledger.open(study.path, create=False) as ledger:
        for members in (items(ITEMS), items(ITEMS + 1)):
            with pytest.raises(LedgerError, match=r"withdrawn 1 of them \(item-3\)"):
                register(ledger, members)
        others = [one for one in items(ITEMS) if one[0] != "item-3"]
        kept = register(ledger, others)
        assert register(ledger, others) == kept
        assert ledger.reader.item_ids(kept, start=0, stop=4) == tuple(i for i, _ in others[:4])
    assert verify(study.path).broken is None


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        # What a withdrawal removes, without one.
        ("DELETE FROM label WHERE item_key = 9", "labels_appended): labels"),
        ("UPDATE item SET item_id = '' WHERE item_key = 9", "items_registered): record"),
        # More than the withdrawal removed, and what it vouches for.
        ("DELETE FROM label WHERE item_key = 3", "labels_appended): labels"),
        ("UPDATE label SET category = 0 WHERE item_key IN (2, 3)", "labels_appended): record"),
        ("UPDATE item SET item_id = 'x' WHERE item_key = 5", "items_registered): record"),
        ("UPDATE item SET item_id = 'item-3' WHERE item_key = 4", "items_registered): record"),
        ("UPDATE event SET body = replace(body, '40', '41')", "sha256"),
        ("UPDATE event SET recorded_at = 'now' WHERE kind = 'items_registered'", "sha256"),
        ("UPDATE event SET sha256 = 'x' WHERE kind = 'items_registered'", "sha256"),
        ("UPDATE withdrawn_item SET item_key = 9", "event "),
        ("INSERT INTO withdrawn_item SELECT 9, withdrawal_key, zeroblob(32) FROM withdrawal", ""),
        # A decision, of an item that was withdrawn, of another one, and what a person wrote.
        ("DELETE FROM person_decision WHERE item_key = 2", "decisions_recorded): "),
        ("DELETE FROM person_decision WHERE item_key = 5", "decisions_recorded): "),
        ("UPDATE person_decision SET note = 'x' WHERE item_key = 6", "decisions_recorded): record"),
        ("UPDATE decision_batch SET decision_count = 3", "decisions_recorded): "),
        ("DELETE FROM withdrawn_item", "event "),
        ("DELETE FROM redaction", "event "),
        (
            "UPDATE redaction SET event_number = 9999"
            " WHERE event_number = (SELECT max(event_number) FROM redaction)",
            "event ",
        ),
        ("UPDATE withdrawal SET label_count = 3", "event "),
        ("UPDATE withdrawal SET salt = 'x'", "value"),
    ],
)
def test_a_change_that_no_withdrawal_made_is_found(
    tmp_path: Path, statement: str, where: str
) -> None:
    study = study_of(tmp_path)
    study.withdraw("item-3")

    def change(connection: sqlite3.Connection) -> None:
        assert connection.execute(statement).rowcount

    change_behind_triggers(study.path, change)
    broken = verify(study.path).broken
    assert broken is not None
    assert where in broken.where


def test_a_withdrawal_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    study = study_of(tmp_path)
    before = labels(study.path), verify(study.path)

    def fails(settings: object, names: object) -> object:
        raise RuntimeError("no")

    with Ledger.open(study.path, create=False) as ledger, pytest.raises(RuntimeError):
        ledger.withdraw([ItemId("item-3")], redact=fails)  # type: ignore[arg-type]
    assert (labels(study.path), verify(study.path)) == before
    with (
        closing(sqlite3.connect(study.path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="append-only"),
    ):
        connection.execute("DELETE FROM label")


def test_a_withdrawal_killed_at_any_statement_is_whole_and_can_be_done_again(
    tmp_path: Path,
) -> None:
    whole = study_of(tmp_path).path
    left = []
    for statement in range(20, 260, 24):
        path = tmp_path / f"killed-{statement}" / "study.sqlite"
        path.parent.mkdir()
        shutil.copy(whole, path)
        command = [sys.executable, "-m", "tests.ledger.test_withdraw", str(path), str(statement)]
        subprocess.run(command, cwd=Path(__file__).parents[2], check=False)
        found = verify(path)
        assert found.broken is None, statement
        left.append(found.counts["label"])
        with Ledger.open(path, create=False) as ledger:
            ledger.withdraw([ItemId("item-3")], redact=without)
        assert verify(path).counts["label"] == 4 * (ITEMS - 1)
        assert sha256_text("text 3") not in path.read_bytes().hex()
    assert set(left) == {4 * ITEMS, 4 * (ITEMS - 1)}


if __name__ == "__main__":
    die_at_statement(int(sys.argv[2]))
    with Ledger.open(Path(sys.argv[1]), create=False) as opened:
        opened.withdraw([ItemId("item-3")], redact=without)


def test_a_withdrawal_while_another_process_reads_is_not_called_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localensemble.ledger.connection._PATIENCE_SECONDS", 0.1)
    path = study_of(tmp_path).path
    trace = bytes.fromhex(sha256_text("text 3"))
    with closing(sqlite3.connect(path, isolation_level=None)) as reading:
        reading.execute("BEGIN")
        reading.execute("SELECT count(*) FROM item").fetchone()
        with Ledger.open(path, create=False) as ledger, pytest.raises(LedgerError, match="reads"):
            ledger.withdraw([ItemId("item-3")], redact=without)
        assert trace in path.read_bytes()
    with Ledger.open(path, create=False) as ledger:
        assert ledger.withdraw([ItemId("item-3")], redact=without) == 0
    assert trace not in path.read_bytes()
    assert verify(path).broken is None
