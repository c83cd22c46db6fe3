"""Labels: one rater's recorded verdict on one item and variable.

A label always has a status. Only an *assigned* label names a category; the others are
facts of their own and are never counted as one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

ItemId = NewType("ItemId", str)
RaterName = NewType("RaterName", str)


class LabelStatus(StrEnum):
    """What became of one rater's verdict on one item."""

    ASSIGNED = "assigned"
    ABSTAINED = "abstained"
    UNPARSABLE = "unparsable"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Label:
    """One rater's verdict on one item and variable.

    Attributes:
        status: whether a category was assigned.
        category: index into the variable's categories; None unless assigned.
        probabilities: one number per category, in the codebook's order, summing to 1:
            the rater's own distribution over the categories (its confidence, not a
            probability of being right). None when the rater gave none.
        off_codebook_mass: probability in [0, 1] that the rater wanted to say something
            that is no category. None when not known.
        reason: why there is no category, as ``word`` or ``word: detail``; empty when
            assigned. Never item text.
    """

    status: LabelStatus
    category: int | None = None
    probabilities: tuple[float, ...] | None = None
    off_codebook_mass: float | None = None
    reason: str = ""
