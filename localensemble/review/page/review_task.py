"""What reviewers are asked for, and what their answers count as.

Three tasks share the page: items that wait for a person, items on which reviewers differ, and items
on which the study and existing labels differ. Control items can be mixed into the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.ledger.records import DecisionRole
from localensemble.review.page.waiting_items import WaitingItems
from localensemble.review.plan.existing_labels import queue_of_study
from localensemble.review.plan.item_queue import BoolArray
from localensemble.review.plan.review_plan import ReviewPlan
from localensemble.study.decisions import Decisions
from localensemble.study.people.final_labels import FinalLabels

Categories = Mapping[str, NDArray[np.int16]]


@dataclass(frozen=True, slots=True, eq=False)
class ReviewTask:
    """What reviewers are asked for.

    Attributes:
        waiting: the items, with the variables that each asks.
        role: what an answer counts as.
        shows_labels: whether the raters' labels are shown at all.
        known: bool (N, V); True where the category of a control item is known. None without
            control items.
        control: their categories by variable, (N,) each, -1 where unknown; None likewise.
    """

    waiting: WaitingItems
    role: DecisionRole = "review"
    shows_labels: bool = True
    known: BoolArray | None = None
    control: Categories | None = None

    def role_at(self, position: int) -> DecisionRole:
        """Return what an answer to an item counts as."""
        if self.known is not None and self.known[position].any():
            return "control"
        return self.role


def escalated_task(
    decisions: Sequence[Decisions], *, control: Categories | None = None
) -> ReviewTask:
    """Ask about the items that wait for a person.

    Args:
        decisions: the decisions on each variable.
        control: known categories, with which control items are mixed in; an item that waits for a
            person is none of them.
    """
    waiting = WaitingItems.of(decisions)
    if control is None:
        return ReviewTask(waiting)
    known = np.stack([control[one.variable.name] >= 0 for one in decisions], axis=1)
    known[waiting.asked.any(axis=1)] = False
    return ReviewTask(waiting, known=known, control=control)


def adjudication_task(decisions: Sequence[Decisions], finals: Sequence[FinalLabels]) -> ReviewTask:
    """Ask a further person about the items on which reviewers differ."""
    asked = np.stack([final.differs for final in finals], axis=1)
    doubt = np.stack([decided.doubt for decided in decisions], axis=1)
    return ReviewTask(WaitingItems(tuple(decisions), asked, doubt), role="adjudication")


def existing_task(
    decisions: Sequence[Decisions],
    *,
    existing: Categories,
    item_ids: Sequence[str],
    plan: ReviewPlan,
) -> ReviewTask:
    """Ask about the items on which the study and existing labels differ, and about an audit.

    The raters' labels stay hidden: they would tell which side said what.
    """
    queue = queue_of_study(decisions, existing, item_ids=item_ids, plan=plan)
    # The queue is shuffled, and a reviewer reads in the order of doubt.
    doubt = np.zeros(queue.asked.shape)
    doubt[queue.positions] = -np.arange(len(queue.positions))[:, np.newaxis]
    return ReviewTask(WaitingItems(tuple(decisions), queue.asked, doubt), shows_labels=False)
