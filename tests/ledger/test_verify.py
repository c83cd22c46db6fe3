"""Promises of verification: nothing can be changed, removed or slipped in unnoticed."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from localensemble.core.errors import LedgerError
from localensemble.ledger.connection import migrate
from localensemble.ledger.digests import event_sha256
from localensemble.ledger.schema import MIGRATIONS
from localensemble.ledger.verify import refuse_changed, verify
from tests.ledger.studies import Study
from tests.studies import change_behind_triggers

pytestmark = pytest.mark.slow  # changes many ledgers

Tamper = Callable[[sqlite3.Connection], object]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = Study(tmp_path_factory.mktemp("study") / "study.sqlite", item_count=40)
    study.finish()
    study.decide()
    return study.path


@pytest.fixture(scope="module")
def reduced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger from which items were withdrawn twice, one of them named in the settings."""
    study = Study(tmp_path_factory.mktemp("reduced") / "study.sqlite", item_count=40)
    study.ledger.start_run({"control": ["item-3", "item-4"], "seed": 1})
    study.finish()
    study.decide()
    assert study.withdraw("item-3", "item-17") == 2
    assert study.withdraw("item-5") == 1
    return study.path


@pytest.fixture(params=["whole", "reduced"])
def ledger(request: pytest.FixtureRequest) -> Path:
    """A ledger of which nothing was withdrawn, and one of which something was."""
    path: Path = request.getfixturevalue(request.param)
    return path


def has_rows(path: Path, table: str) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return bool(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def tampered(whole: Path, folder: Path, tamper: Tamper) -> Path:
    """Copy a ledger and change it behind its triggers, which are then put back."""
    copy = Path(shutil.copy(whole, folder / "tampered.sqlite"))
    change_behind_triggers(copy, tamper)
    return copy


def is_found(path: Path) -> bool:
    """Say whether a ledger is refused, or found to be broken."""
    try:
        return not verify(path).ok
    except LedgerError:
        return True


def columns() -> list[tuple[str, str]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS)
        return connection.execute(
            "SELECT tables.name, columns.name FROM sqlite_master AS tables,"
            " pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'"
        ).fetchall()


TABLES = sorted({table for table, _ in columns()})


def differing(value: object) -> list[object]:
    """Other values that could stand in a cell: near ones, and ones of another type."""
    match value:
        case int():
            return [value + 1_000, value + 0.5, None, str(value) + "x"]
        case float():
            return [value + 2**-40, None, "x", value + 1]
        case str():
            return [value + " ", value.upper() + "\x00", b"bytes", None, 7]
        case bytes():
            return [value[:-1] + bytes([value[-1] ^ 1]), value[:-8], value + value, None, "x"]
        case _:
            return [0, -1, 0.5, "x", b""]


def test_a_whole_ledger_verifies_with_its_counts(whole: Path) -> None:
    found = verify(whole)
    assert found.ok
    assert found.broken is None
    assert found.counts["label"] == 160
    assert found.counts["item"] == 40
    assert found.counts["block"] == 20
    assert found.counts["person_decision"] == 20
    assert found.counts["item_passages"] == 8
    assert found.events == 49
    assert len(found.head_sha256) == 64


def test_verifying_again_gives_the_same(whole: Path) -> None:
    assert verify(whole) == verify(whole)


def test_an_empty_ledger_verifies(tmp_path: Path) -> None:
    study = Study(tmp_path / "study.sqlite", item_count=0)
    study.finish()
    assert verify(study.path).ok


@pytest.mark.parametrize(("table", "column"), columns())
def test_a_change_of_any_cell_is_found(
    ledger: Path, tmp_path: Path, table: str, column: str
) -> None:
    if not has_rows(ledger, table):
        return
    with closing(sqlite3.connect(ledger)) as connection:
        query = f"SELECT {column} FROM {table} ORDER BY {column} IS NULL"
        value = connection.execute(query).fetchone()[0]
    tried = 0
    for other in differing(value):

        def change(
            connection: sqlite3.Connection, value: object = value, other: object = other
        ) -> None:
            # One row only: the first that holds the value.
            keys = [
                name
                for _, name, _, _, _, place in connection.execute(
                    f"PRAGMA table_info({table})"
                ).fetchall()
                if place
            ]
            row = connection.execute(
                f"SELECT {', '.join(keys)} FROM {table} WHERE {column} IS ?", (value,)
            ).fetchone()
            where = " AND ".join(f"{key} IS ?" for key in keys)
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (other, *row))

        try:
            path = tampered(ledger, tmp_path, change)
        except sqlite3.IntegrityError:
            # The tables themselves refuse this one, even without their triggers.
            continue
        tried += 1
        assert is_found(path), f"{table}.{column}: {other!r} for {value!r} was not found"
    assert tried


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("place", ["min", "max"])
def test_a_missing_row_is_found(ledger: Path, tmp_path: Path, table: str, place: str) -> None:
    if not has_rows(ledger, table):
        return
    key = next(column for name, column in columns() if name == table)

    def remove(connection: sqlite3.Connection) -> None:
        connection.execute(
            f"DELETE FROM {table} WHERE {key} = (SELECT {place}({key}) FROM {table})"
        )

    assert is_found(tampered(ledger, tmp_path, remove))


