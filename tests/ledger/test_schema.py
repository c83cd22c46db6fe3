"""Promises of the tables."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from localensemble.ledger.connection import migrate, transaction
from localensemble.ledger.schema import APPLICATION_ID, MIGRATIONS, Migration
from localensemble.ledger.verify import verify
from tests.ledger.studies import Study


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    study = Study(tmp_path_factory.mktemp("study") / "study.sqlite")
    study.finish()
    study.decide()
    study.withdraw("item-3")
    return study.path


def tables() -> list[str]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS)
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return [name for (name,) in rows]


@pytest.mark.parametrize("table", tables())
def test_no_row_of_any_table_can_be_changed_or_removed(path: Path, table: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        column = connection.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchone()[0]
        assert connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] > 0
        for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):
            with pytest.raises(sqlite3.IntegrityError, match="The ledger is append-only"):
                connection.execute(statement)


@pytest.mark.parametrize(
    "values",
    [
        "7, NULL, NULL, NULL, NULL, 'x'",
        "0, NULL, NULL, NULL, NULL, NULL",
        "1, 0, NULL, NULL, NULL, 'x'",
        "1, NULL, NULL, NULL, NULL, NULL",
        "0, 0, NULL, NULL, NULL, 'x'",
    ],
)
def test_the_file_itself_refuses_a_label_that_contradicts_itself(path: Path, values: str) -> None:
    with (
        closing(sqlite3.connect(path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="CHECK constraint failed"),
    ):
        connection.execute(f"INSERT INTO label VALUES (1, 1, 1, 1, {values})")


@pytest.mark.parametrize(
    "values",
    [
        "0, NULL, 0, 0, '', NULL, NULL",
        "1, 2, 0, 0, '', NULL, NULL",
        "4, NULL, 0, 0, '', NULL, NULL",
        "1, NULL, 5, 0, '', NULL, NULL",
        "1, NULL, 0, 4, '', NULL, NULL",
        "1, NULL, 0, 0, '', NULL, 4",
    ],
)
def test_the_file_itself_refuses_a_decision_that_contradicts_itself(
    path: Path, values: str
) -> None:
    with (
        closing(sqlite3.connect(path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="CHECK constraint failed"),
    ):
        connection.execute(
            f"INSERT INTO person_decision VALUES (1, 1, 1, {values}, NULL, NULL, NULL)"
        )


def test_the_file_itself_refuses_a_negative_number_of_quotes_left_out(path: Path) -> None:
    with (
        closing(sqlite3.connect(path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="CHECK constraint failed"),
    ):
        connection.execute("INSERT INTO item_passages VALUES (1, 1, '[]', -1, NULL)")


def test_a_ledger_says_what_it_is_in_its_header(path: Path) -> None:
    assert path.read_bytes()[68:72] == APPLICATION_ID.to_bytes(4, "big") == b"LEns"


def test_a_later_migration_is_applied_once_and_chained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study(tmp_path / "study.sqlite")
    study.finish()
    later = (*MIGRATIONS, Migration("0007_note", ("CREATE TABLE note (note_key)",)))
    with closing(sqlite3.connect(study.path, isolation_level=None)) as connection:
        for _ in range(2):
            with transaction(connection):
                migrate(connection, later)
        rows = connection.execute("SELECT name FROM migration ORDER BY migration_key").fetchall()
        assert [name for (name,) in rows] == [*(one.name for one in MIGRATIONS), "0007_note"]
    monkeypatch.setattr("localensemble.ledger.connection.MIGRATIONS", later)
    monkeypatch.setattr("localensemble.ledger.verify.MIGRATIONS", later)
    assert verify(study.path).broken is None
