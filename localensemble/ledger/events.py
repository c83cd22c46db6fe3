"""Events: how each record enters the chain.

An event's body is made from the rows of its record, both when the event is written and when
it is verified. So any difference between a record and its event is found.
"""

from __future__ import annotations

import hashlib
import sqlite3
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from localensemble.core.foreign_json import read_json
from localensemble.core.identity import JsonValue, canonical_json, sha256_json, sha256_text
from localensemble.ledger.digests import (
    CHAIN_START,
    ItemSetHash,
    decisions_sha256,
    event_sha256,
    labels_sha256,
    passages_sha256,
)

_LABELS_OF_BLOCK = """
SELECT label.item_key, status, category, confidence, off_codebook_mass, probabilities, reason
FROM item_set_member AS member
CROSS JOIN label ON label.rater_key = ? AND label.variable_key = ?
    AND label.item_key = member.item_key AND label.block_key = ?
WHERE member.item_set_key = ? AND member.position >= ? AND member.position < ?
ORDER BY member.position"""

_DECISIONS_OF_BATCH = """
SELECT item_key, variable_key, answer, category, role, shown, decided_at, seconds, confidence,
    error_type, note, category_order
FROM person_decision WHERE batch_key = ? ORDER BY item_key, variable_key"""

_PASSAGES_OF_BATCH = """
SELECT item_key, passages, left_out, reason FROM item_passages WHERE batch_key = ?
ORDER BY item_key"""

# More than any item set has.
_MOST_ITEMS = 1 << 62


class MismatchError(Exception):
    """Report a record that does not match its own hash."""

    def __init__(self, what: str, *, found: str, expected: str) -> None:
        super().__init__(what)
        self.what = what
        self.found = found
        self.expected = expected


def next_number(connection: sqlite3.Connection) -> int:
    """Return the number of the next event, which is also the key of its record."""
    return int(connection.execute("SELECT coalesce(max(number), 0) + 1 FROM event").fetchone()[0])


def append_event(connection: sqlite3.Connection, kind: str, *, number: int) -> None:
    """Chain an event to the last one; its record must already be in the tables."""
    row = connection.execute("SELECT sha256 FROM event WHERE number = ?", (number - 1,)).fetchone()
    previous = CHAIN_START if row is None else str(row[0])
    recorded_at = datetime.now(UTC).isoformat(timespec="milliseconds")
    body = canonical_json(BODIES[kind](connection, number))
    digest = event_sha256(previous, number=number, kind=kind, recorded_at=recorded_at, body=body)
    connection.execute(
        "INSERT INTO event VALUES (?, ?, ?, ?, ?)", (number, kind, recorded_at, body, digest)
    )


def _row(connection: sqlite3.Connection, query: str, key: int) -> tuple[object, ...]:
    row: tuple[object, ...] | None = connection.execute(query, (key,)).fetchone()
    if row is None:
        raise MismatchError("record", found="no such record", expected="one record")
    return row


def _hashed(sha256: object, content: object) -> str:
    """Return the hash after checking that it matches the content."""
    derived = sha256_text(str(content))
    if sha256 != derived:
        raise MismatchError("sha256 of its content", found=derived, expected=str(sha256))
    return derived


def _parsed(text: object) -> JsonValue:
    """Parse canonical JSON; refuse any other way of writing the same value."""
    value: JsonValue = read_json(str(text))
    if canonical_json(value) != text:
        raise MismatchError("JSON", found="other JSON", expected="canonical JSON")
    return value


def _migrated(connection: sqlite3.Connection, key: int) -> JsonValue:
    name, sha256 = _row(
        connection, "SELECT name, sha256 FROM migration WHERE migration_key = ?", key
    )
    return {"name": name, "sha256": sha256}


def _items_registered(connection: sqlite3.Connection, key: int) -> JsonValue:
    sha256, item_count = _row(
        connection, "SELECT sha256, item_count FROM item_set WHERE item_set_key = ?", key
    )
    digest = ItemSetHash()
    keys = hashlib.sha256()
    members = withdrawn = 0
    for position, item_key, item_id, content_sha256, is_withdrawn in connection.execute(
        "SELECT position, item_key, item_id, content_sha256, withdrawn_item.item_key IS NOT NULL"
        " FROM item_set_member CROSS JOIN item USING (item_key)"
        " LEFT JOIN withdrawn_item USING (item_key) WHERE item_set_key = ? ORDER BY position",
        (key,),
    ):
        if position != members:
            raise MismatchError("position", found=str(position), expected=str(members))
        members += 1
        withdrawn += is_withdrawn
        digest.add(item_id, content_sha256.hex())
        keys.update(struct.pack("<q", item_key))
    if not withdrawn and digest.hexdigest() != sha256:
        raise MismatchError("sha256 of its items", found=digest.hexdigest(), expected=str(sha256))
    if members != item_count:
        raise MismatchError("items", found=str(members), expected=str(item_count))
    # The second hash ties each item to its key, which labels refer to.
    body: dict[str, object] = {
        "item_set": sha256,
        "items": members,
        "keys_sha256": keys.hexdigest(),
    }
    if withdrawn:
        body |= {"withdrawn": withdrawn, "left_sha256": digest.hexdigest()}
    return body


