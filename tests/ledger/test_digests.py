"""The hashes are those that docs/ledger-schema.md states in words."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.ledger.studies import Study

NAN = bytes.fromhex("000000000000f87f")


@pytest.fixture(scope="module")
def connection(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    study = Study(tmp_path_factory.mktemp("study") / "study.sqlite", item_count=12)
    study.finish()
    with closing(sqlite3.connect(study.path)) as opened:
        yield opened


def test_events_are_chained_as_documented(connection: sqlite3.Connection) -> None:
    previous = "0" * 64
    for number, kind, recorded_at, body, sha256 in connection.execute(
        "SELECT number, kind, recorded_at, body, sha256 FROM event ORDER BY number"
    ):
        lines = f"{previous}\n{number}\n{kind}\n{recorded_at}\n{body}"
        previous = hashlib.sha256(lines.encode()).hexdigest()
        assert sha256 == previous


def test_items_are_hashed_as_documented(connection: sqlite3.Connection) -> None:
    rows = connection.execute(
        "SELECT item_id, lower(hex(content_sha256)), item_key FROM item_set_member"
        " JOIN item USING (item_key) ORDER BY position"
    ).fetchall()
    text = "".join(f'["{item_id}","{content_sha256}"]\n' for item_id, content_sha256, _ in rows)
    keys = b"".join(key.to_bytes(8, "little") for _, _, key in rows)
    body = connection.execute("SELECT body FROM event WHERE kind = 'items_registered'").fetchone()
    assert json.loads(body[0]) == {
        "item_set": hashlib.sha256(text.encode()).hexdigest(),
        "items": 12,
        "keys_sha256": hashlib.sha256(keys).hexdigest(),
    }


def test_contents_are_hashed_as_documented(connection: sqlite3.Connection) -> None:
    for table, content in (("codebook", "content"), ("variable", "content"), ("rater", "identity")):
        for sha256, text in connection.execute(f"SELECT sha256, {content} FROM {table}"):
            assert sha256 == hashlib.sha256(text.encode()).hexdigest()


def test_labels_are_hashed_as_documented(connection: sqlite3.Connection) -> None:
    events = connection.execute(
        "SELECT number, body FROM event WHERE kind = 'labels_appended'"
    ).fetchall()
    checked = 0
    for number, body in events:
        for entry in json.loads(body)["labels"]:
            rows = connection.execute(
                "SELECT item_key, status, category, confidence, off_codebook_mass,"
                " probabilities, reason FROM label JOIN item_set_member USING (item_key)"
                " WHERE block_key = ? AND variable_key = ? ORDER BY position",
                (number, entry["variable"]),
            ).fetchall()
            column = list(zip(*rows, strict=True))
            data = b"".join(key.to_bytes(8, "little") for key in column[0])
            data += bytes(column[1])
            for category in column[2]:
                number_or_none = -1 if category is None else category
                data += number_or_none.to_bytes(2, "little", signed=True)
            for values in column[3:5]:
                data += b"".join(NAN if v is None else struct.pack("<d", v) for v in values)
            for blob in column[5]:
                data += (-1 if blob is None else len(blob)).to_bytes(4, "little", signed=True)
            data += b"".join(blob or b"" for blob in column[5])
            data += json.dumps(column[6], separators=(",", ":")).encode()
            assert entry["labels"] == len(rows)
            assert entry["sha256"] == hashlib.sha256(data).hexdigest()
            checked += len(rows)
    assert checked == 48
