"""What each reviewer answered about each item, from the first answer to the current one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from localensemble.ledger.records import DecisionRole, DecisionRows
from localensemble.ledger.schema import ANSWER_CODES, ROLE_CODES, SHOWN_CODES

_UNDONE = ANSWER_CODES["undone"]
_CATEGORY = ANSWER_CODES["category"]
_REVEALED = frozenset({SHOWN_CODES["labels"], SHOWN_CODES["answers"]})


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; ``category`` is None for "cannot decide" and "codebook unclear".

    ``revealed`` is True if the reviewer had seen labels or answers of others.
    """

    kind: int
    category: int | None
    revealed: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Place:
    """An item, by its position, and a reviewer, by key."""

    position: int
    reviewer: int


Histories = Mapping[Place, tuple[Answer, ...]]


def answer_histories(
    rows: DecisionRows, *, item_count: int, role: DecisionRole = "review"
) -> Histories:
    """Return the answers of one role that were not undone, the oldest first.

    Args:
        rows: the decisions on one variable.
        item_count: number of items, N; answers to items at later positions are left out.
        role: the role.
    """
    kept: dict[Place, list[Answer]] = {}
    columns = (rows.position, rows.reviewer, rows.answer, rows.category, rows.role, rows.shown)
    wanted = ROLE_CODES[role]
    for position, reviewer, kind, category, row_role, shown, seconds in zip(
        *(column.tolist() for column in columns), rows.seconds.tolist(), strict=True
    ):
        if row_role != wanted or position >= item_count:
            continue
        place = Place(position, reviewer)
        if kind == _UNDONE:
            kept.pop(place, None)
            continue
        answer = Answer(kind, category if kind == _CATEGORY else None, shown in _REVEALED, seconds)
        kept.setdefault(place, []).append(answer)
    return {place: tuple(answers) for place, answers in kept.items()}
