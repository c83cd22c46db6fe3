"""A thousand changes at random, of any stored field, are all found."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from localensemble.core.errors import LedgerError
from localensemble.ledger.verify import verify
from tests.ledger.studies import Study
from tests.studies import change_behind_triggers

pytestmark = pytest.mark.slow  # verifies a thousand ledgers

CHANGES = 1_000


def cells(path: Path) -> list[tuple[str, str]]:
    """Name every column of every table that has rows."""
    with closing(sqlite3.connect(path)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return [
            (table, column)
            for (table,) in tables.fetchall()
            if connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for (column,) in connection.execute(f"SELECT name FROM pragma_table_info('{table}')")
        ]


def other(value: object, draw: random.Random) -> object:
    """Return another value of the kind, or sometimes of another kind or none."""
    if value is not None and draw.random() < 0.1:
        return None
    match value:
        case int():
            return value + draw.choice([-1, 1, 2, 1_000])
        case float():
            return value + draw.choice([1e-9, 0.25, -1.0])
        case str() if value:
            at = draw.randrange(len(value))
            return value[:at] + draw.choice("0aZ") + value[at + draw.randrange(2) :]
        case bytes() if value:
            at = draw.randrange(len(value))
            return value[:at] + bytes([value[at] ^ (1 << draw.randrange(8))]) + value[at + 1 :]
        case _:
            return draw.choice(["x", 7, 0.5, b"\0"])


def keys(path: Path, table: str) -> list[str]:
    """Name the columns of the primary key of a table."""
    query = f"SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk"
    with closing(sqlite3.connect(path)) as connection:
        return [name for (name,) in connection.execute(query)]


def is_found(path: Path) -> bool:
    try:
        return verify(path).broken is not None
    except LedgerError:
        return True


def test_a_thousand_random_changes_of_stored_fields_are_found(tmp_path: Path) -> None:
    study = Study(tmp_path / "study.sqlite", item_count=12)
    study.finish()
    study.decide()
    study.withdraw("item-3")
    assert not is_found(study.path)
    draw = random.Random(14)
    columns = cells(study.path)
    changed = tmp_path / "changed.sqlite"
    tried, missed = 0, []
    while tried < CHANGES:
        table, column = draw.choice(columns)
        key = keys(study.path, table)
        with closing(sqlite3.connect(study.path)) as connection:
            rows = connection.execute(f"SELECT {column}, {', '.join(key)} FROM {table}").fetchall()
        value, *place = draw.choice(rows)
        new = other(value, draw)
        if (type(new), new) == (type(value), value):
            continue
        where = " AND ".join(f"{name} = ?" for name in key)
        statement = f"UPDATE {table} SET {column} = ? WHERE {where}"
        shutil.copy(study.path, changed)
        try:
            change_behind_triggers(
                changed, partial(execute, statement=statement, values=(new, *place))
            )
        except sqlite3.IntegrityError:
            # The tables themselves refuse it.
            continue
        tried += 1
        if not is_found(changed):
            missed.append((table, column, value, new))
    assert missed == []


def execute(connection: sqlite3.Connection, *, statement: str, values: tuple[object, ...]) -> None:
    assert connection.execute(statement, values).rowcount == 1