@pytest.mark.parametrize("table", TABLES)
def test_a_row_slipped_in_is_found(ledger: Path, tmp_path: Path, table: str) -> None:
    names = [column for name, column in columns() if name == table]
    if not has_rows(ledger, table):
        return

    def insert(connection: sqlite3.Connection) -> None:
        row = list(connection.execute(f"SELECT * FROM {table}").fetchone())
        for i, (name, value) in enumerate(zip(names, row, strict=True)):
            if isinstance(value, int) and (name.endswith("_key") or name == "number"):
                row[i] = value + 5_000
            elif name in {"sha256", "name", "item_id"}:
                row[i] = "other"
        marks = ", ".join("?" * len(row))
        connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)

    assert is_found(tampered(ledger, tmp_path, insert))


def swap_texts(connection: sqlite3.Connection) -> None:
    """Give two items each other's key, everywhere but in their labels."""
    for table in ("item", "item_set_member"):
        for old, new in ((1, 9_999), (2, 1), (9_999, 2)):
            connection.execute(f"UPDATE {table} SET item_key = {new} WHERE item_key = {old}")


def swap_labels(connection: sqlite3.Connection) -> None:
    """Give two items each other's labels."""
    for old, new in ((1, 9_999), (2, 1), (9_999, 2)):
        connection.execute(f"UPDATE label SET item_key = {new} WHERE item_key = {old}")


def swap_raters(connection: sqlite3.Connection) -> None:
    """Give two raters each other's labels."""
    first, second = (key for (key,) in connection.execute("SELECT rater_key FROM rater"))
    for old, new in ((first, 9_999), (second, first), (9_999, second)):
        connection.execute(f"UPDATE label SET rater_key = {new} WHERE rater_key = {old}")


def swap_categories(connection: sqlite3.Connection) -> None:
    """Let each of two categories mean the other."""
    names = ("staff", "access")
    for position, name in enumerate((*(f"{name} " for name in names), *reversed(names))):
        connection.execute(
            "UPDATE category SET name = ? WHERE variable_key ="
            " (SELECT variable_key FROM variable WHERE name = 'theme') AND position = ?",
            (name, position % 2),
        )


def move_label_to_a_later_block(connection: sqlite3.Connection) -> None:
    later = connection.execute("SELECT max(block_key) FROM block").fetchone()[0]
    connection.execute(
        "UPDATE label SET block_key = ? WHERE rater_key = (SELECT min(rater_key) FROM rater)"
        " AND item_key = 1",
        (later,),
    )


def rewrite_settings(connection: sqlite3.Connection) -> None:
    """Spell the same settings another way."""
    connection.execute("UPDATE run SET settings = replace(settings, ':', ': ')")


def a_category_below_zero(connection: sqlite3.Connection) -> None:
    """Write the number that stands for "none" in the digest."""
    connection.execute("UPDATE label SET category = -1 WHERE category IS NULL")


