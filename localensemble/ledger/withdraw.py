"""Take items out of a ledger: no id, content hash, label, passage or decision of them is left.

This is the only place that changes rows. What it changes it also records: a withdrawal is an
event like any other. Events whose body named a withdrawn item, or a hash of it together with
others, get a new body; their own hash stays, so the chain stays whole, and the withdrawal
vouches for the new body. `verify` accepts exactly these changes.
"""

from __future__ import annotations

import json
import os
import sqlite3
import struct
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager

from localensemble.core.errors import LedgerError
from localensemble.core.identity import JsonValue, canonical_json, sha256_item
from localensemble.core.labels import ItemId
from localensemble.ledger.connection import transaction
from localensemble.ledger.digests import event_sha256, hashed_id
from localensemble.ledger.events import BODIES, append_event, next_number

Redact = Callable[[JsonValue, Collection[str]], JsonValue]
"""Return the settings of a run without the ids and hashes given."""

_SALT_BYTES = 16
_CHANGED_TABLES = ("event", "item", "item_passages", "label", "person_decision", "run")
_WITHDRAWN = "(SELECT item_key FROM withdrawn_item WHERE withdrawal_key = ?)"


def withdraw_rows(
    connection: sqlite3.Connection, ids: Collection[ItemId], *, redact: Redact
) -> int:
    """Remove every trace of the items with these ids, record it, and compact the file.

    Returns:
        The number of items that were removed. A corrected text makes another item with the same
        id, and each counts. Ids that are not in the ledger count nothing.

    Raises:
        LedgerError: another process reads the ledger, which keeps earlier content in its file.
    """
    connection.execute("PRAGMA secure_delete = ON")
    found = 0
    with transaction(connection):
        items = _items(connection, ids)
        if items:
            with _without_triggers(connection):
                _withdraw(connection, items, redact)
            found = len(items)
    # Free pages, and the journal, may hold earlier content.
    connection.execute("VACUUM")
    (busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise LedgerError(
            "The withdrawal is recorded, but another process reads the ledger, so its file still "
            "holds the items.",
            hint="Close what has the study open, such as a notebook, and run the command again.",
        )
    return found


def _items(
    connection: sqlite3.Connection, ids: Collection[ItemId]
) -> list[tuple[int, ItemId, bytes]]:
    wanted = set(map(str, ids))
    rows = connection.execute("SELECT item_key, item_id, content_sha256 FROM item")
    return [(key, ItemId(item_id), content) for key, item_id, content in rows if item_id in wanted]


@contextmanager
def _without_triggers(connection: sqlite3.Connection) -> Iterator[None]:
    """Lift the triggers that refuse changes; they are back when the transaction ends."""
    marks = ", ".join("?" * len(_CHANGED_TABLES))
    triggers = connection.execute(
        f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ({marks})",
        _CHANGED_TABLES,
    ).fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    yield
    for _, definition in triggers:
        connection.execute(definition)


def _withdraw(
    connection: sqlite3.Connection, items: list[tuple[int, ItemId, bytes]], redact: Redact
) -> None:
    key = next_number(connection)
    salt = _salt(connection) or os.urandom(_SALT_BYTES)
    connection.executemany(
        "INSERT INTO withdrawn_item VALUES (?, ?, ?)",
        ((item_key, key, hashed_id(item_id, salt=salt)) for item_key, item_id, _ in items),
    )
    changed = [
        *_numbers(
            connection,
            f"SELECT DISTINCT item_set_key FROM item_set_member WHERE item_key IN {_WITHDRAWN}",
            key,
        ),
        *_numbers(
            connection, f"SELECT DISTINCT block_key FROM label WHERE item_key IN {_WITHDRAWN}", key
        ),
        *_numbers(
            connection,
            f"SELECT DISTINCT batch_key FROM person_decision WHERE item_key IN {_WITHDRAWN}",
            key,
        ),
        *_numbers(
            connection,
            f"SELECT DISTINCT batch_key FROM item_passages WHERE item_key IN {_WITHDRAWN}",
            key,
        ),
        *_redacted_runs(connection, items, redact),
    ]
    labels = connection.execute(f"DELETE FROM label WHERE item_key IN {_WITHDRAWN}", (key,))
    for table in ("person_decision", "item_passages"):
        connection.execute(f"DELETE FROM {table} WHERE item_key IN {_WITHDRAWN}", (key,))
    connection.executemany(
        "UPDATE item SET item_id = '', content_sha256 = ? WHERE item_key = ?",
        ((struct.pack(">q", item_key), item_key) for item_key, _, _ in items),
    )
    for number in changed:
        _redact_event(connection, number, withdrawal=key)
    connection.execute(
        "INSERT INTO withdrawal VALUES (?, ?, ?, ?, ?)",
        (key, len(items), labels.rowcount, len(changed), salt),
    )
    append_event(connection, "items_withdrawn", number=key)


def _salt(connection: sqlite3.Connection) -> bytes | None:
    row = connection.execute("SELECT salt FROM withdrawal ORDER BY 1 LIMIT 1").fetchone()
    return None if row is None else bytes(row[0])


def _numbers(connection: sqlite3.Connection, query: str, key: int) -> list[int]:
    return [int(number) for (number,) in connection.execute(query, (key,))]


def _redacted_runs(
    connection: sqlite3.Connection, items: list[tuple[int, ItemId, bytes]], redact: Redact
) -> list[int]:
    """Rewrite the settings that name the items; return the keys of these runs."""
    names = {
        name
        for _, item_id, content in items
        for name in (
            str(item_id),
            content.hex(),
            sha256_item(item_id, content_sha256=content.hex()),
        )
    }
    changed = []
    for key, settings in connection.execute("SELECT run_key, settings FROM run").fetchall():
        left = canonical_json(redact(json.loads(settings), names))
        if left != settings:
            connection.execute("UPDATE run SET settings = ? WHERE run_key = ?", (left, key))
            changed.append(int(key))
    return changed


def _redact_event(connection: sqlite3.Connection, number: int, *, withdrawal: int) -> None:
    kind, recorded_at, sha256 = connection.execute(
        "SELECT kind, recorded_at, sha256 FROM event WHERE number = ?", (number,)
    ).fetchone()
    body = canonical_json(BODIES[kind](connection, number))
    connection.execute("UPDATE event SET body = ? WHERE number = ?", (body, number))
    vouched = event_sha256(sha256, number=number, kind=kind, recorded_at=recorded_at, body=body)
    connection.execute("INSERT INTO redaction VALUES (?, ?, ?)", (withdrawal, number, vouched))
