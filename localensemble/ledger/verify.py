"""Verify a ledger: compute every hash again and report the first that does not match.

Finds every record, event or label that was changed, removed or inserted, and damage to the
file. It cannot detect that the newest events were cut off cleanly, or that a forger rewrote the
whole chain: to detect these, compare ``head_sha256`` with a copy kept elsewhere. Nor does it detect
that a forger appended a withdrawal to vouch for other changes in the events that it redacts.
"""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from localensemble.core.errors import LedgerError
from localensemble.core.identity import canonical_json
from localensemble.ledger.connection import applied_migrations, migrate, open_for_reading
from localensemble.ledger.digests import CHAIN_START, event_sha256
from localensemble.ledger.events import BODIES, RECORD_TABLES, REDACTED_KINDS, MismatchError
from localensemble.ledger.schema import MIGRATIONS

# Tables whose rows belong to records of another table, and queries for their expected row count.
_ROW_SUMS = (
    ("item", "SELECT coalesce(max(item_key), 0) FROM item_set_member"),
    ("item_set_member", "SELECT coalesce(sum(item_count), 0) FROM item_set"),
    ("category", "SELECT count(*) FROM category JOIN variable USING (variable_key)"),
    (
        "codebook_variable",
        "SELECT count(*) FROM codebook_variable JOIN codebook USING (codebook_key)",
    ),
    ("block_variable", "SELECT count(*) FROM block_variable JOIN block USING (block_key)"),
    (
        "label",
        "SELECT coalesce(sum(label_count), 0)"
        " - (SELECT coalesce(sum(label_count), 0) FROM withdrawal) FROM block_variable",
    ),
    (
        "person_decision",
        "SELECT count(*) FROM person_decision JOIN decision_batch USING (batch_key)",
    ),
    (
        "item_passages",
        "SELECT count(*) FROM item_passages JOIN passage_batch USING (batch_key)",
    ),
    ("withdrawn_item", "SELECT coalesce(sum(item_count), 0) FROM withdrawal"),
    ("redaction", "SELECT coalesce(sum(redaction_count), 0) FROM withdrawal"),
)


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where a ledger differs from what was written."""

    where: str
    found: str
    expected: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of verifying a ledger.

    Attributes:
        broken: the first break; None if the ledger is intact.
        events: the number of events checked.
        counts: the number of rows checked, by table; empty if the ledger is broken.
        head_sha256: the hash of the last event checked. It identifies the whole ledger.
    """

    broken: Break | None
    events: int
    counts: dict[str, int]
    head_sha256: str

    @property
    def ok(self) -> bool:
        """True if every recorded hash was confirmed."""
        return self.broken is None


class _Verifier:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.events = 0
        self.head_sha256 = CHAIN_START
        self.counts: dict[str, int] = {}
        self._records = dict.fromkeys(RECORD_TABLES, 0)
        self._place = "schema"

    def run(self) -> Break | None:
        """Check everything; stop at the first break."""
        try:
            self._check_schema()
            self._check_events()
            self._check_counts()
            self._place = "file"
            self._expect("structure", self._one("PRAGMA integrity_check(1)"), "ok")
        except MismatchError as error:
            return Break(f"{self._place}: {error.what}", error.found, error.expected)
        except sqlite3.DatabaseError as error:
            return Break(f"{self._place}: file", str(error), "a sound SQLite file")
        except (AttributeError, TypeError, ValueError, struct.error):
            return Break(f"{self._place}: value", "an unexpected type", "the type as written")
        return None

    def _check_schema(self) -> None:
        query = "SELECT type, name, tbl_name, sql FROM sqlite_master"
        # A ledger that is not migrated yet is intact if it is what its own version wrote.
        applied = len(applied_migrations(self._connection))
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as fresh:
            migrate(fresh, MIGRATIONS[:applied])
            wanted = fresh.execute(query).fetchall()
        found = self._connection.execute(query).fetchall()
        for row in sorted({*found, *wanted}, key=str):
            self._expect(
                f"{row[0]} {row[1]}",
                "as defined" if row in found else "changed or missing",
                "as defined" if row in wanted else "nothing with this name and definition",
            )

    def _check_events(self) -> None:
        # The newest redaction of an event comes last and stays.
        redacted: dict[object, object] = dict(
            self._connection.execute(
                "SELECT event_number, sha256 FROM redaction ORDER BY withdrawal_key"
            ).fetchall()
        )
        for number, kind, recorded_at, body, sha256 in self._connection.execute(
            "SELECT number, kind, recorded_at, body, sha256 FROM event ORDER BY number"
        ):
            self._place = f"event {self.events + 1}"
            self._expect("number", number, self.events + 1)
            self._place = f"event {number} ({kind})"
            # The hash of a redacted event is over a body that is gone: the next event confirms it.
            gone = number in redacted and kind in REDACTED_KINDS
            derived = event_sha256(
                sha256 if gone else self.head_sha256,
                number=number,
                kind=kind,
                recorded_at=recorded_at,
                body=body,
            )
            self._expect("sha256", redacted[number] if gone else sha256, derived)
            if kind not in BODIES:
                raise MismatchError("kind", found=str(kind), expected="a known kind")
            # The record is first compared with its own hash, then with its event.
            self._expect("record", canonical_json(BODIES[kind](self._connection, number)), body)
            self._records[kind] += 1
            self.events = number
            self.head_sha256 = sha256

    def _check_counts(self) -> None:
        for kind, table in RECORD_TABLES.items():
            self._check_count(table, self._records[kind])
        for table, query in _ROW_SUMS:
            self._check_count(table, self._one(query))

    def _check_count(self, table: str, expected: object) -> None:
        self._place = f"table {table}"
        found = self._one(f"SELECT count(*) FROM {table}")
        self._expect("rows", found, expected)
        self.counts[table] = int(str(found))

    def _one(self, query: str) -> object:
        return self._connection.execute(query).fetchone()[0]

    def _expect(self, what: str, found: object, expected: object) -> None:
        if found != expected:
            raise MismatchError(what, found=str(found), expected=str(expected))


def verify(path: Path) -> Verification:
    """Compute every hash of a ledger again, in bounded memory.

    Raises:
        LedgerError: the file is missing, not a ledger, or written by a newer version.
    """
    with closing(open_for_reading(path)) as connection:
        # All queries see the same state of the file, even while a run is writing.
        connection.execute("BEGIN")
        verifier = _Verifier(connection)
        broken = verifier.run()
        return Verification(
            broken=broken,
            events=verifier.events,
            counts={} if broken else verifier.counts,
            head_sha256=verifier.head_sha256,
        )


def refuse_changed(path: Path) -> None:
    """Refuse a ledger that has been changed, before anything is computed from it.

    Raises:
        LedgerError: the ledger has been changed; the message says where. Or the file is
            missing, not a ledger, or written by a newer version.
    """
    broken = verify(path).broken
    if broken is not None:
        raise LedgerError(
            f'The ledger "{path}" has been changed: {broken.where} is not what was written.',
            hint="Nothing is computed from it. Restore the file from a copy; "
            "`localensemble ledger verify` shows what was found and what was expected.",
        )
