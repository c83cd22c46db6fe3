"""Promises about ledgers of earlier versions: they read, verify, migrate and go on."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from localensemble.core.errors import LedgerError
from localensemble.core.labels import ItemId, Label, LabelStatus
from localensemble.ledger.ledger import Ledger
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import Event, ItemSetKey
from localensemble.ledger.schema import MIGRATIONS
from localensemble.ledger.verify import verify
from tests.ledger.studies import BEFORE_0002, item_set_sha256
from tests.ledger.test_crash import die_at_statement
from tests.studies import change_behind_triggers

# The last hash of the ledger as the earlier version printed it.
HEAD = "421ff0d76e2b0374c2e2df949a51f46e64f46002352228b95436a9c0f8b4124c"
# The SQL of the migrations that ledgers in use were made by.
RELEASED = {
    "0001_ledger": "1fbba932f1e29b9389ae9713d60c20705ddb9f22d2ced3e9343ac903f234f0cd",
    "0002_content_sha256": "b4f9b81e0dfa70ca678001df7635efca9f57e90b34f7ee34aa453dd4154afb8c",
    "0003_withdrawals": "a039ea7ec8f7bb2684e9ffbaff487187d8022a06a72cd7d5af83a961f3c709a1",
    "0004_people": "f5ef6225db624b86c396e6c0647d2ffd5fcad0158e60608357f0904bd10c4bb2",
    "0005_made_files": "a5d56856c4924c4118462887dbded5b598e9fbf9873b9f759ab18f945bdbac3e",
}
# The last hash of a ledger of every earlier schema, and the number of its migrations.
EARLIER = {
    "before_0002": (HEAD, 1),
    "before_0003": ("534f88ef8493a7a5da842be78ff576752f294b1877facd8b31d63f706d8b4732", 2),
    "before_0004": ("980022524b1f5b45a5f287c44e2cfc50d6c08e4b531965cabb1390eadee143a3", 3),
    "before_0005": ("b6713ccf065b992f646967d5e4e272c177efe1e745d557daf32adbface60dd83", 4),
    "before_0006": ("38df41dab23276b9eef884391eb1cd8635d7c32e649392f45739ee8667617156", 5),
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A ledger of an earlier version, to do anything with."""
    return Path(shutil.copy(BEFORE_0002 / "study.sqlite", tmp_path))


@pytest.fixture
def migrated(old: Path) -> Path:
    Ledger.open(old, create=False).close()
    return old


