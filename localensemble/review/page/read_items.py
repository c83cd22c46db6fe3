"""What a reviewer has read, may read and reads next, with control items among it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from localensemble.ledger.records import DecisionRows, ReviewerKey
from localensemble.ledger.schema import ROLE_CODES
from localensemble.review.page.desk import Desk
from localensemble.review.page.review_task import ReviewTask
from localensemble.review.plan.item_queue import Positions
from localensemble.review.plan.reading_list import ReadingList, with_control_items
from localensemble.review.plan.review_plan import ReviewPlan

_REVIEW, _CONTROL = ROLE_CODES["review"], ROLE_CODES["control"]


@dataclass(frozen=True, slots=True)
class ReadItems:
    """What the ledger has of a reviewer.

    Attributes:
        order: the items, in the order of their first answer.
        control: control item -> the indices of the variables that were answered.
    """

    order: tuple[int, ...]
    control: dict[int, tuple[int, ...]]


def read_items(
    rows: Sequence[DecisionRows], *, reviewer: ReviewerKey, item_count: int
) -> ReadItems:
    """Find out what a reviewer has answered, also before a restart.

    Args:
        rows: the decisions on each variable.
        reviewer: the reviewer.
        item_count: number of items of the study.
    """
    first: dict[int, int] = {}
    control: dict[int, tuple[int, ...]] = {}
    for variable, one in enumerate(rows):
        own = (one.reviewer == reviewer) & (one.position < item_count)
        for row in np.flatnonzero(own).tolist():
            position, batch = int(one.position[row]), int(one.batch[row])
            first[position] = min(batch, first.get(position, batch))
            before = control.get(position, ())
            if one.role[row] == _CONTROL and variable not in before:
                control[position] = (*before, variable)
    return ReadItems(tuple(sorted(first, key=first.__getitem__)), control)


def barred_items(
    task: ReviewTask, rows: Sequence[DecisionRows], *, reviewer: ReviewerKey
) -> frozenset[int]:
    """Return the items that a reviewer may not settle, having answered them."""
    if task.role != "adjudication":
        return frozenset()
    own = (one.position[(one.reviewer == reviewer) & (one.role == _REVIEW)] for one in rows)
    return frozenset(np.concatenate([*own]).tolist())


def reading_list(
    desk: Desk, positions: Positions, *, task: ReviewTask, item_ids: Sequence[str], plan: ReviewPlan
) -> ReadingList:
    """Mix control items into what a reviewer reads next."""
    if task.known is None or not len(positions):
        return ReadingList(positions, positions)
    seen = np.zeros(len(task.known), np.bool_)
    seen[[*desk.read, *desk.later]] = True
    return with_control_items(
        positions,
        asked=desk.queue.asked,
        known=task.known,
        seen=seen,
        item_ids=item_ids,
        reviewer=desk.reviewer.name,
        read=len(desk.read),
        plan=plan,
    )
