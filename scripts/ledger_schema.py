"""Write the tables of a ledger into docs/ledger-schema.md, from the comments in its schema.

Run it after changing the schema: ``.venv/bin/python scripts/ledger_schema.py``.
"""

from __future__ import annotations

import re
from pathlib import Path

from localensemble.ledger.schema import MIGRATIONS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "ledger-schema.md"
BEGIN = "<!-- tables: made by scripts/ledger_schema.py -->"
END = "<!-- end of tables -->"

_OPENING = re.compile(r"(?:-- (?P<about>.+)\n)+CREATE (?P<what>TABLE|VIEW) (?P<name>\w+)")
_COLUMN = re.compile(r"^ {4}(?P<name>[a-z]\w*) (?P<type>[A-Z]+)(?P<rest>.*?)  -- (?P<about>.+)$")
_RENAMING = re.compile(
    r"(?:-- .+\n)+ALTER TABLE (?P<table>\w+) RENAME COLUMN (?P<old>\w+)\n"
    r" {4}TO (?P<new>\w+)  -- (?P<about>.+)$"
)
_KEY = re.compile(r"^ {4}PRIMARY KEY \((?P<columns>.+)\)", re.MULTILINE)


def tables() -> str:
    """Return every table and view as Markdown."""
    sections: dict[str, str] = {}
    for sql in (sql for migration in MIGRATIONS for sql in migration.statements):
        if opening := _OPENING.match(sql):
            name, about = opening["name"], opening["about"]
            is_table = opening["what"] == "TABLE"
            sections[name] = (
                _table(sql, name, about) if is_table else f"### `{name}` (view)\n\n{about}\n"
            )
        elif renaming := _RENAMING.match(sql):
            sections[renaming["table"]] = re.sub(
                rf"^\| `{renaming['old']}` \| (.+?) \| .+ \|$",
                rf"| `{renaming['new']}` | \1 | {renaming['about']} |",
                sections[renaming["table"]],
                flags=re.MULTILINE,
            )
    return "\n".join(sections.values())


def page(text: str) -> str:
    """Return the page with the tables between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables()}\n{END}{after}"


def _table(sql: str, name: str, about: str) -> str:
    key = _KEY.search(sql)
    keys = set(key["columns"].split(", ")) if key else set()
    lines = [f"### `{name}`", "", about, "", "| column | type | meaning |", "| --- | --- | --- |"]
    for line in sql.splitlines():
        column = _COLUMN.match(line)
        if column is None:
            continue
        in_key = column["name"] in keys or "PRIMARY KEY" in column["rest"]
        optional = not in_key and "NOT NULL" not in column["rest"]
        kind = column["type"] + (", key" if in_key else ", or empty" if optional else "")
        lines.append(f"| `{column['name']}` | {kind} | {column['about']} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
