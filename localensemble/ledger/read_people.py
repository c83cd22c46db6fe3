"""Read what people decided: who they are, and their decisions on the items of an item set."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from localensemble.core.label_matrix import GAP
from localensemble.ledger.connection import reported
from localensemble.ledger.records import (
    DecisionRows,
    ItemSetKey,
    PersonDecision,
    ReferenceRole,
    ReviewerKey,
    ReviewerRecord,
    VariableKey,
)
from localensemble.ledger.schema import ANSWER_CODES, ROLE_CODES, SHOWN_CODES

# About how many items are looked through at a time.
_STRETCH = 16_384
_KINDS = {code: kind for kind, code in ANSWER_CODES.items()}
_ROLES = {code: role for role, code in ROLE_CODES.items()}
_SHOWN = {code: shown for shown, code in SHOWN_CODES.items()}

_DECISIONS = """
FROM person_decision AS decision
CROSS JOIN item_set_member AS member
    ON member.item_set_key = ? AND member.item_key = decision.item_key
CROSS JOIN decision_batch AS batch ON batch.batch_key = decision.batch_key
WHERE decision.variable_key = ?"""
_OF_PEOPLE = f"{_DECISIONS} AND role < {ROLE_CODES['known']}"
_COLUMNS = """
SELECT member.position, batch.reviewer_key, decision.batch_key, answer, category, role, shown,
    seconds"""
_ALL_COLUMNS = f"{_COLUMNS}, decided_at, confidence, error_type, note, category_order, origin"


class PeopleReader:
    """Reads what people decided; a part of `LedgerReader`."""

    def __init__(self, connection: sqlite3.Connection, *, path: Path) -> None:
        self._connection = connection
        self.path = path

    def reviewers(self) -> tuple[ReviewerRecord, ...]:
        """Return the people who were registered, in that order."""
        rows = self._rows("SELECT reviewer_key, name FROM reviewer ORDER BY 1")
        return tuple(ReviewerRecord(ReviewerKey(key), name) for key, name in rows)

    def person_decisions(self, item_set: ItemSetKey, variable: VariableKey) -> DecisionRows:
        """Read the decisions on all items, the oldest first; without what people wrote."""
        return _columns(self._stretches(_COLUMNS + _OF_PEOPLE, item_set, variable))

    def reference_labels(
        self, item_set: ItemSetKey, variable: VariableKey, *, role: ReferenceRole
    ) -> DecisionRows:
        """Read the labels that were brought in from tables for one purpose, the oldest first."""
        of_role = f"{_COLUMNS} {_DECISIONS} AND role = {ROLE_CODES[role]}"
        return _columns(self._stretches(of_role, item_set, variable))

    def decisions_of_item(
        self, item_set: ItemSetKey, variable: VariableKey, position: int
    ) -> tuple[PersonDecision, ...]:
        """Read every decision on one item, the oldest first."""
        rows = self._rows(
            f"{_ALL_COLUMNS} {_OF_PEOPLE} AND decision.item_key = (SELECT item_key"
            " FROM item_set_member WHERE item_set_key = ? AND position = ?)"
            " ORDER BY decision.batch_key",
            item_set,
            variable,
            item_set,
            position,
        )
        return tuple(_decision(row, variable) for row in rows)

    def decision_notes(
        self, item_set: ItemSetKey, variable: VariableKey
    ) -> Iterator[PersonDecision]:
        """Yield every decision with what people wrote, item by item, the oldest first."""
        for part in self._stretches(_ALL_COLUMNS + _OF_PEOPLE, item_set, variable):
            for row in part:
                yield _decision(row, variable)

    def _stretches(
        self, query: str, item_set: ItemSetKey, variable: VariableKey
    ) -> Iterator[list[Any]]:
        """Yield the rows of some items at a time, by item and then by batch."""
        (last,) = self._rows("SELECT coalesce(max(item_key), 0) FROM person_decision")[0]
        for start in range(0, last + 1, _STRETCH):
            yield self._rows(
                f"{query} AND decision.item_key >= ? AND decision.item_key < ?"
                " ORDER BY decision.item_key, decision.batch_key",
                item_set,
                variable,
                start,
                start + _STRETCH,
            )

    def _rows(self, query: str, *values: object) -> list[Any]:
        with reported(self.path, doing="read"):
            return self._connection.execute(query, values).fetchall()


def _columns(stretches: Iterator[list[Any]]) -> DecisionRows:
    rows = [row for part in stretches for row in part]
    # Decisions of one batch are in the order of the items.
    rows.sort(key=lambda row: (row[2], row[0]))
    columns = tuple(zip(*rows, strict=True)) if rows else ((),) * 8
    position, reviewer, batch, answer, category, role, shown, seconds = columns
    return DecisionRows(
        np.array(position, dtype=np.int64),
        np.array(reviewer, dtype=np.int64),
        np.array(batch, dtype=np.int64),
        np.array(answer, dtype=np.uint8),
        np.array([GAP if one is None else one for one in category], dtype=np.int16),
        np.array(role, dtype=np.uint8),
        np.array(shown, dtype=np.uint8),
        np.array(seconds, dtype=np.float64),
    )


def _decision(row: tuple[Any, ...], variable: VariableKey) -> PersonDecision:
    position, reviewer, batch, answer, category, role, shown, seconds, *written = row
    decided_at, confidence, error_type, note, order, origin = written
    return PersonDecision(
        position=position,
        variable=variable,
        kind=_KINDS[answer],
        category=category,
        role=_ROLES[role],
        shown=_SHOWN[shown],
        decided_at=decided_at,
        seconds=seconds,
        confidence=confidence,
        error_type=error_type,
        note=note,
        category_order=None if order is None else tuple(json.loads(order)),
        batch=batch,
        reviewer=ReviewerKey(reviewer),
        origin=origin,
    )
