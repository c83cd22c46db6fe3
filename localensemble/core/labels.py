"""Labels: one rater's recorded verdict on one item and variable.

A label always has a status. Only an *assigned* label names a category. The other statuses
are recorded as such and are never counted as a category.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

# Reasons of labels that failed because the text answers nothing; no model was asked.
NO_ANSWER = "no_answer"
EMPTY_TEXT = "empty_text"
# The reason of a verifier that abstains: what was proposed is not right.
NOT_CONFIRMED = "not_confirmed"

ItemId = NewType("ItemId", str)
RaterName = NewType("RaterName", str)


class LabelStatus(StrEnum):
    """The outcome of asking one rater about one item."""

    ASSIGNED = "assigned"
    ABSTAINED = "abstained"
    UNPARSABLE = "unparsable"
    FAILED = "failed"


def is_without_answer(reason: str) -> bool:
    """Tell whether a label has no category because its text answers nothing."""
    return reason.partition(":")[0] in (NO_ANSWER, EMPTY_TEXT)


@dataclass(frozen=True, slots=True)
class Label:
    """One rater's verdict on one item and variable.

    Attributes:
        status: whether a category was assigned.
        category: index into the variable's categories; None unless assigned.
        probabilities: one number per category, in codebook order, summing to 1: the rater's own
            distribution over the categories (its confidence, not a probability of being
            correct). None if the rater gave no probabilities.
        off_codebook_mass: probability in [0, 1] that the rater would answer with something
            outside the categories. None if unknown.
        reason: why no category was assigned, as ``word`` or ``word: detail``; empty if one was.
            It never contains item text.
        depends_on_order: whether the most probable category differs between the orders in which
            the categories were listed; None if unknown. The ledger does not keep it.
        by_order: the index of the most probable category in each of these orders, or -1 for a
            tie; empty if unknown. The ledger does not keep it.
    """

    status: LabelStatus
    category: int | None = None
    probabilities: tuple[float, ...] | None = None
    off_codebook_mass: float | None = None
    reason: str = ""
    depends_on_order: bool | None = None
    by_order: tuple[int, ...] = ()
