"""Append the passages that a rater found, and check them, because a record cannot be undone."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping

from localensemble.core.errors import LedgerError
from localensemble.core.identity import canonical_json
from localensemble.ledger.events import append_event, next_number
from localensemble.ledger.records import AskedForPassages, ItemPassages, Passage

_APPEND = """
INSERT INTO item_passages SELECT {batch}, item_key, ?2, ?3, ?4 FROM item_set_member AS member
WHERE item_set_key = {item_set} AND position = ?1
    AND item_key NOT IN (SELECT item_key FROM withdrawn_item)
    AND NOT EXISTS (
        SELECT 1 FROM item_passages AS had CROSS JOIN passage_batch AS earlier USING (batch_key)
        WHERE had.item_key = member.item_key AND earlier.rater_key = {rater}
            AND earlier.variable_key = {variable} AND earlier.method = ?5
    )"""


def append_passages(
    connection: sqlite3.Connection,
    found: Mapping[int, ItemPassages],
    *,
    asked: AskedForPassages,
    category_count: int,
    seconds: float | None,
) -> None:
    """Append what one rater found in items, by position; without any item, append nothing.

    Raises:
        LedgerError: an item was withdrawn, is not in the item set, or was asked before.
        ValueError: a passage contradicts itself or its variable.
    """
    rows = [
        (
            position,
            _as_json(one.passages, position, category_count),
            one.left_out,
            one.reason or None,
        )
        for position, one in found.items()
    ]
    if not rows:
        return
    batch = next_number(connection)
    connection.execute(
        "INSERT INTO passage_batch VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            batch,
            asked.run,
            asked.rater,
            asked.variable,
            asked.item_set,
            asked.method,
            len(rows),
            None if seconds is None else seconds + 0.0,
        ),
    )
    statement = _APPEND.format(
        batch=batch,
        item_set=int(asked.item_set),
        rater=int(asked.rater),
        variable=int(asked.variable),
    )
    appended = connection.executemany(statement, [(*row, asked.method) for row in rows]).rowcount
    if appended != len(rows):
        raise LedgerError(
            f"Cannot record the passages of {len(rows):,} items: one was withdrawn, is not in the "
            "item set, or has them already.",
            hint="Run the command again; it asks only about items that are left.",
        )
    append_event(connection, "passages_recorded", number=batch)


def _as_json(passages: tuple[Passage, ...], position: int, category_count: int) -> str:
    for one in passages:
        if not 0 <= one.start < one.stop:
            raise ValueError(f"Item {position}: a passage from {one.start} to {one.stop}.")
        if one.category is not None and not 0 <= one.category < category_count:
            raise ValueError(
                f"Item {position}: category {one.category}; expected 0 to {category_count - 1}."
            )
        if one.score is not None and not math.isfinite(one.score):
            raise ValueError(f"Item {position}: a score that is not a number.")
    return canonical_json([[one.start, one.stop, one.category, one.score] for one in passages])
