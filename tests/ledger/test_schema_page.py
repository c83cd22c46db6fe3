"""The documented tables are the tables there are."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from localensemble.ledger.connection import migrate
from localensemble.ledger.events import RECORD_TABLES
from localensemble.ledger.schema import MIGRATIONS
from scripts import ledger_schema


def test_the_page_is_up_to_date() -> None:
    text = ledger_schema.PAGE.read_text(encoding="utf-8")
    assert text == ledger_schema.page(text), "run scripts/ledger_schema.py"


def test_the_page_has_every_column_of_every_table_with_its_meaning() -> None:
    text = ledger_schema.tables()
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, MIGRATIONS)
        columns = connection.execute(
            "SELECT tables.name, columns.name FROM sqlite_master AS tables,"
            " pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'"
        ).fetchall()
    for table, column in columns:
        section = text.split(f"### `{table}`\n")[1].split("### ")[0]
        assert f"| `{column}` | " in section


def test_the_page_has_every_kind_of_event(repository: Path) -> None:
    text = (repository / "docs" / "ledger-schema.md").read_text(encoding="utf-8")
    for kind, table in RECORD_TABLES.items():
        assert f"| `{kind}` | `{table}`" in text
