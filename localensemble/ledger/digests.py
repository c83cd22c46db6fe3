"""The hashes that only a ledger needs; `docs/ledger-schema.md` describes each in words.

They are simple enough to recompute in any language from the tables alone.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence

from localensemble.core.identity import canonical_json, sha256_text
from localensemble.core.labels import ItemId

# Takes the place of the previous hash for the first event.
CHAIN_START = "0" * 64

# item key, status, category, confidence, off-codebook mass, probabilities, reason
LabelRow = tuple[int, int, int | None, float | None, float | None, bytes | None, str | None]

# item key, variable key, answer, category, role, shown, time, seconds, confidence, error type,
# note, category order
DecisionRow = tuple[
    int,
    int,
    int,
    int | None,
    int,
    int,
    str,
    float | None,
    int | None,
    str | None,
    str | None,
    str | None,
]

# item key, passages, left out, reason
PassageRow = tuple[int, str, int, str | None]


class ItemSetHash:
    """Hash an item set, item by item in order.

    SHA-256 over one line of canonical JSON, ``["id","hash of the content"]``, per item.
    """

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def add(self, item_id: ItemId, content_sha256: str) -> None:
        """Add the next item."""
        line = canonical_json([item_id, content_sha256]) + "\n"
        self._digest.update(line.encode("utf-8", "surrogatepass"))

    def hexdigest(self) -> str:
        """Return the hash of the items so far as 64 hexadecimal digits."""
        return self._digest.hexdigest()


def event_sha256(previous: str, *, number: int, kind: str, recorded_at: str, body: str) -> str:
    """Hash an event together with the hash before it: five lines, no newline at the end."""
    return sha256_text("\n".join((previous, str(number), kind, recorded_at, body)))


def hashed_id(item_id: ItemId, *, salt: bytes) -> bytes:
    """Hash an id, so that only someone who has the id can tell that it was withdrawn."""
    return hashlib.sha256(salt + item_id.encode("utf-8", "surrogatepass")).digest()


def labels_sha256(rows: Sequence[LabelRow]) -> str:
    """Hash the labels of one block and variable, in item order, column by column.

    Raises:
        ValueError, TypeError, struct.error: a value has a type that was never written.
    """
    digest = hashlib.sha256()
    if rows:
        keys, statuses, categories, confidences, masses, probabilities, reasons = zip(
            *rows, strict=True
        )
        if any(category is not None and category < 0 for category in categories):
            raise ValueError("A category is negative.")
        n = len(rows)
        digest.update(struct.pack(f"<{n}q", *keys))
        digest.update(struct.pack(f"<{n}B", *statuses))
        digest.update(struct.pack(f"<{n}h", *_filled(categories, -1)))
        digest.update(struct.pack(f"<{n}d", *_filled(confidences, float("nan"))))
        digest.update(struct.pack(f"<{n}d", *_filled(masses, float("nan"))))
        lengths = [-1 if blob is None else len(blob) for blob in probabilities]
        digest.update(struct.pack(f"<{n}i", *lengths))
        digest.update(b"".join(blob for blob in probabilities if blob is not None))
        digest.update(canonical_json(reasons).encode("utf-8"))
    return digest.hexdigest()


def decisions_sha256(rows: Iterable[DecisionRow]) -> str:
    """Hash the decisions of one batch, in order of item and variable: one JSON line for each.

    Raises:
        ValueError, TypeError, struct.error: a value has a type that was never written.
    """
    digest = hashlib.sha256()
    for row in rows:
        seconds = row[7]
        exact = None if seconds is None else struct.pack("<d", seconds).hex()
        line = canonical_json([*row[:7], exact, *row[8:]]) + "\n"
        digest.update(line.encode("utf-8"))
    return digest.hexdigest()


def passages_sha256(rows: Iterable[PassageRow]) -> str:
    """Hash the passages of one batch, in order of item: one JSON line for each item."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update((canonical_json(row) + "\n").encode("utf-8"))
    return digest.hexdigest()


def _filled(values: Sequence[float | None], gap: float) -> list[float]:
    return [gap if value is None else value for value in values]