def _variable_registered(connection: sqlite3.Connection, key: int) -> JsonValue:
    sha256, name, content = _row(
        connection, "SELECT sha256, name, content FROM variable WHERE variable_key = ?", key
    )
    rows = connection.execute(
        "SELECT position, name FROM category WHERE variable_key = ? ORDER BY position", (key,)
    )
    categories = [list(row) for row in rows]
    return {"sha256": _hashed(sha256, content), "name": name, "categories": categories}


def _codebook_registered(connection: sqlite3.Connection, key: int) -> JsonValue:
    sha256, content = _row(
        connection, "SELECT sha256, content FROM codebook WHERE codebook_key = ?", key
    )
    rows = connection.execute(
        "SELECT position, variable_key FROM codebook_variable WHERE codebook_key = ?"
        " ORDER BY position",
        (key,),
    )
    return {"sha256": _hashed(sha256, content), "variables": [list(row) for row in rows]}


def _rater_registered(connection: sqlite3.Connection, key: int) -> JsonValue:
    sha256, identity = _row(
        connection, "SELECT sha256, identity FROM rater WHERE rater_key = ?", key
    )
    return {"sha256": _hashed(sha256, identity)}


def _rater_named(connection: sqlite3.Connection, key: int) -> JsonValue:
    rater_key, name = _row(
        connection, "SELECT rater_key, name FROM rater_name WHERE rater_name_key = ?", key
    )
    return {"rater": rater_key, "name": name}


def _run_started(connection: sqlite3.Connection, key: int) -> JsonValue:
    (settings,) = _row(connection, "SELECT settings FROM run WHERE run_key = ?", key)
    return {"settings": _parsed(settings)}


def _run_finished(connection: sqlite3.Connection, key: int) -> JsonValue:
    run_key, status, summary = _row(
        connection, "SELECT run_key, status, summary FROM run_end WHERE run_end_key = ?", key
    )
    return {"run": run_key, "status": status, "summary": _parsed(summary)}


def _labels_appended(connection: sqlite3.Connection, key: int) -> JsonValue:
    run, rater, item_set, start, stop, *usage = _row(
        connection,
        "SELECT run_key, rater_key, item_set_key, start, stop,"
        " prompt_tokens, evaluated_tokens, seconds, peak_memory_bytes"
        " FROM block WHERE block_key = ?",
        key,
    )
    labels = []
    variables = connection.execute(
        "SELECT variable_key, label_count FROM block_variable WHERE block_key = ?"
        " ORDER BY variable_key",
        (key,),
    ).fetchall()
    for variable, label_count in variables:
        rows = connection.execute(
            _LABELS_OF_BLOCK, (rater, variable, key, item_set, start, stop)
        ).fetchall()
        gone = int(label_count) - len(rows)
        if gone and not 0 <= gone <= _withdrawn(connection, item_set, start, stop):
            raise MismatchError("labels", found=str(len(rows)), expected=str(label_count))
        labels.append({"variable": variable, "labels": len(rows), "sha256": labels_sha256(rows)})
    return {
        "run": run,
        "rater": rater,
        "item_set": item_set,
        "start": start,
        "stop": stop,
        "usage": usage,
        "labels": labels,
    }


def _hex(value: object) -> str:
    if not isinstance(value, bytes):
        raise TypeError("expected bytes")
    return value.hex()


def _withdrawn(connection: sqlite3.Connection, *place: object) -> int:
    """Count the withdrawn items at positions ``start`` to ``stop - 1`` of an item set."""
    row = connection.execute(
        "SELECT count(*) FROM item_set_member JOIN withdrawn_item USING (item_key)"
        " WHERE item_set_key = ? AND position >= ? AND position < ?",
        place,
    ).fetchone()
    return int(row[0])


