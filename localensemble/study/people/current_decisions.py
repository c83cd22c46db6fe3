"""Choose which of a person's decisions count, and put people's answers side by side.

A person's newest decision about an item, a variable and a role counts. If it takes back an
answer, the person has no answer: an older one does not come back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Variable
from localensemble.core.label_matrix import GAP, LabelMatrix
from localensemble.ledger.records import (
    DecisionRole,
    DecisionRows,
    PersonDecision,
    ReviewerKey,
    ReviewerRecord,
)
from localensemble.ledger.schema import ANSWER_CODES, ROLE_CODES

REVIEW = ROLE_CODES["review"]
ADJUDICATION = ROLE_CODES["adjudication"]
_UNDONE = ANSWER_CODES["undone"]


def current_decisions(rows: DecisionRows, *, role: int) -> NDArray[np.int64]:
    """Return which rows count, by item and then by time: at most one per item and reviewer."""
    return _newest(rows, np.flatnonzero(rows.role == role))


def counted_decisions(rows: DecisionRows) -> NDArray[np.int64]:
    """Return the rows that count in a final label, by item: reviews, then what settles them."""
    chosen = np.concatenate([current_decisions(rows, role=role) for role in (REVIEW, ADJUDICATION)])
    return chosen[np.argsort(rows.position[chosen], kind="stable")]


def current_of(
    decisions: Iterable[PersonDecision], *, role: DecisionRole
) -> dict[tuple[int, ReviewerKey], PersonDecision]:
    """Return the decisions on one variable that count, with what people wrote.

    Args:
        decisions: the decisions on a variable; those on one item from the oldest to the newest.
        role: the role.

    Returns:
        Position of the item and reviewer -> the decision.
    """
    newest = {(one.position, one.reviewer): one for one in decisions if one.role == role}
    return {place: one for place, one in newest.items() if one.kind != "undone"}


def people_matrix(
    rows: DecisionRows,
    *,
    variable: Variable,
    reviewers: Sequence[ReviewerRecord],
    item_count: int,
) -> LabelMatrix:
    """Return the categories that people gave: N items by the P reviewers who gave any.

    Adjudications are left out, because adjudicators see what others answered.

    Args:
        rows: the decisions on the variable.
        variable: the variable.
        reviewers: everyone who is registered.
        item_count: N; items at later positions are left out.
    """
    counted = current_decisions(rows, role=REVIEW)
    counted = counted[(rows.position[counted] < item_count) & (rows.category[counted] != GAP)]
    present = set(rows.reviewer[counted].tolist())
    named = [one for one in reviewers if one.key in present]
    indices = np.full((item_count, len(named)), GAP, dtype=np.int16)
    for column, one in enumerate(named):
        own = counted[rows.reviewer[counted] == one.key]
        indices[rows.position[own], column] = rows.category[own]
    return LabelMatrix(indices, variable.answers, tuple(one.name for one in named))


def _newest(rows: DecisionRows, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the newest row of each item and reviewer, without those that take back an answer."""
    order = _by_item_and_reviewer(rows, chosen)
    ends = np.append(_starts(rows, order)[1:], len(order)) - 1 if len(order) else order
    newest = order[ends]
    newest = newest[rows.answer[newest] != _UNDONE]
    return np.asarray(newest[np.lexsort((newest, rows.position[newest]))], dtype=np.int64)


def _by_item_and_reviewer(rows: DecisionRows, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    # Rows are in the order of time, so the number of a row orders equal ones.
    order = np.lexsort((chosen, rows.reviewer[chosen], rows.position[chosen]))
    return np.asarray(chosen[order], dtype=np.int64)


def _starts(rows: DecisionRows, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where the rows of another item or reviewer begin."""
    item, reviewer = rows.position[order], rows.reviewer[order]
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (item[1:] != item[:-1]) | (reviewer[1:] != reviewer[:-1])
    return np.flatnonzero(first)