def migrations(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name FROM migration ORDER BY migration_key").fetchall()
        return [name for (name,) in rows]


def columns(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[1] for row in connection.execute("PRAGMA table_info(item)")]


def everything(reader: LedgerReader) -> list[object]:
    """All that a reader gives of the eight labeled items, and every label of them."""
    (item_set,) = reader.item_sets()
    (codebook,) = reader.codebooks()
    raters = reader.raters()
    hashes = reader.item_hashes(item_set.key, start=0, stop=item_set.item_count)
    some = [sha256 for _, sha256 in hashes[3:5]]
    read: list[object] = [
        item_set,
        codebook,
        raters,
        reader.runs(),
        hashes,
        reader.item_ids(item_set.key, start=0, stop=item_set.item_count),
        reader.positions_of_contents(item_set.key, content_sha256=some),
        reader.positions_of_contents(item_set.key, content_sha256=[]),
    ]
    for variable in codebook.variables.values():
        block = reader.label_block(
            item_set.key,
            variable=variable,
            raters=[record.key for record in raters],
            start=0,
            stop=item_set.item_count,
            probabilities=True,
        )
        assert block.probabilities is not None
        arrays = (block.status, block.category, block.confidence, block.off_codebook_mass)
        read += [array.tobytes() for array in (*arrays, block.probabilities)]
        read += sorted(block.reasons.items())
    return read


def history(path: Path) -> list[Event]:
    with LedgerReader.open(path) as reader:
        return list(reader.history())


def test_a_released_migration_is_never_edited() -> None:
    released = MIGRATIONS[: len(RELEASED)]
    assert {migration.name: migration.sha256 for migration in released} == RELEASED


def test_every_earlier_schema_has_a_kept_ledger() -> None:
    assert [count for _, count in EARLIER.values()] == list(range(1, len(MIGRATIONS)))


@pytest.mark.parametrize("name", EARLIER)
def test_a_ledger_of_every_earlier_schema_reads_verifies_and_migrates(
    tmp_path: Path, name: str
) -> None:
    head, count = EARLIER[name]
    path = Path(shutil.copy(BEFORE_0002.parent / name / "study.sqlite", tmp_path))
    assert len(migrations(path)) == count
    before = verify(path)
    assert (before.broken, before.head_sha256) == (None, head)
    events = history(path)
    with LedgerReader.open(path) as reader:
        decided, withdrawn = reader.reviewers(), reader.withdrawals()
        items = reader.item_history(ItemId("item-1"))
    assert (bool(withdrawn), bool(decided)) == (count >= 3, count >= 4)
    with Ledger.open(path, create=False) as ledger:
        assert migrations(path) == [migration.name for migration in MIGRATIONS]
        reader = ledger.reader
        assert (reader.reviewers(), reader.withdrawals()) == (decided, withdrawn)
        assert reader.item_history(ItemId("item-1")) == items
        ledger.register_file("certificate", variable="tone", sha256="0" * 64)
        assert "0" * 64 in reader.made_files("certificate")
    assert history(path)[: len(events)] == events
    after = verify(path)
    assert after.broken is None
    changed = {"migration": len(MIGRATIONS), "made_file": before.counts["made_file"] + 1}
    assert after.counts == before.counts | changed


def test_an_older_ledger_is_whole_and_is_not_changed_by_reading_it(old: Path) -> None:
    before = old.read_bytes()
    found = verify(old)
    assert (found.broken, found.head_sha256) == (None, HEAD)
    assert (found.counts["item"], found.counts["label"]) == (12, 48)
    with LedgerReader.open(old) as reader:
        everything(reader)
    assert old.read_bytes() == before
    assert columns(old) == ["item_key", "item_id", "text_sha256"]


def test_opening_an_older_ledger_for_writing_migrates_it_once(old: Path) -> None:
    before = history(old)
    for _ in range(2):
        Ledger.open(old, create=False).close()
    assert columns(old) == ["item_key", "item_id", "content_sha256"]
    assert migrations(old) == [migration.name for migration in MIGRATIONS]
    after = history(old)
    assert after[: len(before)] == before
    assert [event.kind for event in after[len(before) :]] == ["migrated"] * (len(MIGRATIONS) - 1)
    assert verify(old).broken is None


def test_a_migrated_ledger_has_the_tables_of_a_new_one(migrated: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite"
    Ledger.open(new, create=True).close()
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2"
    with closing(sqlite3.connect(migrated)) as first, closing(sqlite3.connect(new)) as second:
        assert first.execute(query).fetchall() == second.execute(query).fetchall()
        assert first.execute("PRAGMA foreign_key_check").fetchall() == []
        with pytest.raises(sqlite3.IntegrityError, match="The ledger is append-only"):
            first.execute("UPDATE item SET content_sha256 = content_sha256")


def test_a_ledger_reads_the_same_before_and_after_it_is_migrated(old: Path) -> None:
    with LedgerReader.open(old) as reader:
        before = everything(reader)
    with Ledger.open(old, create=False) as ledger:
        assert everything(ledger.reader) == before
    with LedgerReader.open(old) as reader:
        assert everything(reader) == before


def test_a_reader_goes_on_while_a_run_migrates_the_ledger(old: Path) -> None:
    with LedgerReader.open(old) as reader:
        before = everything(reader)
        Ledger.open(old, create=False).close()
        assert columns(old)[-1] == "content_sha256"
        assert everything(reader) == before


def test_a_migrated_ledger_takes_the_labels_that_are_missing(old: Path) -> None:
    with Ledger.open(old, create=False) as ledger:
        reader = ledger.reader
        (item_set,) = reader.item_sets()
        (codebook,) = reader.codebooks()
        run = ledger.start_run({})
        for record in reader.raters():
            assert ledger.register_rater(record.rater) == record.key
            missing = {
                variable: reader.label_counts(
                    item_set.key, variable=variable, rater=record.key, stop=12
                ).missing
                for variable in codebook.variables.values()
            }
            assert set(missing.values()) == {4}
            assert reader.unfinished_blocks(record.key, variables=tuple(missing)) == ()
            ledger.append_block(
                {variable: [Label(LabelStatus.ASSIGNED, 0)] * 4 for variable in missing},
                run=run,
                rater=record.key,
                item_set=item_set.key,
                start=8,
            )
    found = verify(old)
    assert (found.broken, found.counts.get("label")) == (None, 72)


def test_items_of_an_older_ledger_are_the_same_items_in_another_table(migrated: Path) -> None:
    with Ledger.open(migrated, create=False) as ledger:
        known = ledger.reader.item_hashes(ItemSetKey(2), start=0, stop=12)
        turned = known[::-1]
        other = ledger.register_items([turned], item_set_sha256=item_set_sha256(turned))
        assert ledger.reader.item_hashes(other, start=0, stop=12) == turned
    assert verify(migrated).counts["item"] == 12


def rename_by_hand(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE item RENAME COLUMN text_sha256 TO content_sha256")


def claim_the_migration(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO migration VALUES (99, '0002_content_sha256', '')")


def forget_every_migration(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM migration")


def change_a_content(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE item SET text_sha256 = zeroblob(32) WHERE item_key = 3")


@pytest.mark.parametrize(
    ("tamper", "where"),
    [
        (rename_by_hand, "schema: table item"),
        (claim_the_migration, "schema: table item"),
        (forget_every_migration, "schema: "),
        (change_a_content, "event 2 (items_registered): sha256 of its items"),
    ],
)
def test_a_change_of_an_older_ledger_is_found(
    old: Path, tamper: Callable[[sqlite3.Connection], None], where: str
) -> None:
    change_behind_triggers(old, tamper)
    broken = verify(old).broken
    assert broken is not None
    assert broken.where.startswith(where)


def test_a_migration_that_fails_leaves_the_older_ledger(old: Path) -> None:
    change_behind_triggers(old, lambda c: c.execute("CREATE VIEW stray AS SELECT gone FROM item"))
    before = history(old)
    with pytest.raises(LedgerError, match=r"Cannot open the ledger .*: error in view stray"):
        Ledger.open(old, create=False)
    assert columns(old)[-1] == "text_sha256"
    assert history(old) == before


@pytest.mark.slow  # starts processes and kills them
def test_a_migration_killed_at_any_statement_leaves_the_older_or_the_newer_ledger(
    tmp_path: Path,
) -> None:
    left = []
    # From where the transaction begins to the first statement after it is committed.
    for statement in range(14, 74):
        path = tmp_path / f"killed-{statement}.sqlite"
        shutil.copy(BEFORE_0002 / "study.sqlite", path)
        command = [sys.executable, "-m", "tests.ledger.test_migration", str(path), str(statement)]
        assert subprocess.run(command, cwd=Path(__file__).parents[2]).returncode != 0
        assert verify(path).broken is None
        left.append(len(migrations(path)))
        Ledger.open(path, create=False).close()
        assert verify(path).broken is None
        assert migrations(path) == [migration.name for migration in MIGRATIONS]
    assert left == [1] * 59 + [len(MIGRATIONS)]


def test_a_migration_whose_journal_is_cut_off_anywhere_leaves_one_of_the_two(
    old: Path, tmp_path: Path
) -> None:
    journal = old.with_name("study.sqlite-wal")
    with Ledger.open(old, create=False):
        written, file = journal.read_bytes(), old.read_bytes()
    path = tmp_path / "cut" / "study.sqlite"
    path.parent.mkdir()
    draw = random.Random(2)
    left = set()
    for length in [0, *draw.sample(range(len(written)), 25), len(written)]:
        path.write_bytes(file)
        path.with_name("study.sqlite-wal").write_bytes(written[:length])
        path.with_name("study.sqlite-shm").unlink(missing_ok=True)
        assert verify(path).broken is None, length
        left.add(len(migrations(path)))
    assert left == {1, len(MIGRATIONS)}


if __name__ == "__main__":
    die_at_statement(int(sys.argv[2]))
    Ledger.open(Path(sys.argv[1]), create=False).close()