def _items_withdrawn(connection: sqlite3.Connection, key: int) -> JsonValue:
    item_count, label_count, redaction_count, salt = _row(
        connection,
        "SELECT item_count, label_count, redaction_count, salt FROM withdrawal"
        " WHERE withdrawal_key = ?",
        key,
    )
    items = connection.execute(
        "SELECT item_key, id_sha256 FROM withdrawn_item WHERE withdrawal_key = ? ORDER BY item_key",
        (key,),
    ).fetchall()
    redactions = connection.execute(
        "SELECT event_number, sha256 FROM redaction"
        " WHERE withdrawal_key = ? AND event_number < withdrawal_key ORDER BY event_number",
        (key,),
    ).fetchall()
    for what, rows, count in (
        ("items", items, item_count),
        ("redactions", redactions, redaction_count),
    ):
        if len(rows) != count:
            raise MismatchError(what, found=str(len(rows)), expected=str(count))
    return {
        "items": item_count,
        "labels": label_count,
        "redactions": redaction_count,
        "salt": _hex(salt),
        "items_sha256": sha256_json([[item_key, _hex(sha256)] for item_key, sha256 in items]),
        "redactions_sha256": sha256_json([[number, sha256] for number, sha256 in redactions]),
    }


def _reviewer_registered(connection: sqlite3.Connection, key: int) -> JsonValue:
    (name,) = _row(connection, "SELECT name FROM reviewer WHERE reviewer_key = ?", key)
    return {"name": name}


def _decisions_recorded(connection: sqlite3.Connection, key: int) -> JsonValue:
    reviewer, item_set, origin, decision_count = _row(
        connection,
        "SELECT reviewer_key, item_set_key, origin, decision_count FROM decision_batch"
        " WHERE batch_key = ?",
        key,
    )
    (left,) = _row(connection, "SELECT count(*) FROM person_decision WHERE batch_key = ?", key)
    if left != decision_count and not _withdrawn(connection, item_set, 0, _MOST_ITEMS):
        raise MismatchError("decisions", found=str(left), expected=str(decision_count))
    return {
        "reviewer": reviewer,
        "item_set": item_set,
        "origin": origin,
        "recorded": decision_count,
        "decisions": left,
        "sha256": decisions_sha256(connection.execute(_DECISIONS_OF_BATCH, (key,))),
    }


def _file_made(connection: sqlite3.Connection, key: int) -> JsonValue:
    kind, variable, sha256 = _row(
        connection, "SELECT kind, variable, sha256 FROM made_file WHERE made_file_key = ?", key
    )
    return {"kind": kind, "variable": variable, "sha256": sha256}


def _passages_recorded(connection: sqlite3.Connection, key: int) -> JsonValue:
    run, rater, variable, item_set, method, item_count, seconds = _row(
        connection,
        "SELECT run_key, rater_key, variable_key, item_set_key, method, item_count, seconds"
        " FROM passage_batch WHERE batch_key = ?",
        key,
    )
    rows = connection.execute(_PASSAGES_OF_BATCH, (key,)).fetchall()
    if len(rows) != item_count and not _withdrawn(connection, item_set, 0, _MOST_ITEMS):
        raise MismatchError("items", found=str(len(rows)), expected=str(item_count))
    return {
        "run": run,
        "rater": rater,
        "variable": variable,
        "item_set": item_set,
        "method": _parsed(method),
        "seconds": seconds,
        "recorded": item_count,
        "items": len(rows),
        "sha256": passages_sha256(rows),
    }


# Maps each kind of event to the function that makes its body from the record with its number.
BODIES: Mapping[str, Callable[[sqlite3.Connection, int], JsonValue]] = MappingProxyType(
    {
        "migrated": _migrated,
        "items_registered": _items_registered,
        "variable_registered": _variable_registered,
        "codebook_registered": _codebook_registered,
        "rater_registered": _rater_registered,
        "rater_named": _rater_named,
        "run_started": _run_started,
        "run_finished": _run_finished,
        "labels_appended": _labels_appended,
        "items_withdrawn": _items_withdrawn,
        "reviewer_registered": _reviewer_registered,
        "decisions_recorded": _decisions_recorded,
        "file_made": _file_made,
        "passages_recorded": _passages_recorded,
    }
)

# Maps each kind of event to the table that has exactly one record for each event.
RECORD_TABLES: Mapping[str, str] = MappingProxyType(
    {
        "migrated": "migration",
        "items_registered": "item_set",
        "variable_registered": "variable",
        "codebook_registered": "codebook",
        "rater_registered": "rater",
        "rater_named": "rater_name",
        "run_started": "run",
        "run_finished": "run_end",
        "labels_appended": "block",
        "items_withdrawn": "withdrawal",
        "reviewer_registered": "reviewer",
        "decisions_recorded": "decision_batch",
        "file_made": "made_file",
        "passages_recorded": "passage_batch",
    }
)

# The kinds of events in which something of a withdrawn item can stand.
REDACTED_KINDS = frozenset(
    {
        "items_registered",
        "labels_appended",
        "run_started",
        "decisions_recorded",
        "passages_recorded",
    }
)