def rename_event(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE event SET kind = 'other' WHERE number = 3")


def leave_a_gap(connection: sqlite3.Connection) -> None:
    connection.execute("UPDATE event SET number = number + 100 WHERE number > 10")


@pytest.mark.parametrize(
    "tamper",
    [
        swap_texts,
        swap_labels,
        swap_raters,
        swap_categories,
        move_label_to_a_later_block,
        rewrite_settings,
        a_category_below_zero,
        rename_event,
        leave_a_gap,
    ],
)
def test_a_change_that_keeps_every_table_consistent_is_found(
    ledger: Path, tmp_path: Path, tamper: Tamper
) -> None:
    assert is_found(tampered(ledger, tmp_path, tamper))


@pytest.mark.parametrize(
    ("statement", "where", "found", "expected"),
    [
        (
            "UPDATE label SET category = 2 WHERE item_key = 5 AND variable_key = 8",
            "event 17 (labels_appended): record",
            "sha256",
            "sha256",
        ),
        (
            "DELETE FROM label WHERE item_key = 5 AND variable_key = 8",
            "event 17 (labels_appended): labels",
            "3",
            "4",
        ),
        (
            "UPDATE rater SET identity = replace(identity, 'scripted', 'other')",
            "event 11 (rater_registered): sha256 of its content",
            "",
            "",
        ),
        ("UPDATE event SET body = '{}' WHERE number = 4", "event 4 (", "", ""),
        ("DELETE FROM event WHERE number = 4", "event 4: number", "5", "4"),
        ("DELETE FROM run_end", "event 36 (run_finished): record", "no such record", "one record"),
        (
            "INSERT INTO category VALUES (77, 0, 'x')",
            "table category: rows",
            "6",
            "5",
        ),
        ("DROP VIEW label_view", "schema: view label_view", "changed or missing", "as defined"),
        ("CREATE TABLE notes (x)", "schema: table notes", "as defined", "nothing with this name"),
        ("UPDATE item_set SET item_count = 39", "items_registered): items", "40", "39"),
        (
            "UPDATE item_set_member SET position = 50 WHERE position = 39",
            "items_registered): position",
            "50",
            "39",
        ),
        (
            "UPDATE item SET content_sha256 = 'text' WHERE item_key = 3",
            "items_registered): value",
            "an unexpected type",
            "as written",
        ),
        (
            "UPDATE run SET settings = replace(hex(zeroblob(50000)), '0', '[')",
            "run_started): value",
            "an unexpected type",
            "as written",
        ),
        ("UPDATE event SET kind = kind || 'x' WHERE number = 4", "event 4 (", "", ""),
    ],
)
def test_the_first_break_is_named(
    whole: Path, tmp_path: Path, statement: str, where: str, found: str, expected: str
) -> None:
    broken = verify(tampered(whole, tmp_path, lambda c: c.execute(statement))).broken
    assert broken is not None
    assert where in broken.where
    assert found in broken.found
    assert expected in broken.expected


def test_a_kind_that_is_unknown_is_named_even_when_it_is_chained(
    whole: Path, tmp_path: Path
) -> None:
    def chain(connection: sqlite3.Connection) -> None:
        number, sha256 = connection.execute("SELECT max(number), sha256 FROM event").fetchone()
        digest = event_sha256(sha256, number=number + 1, kind="odd", recorded_at="", body="{}")
        connection.execute("INSERT INTO event VALUES (?, 'odd', '', '{}', ?)", (number + 1, digest))

    broken = verify(tampered(whole, tmp_path, chain)).broken
    assert broken is not None
    assert (broken.found, broken.expected) == ("odd", "a known kind")


def test_a_ledger_that_was_changed_is_refused_with_the_place(whole: Path, tmp_path: Path) -> None:
    refuse_changed(whole)
    changed = tampered(whole, tmp_path, lambda c: c.execute("DELETE FROM event WHERE number = 4"))
    with pytest.raises(LedgerError, match="event 4: number"):
        refuse_changed(changed)


def test_a_head_that_was_kept_shows_a_clean_cut(whole: Path, tmp_path: Path) -> None:
    def cut(connection: sqlite3.Connection) -> None:
        last = connection.execute("SELECT max(number) FROM event").fetchone()[0]
        connection.execute("DELETE FROM event WHERE number = ?", (last,))
        for table in ("person_decision", "decision_batch"):
            connection.execute(f"DELETE FROM {table} WHERE batch_key = ?", (last,))

    found = verify(tampered(whole, tmp_path, cut))
    assert found.ok
    assert found.head_sha256 != verify(whole).head_sha256


def content(path: Path) -> Sequence[object]:
    """Everything in a ledger, with its types."""
    with closing(sqlite3.connect(path)) as connection:
        rows: list[object] = [
            (table, *((type(value), value) for value in row))
            for table in TABLES
            for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")
        ]
        rows += connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
        return rows


@pytest.mark.parametrize("seed", range(8))
def test_a_changed_bit_anywhere_is_found_or_changes_nothing(
    whole: Path, tmp_path: Path, seed: int
) -> None:
    sound = whole.read_bytes()
    wanted = content(whole)
    head = verify(whole).head_sha256
    draw = random.Random(seed)
    # Most of a small file is empty; only where something stands is there something to find.
    written = [at for at, byte in enumerate(sound) if byte]
    path = tmp_path / "damaged.sqlite"
    for _ in range(25):
        at = draw.choice(written)
        damaged = bytearray(sound)
        damaged[at] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        try:
            found = verify(path)
        except LedgerError:
            continue
        if found.ok:
            assert found.head_sha256 == head
            assert content(path) == wanted, f"byte {at}"


def test_nothing_is_worked_out_from_a_changed_ledger(whole: Path, tmp_path: Path) -> None:
    refuse_changed(whole)
    path = tampered(
        whole,
        tmp_path,
        lambda connection: connection.execute("DELETE FROM item WHERE item_key = 1"),
    )
    with pytest.raises(LedgerError, match="has been changed"):
        refuse_changed(path)
