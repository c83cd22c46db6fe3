"""How often raters and the consensus gave the category that a person decided."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.certificates.bounds import exact_interval
from localensemble.core.label_matrix import LabelMatrix
from localensemble.core.words import counted

CategoryArray = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class SameCategory:
    """How often somebody gave the person's category, with an exact 95% interval.

    ``items`` counts items on which both gave a category. ``share`` and the interval are None
    if there are none.
    """

    who: str
    items: int
    same: int
    share: float | None
    interval_low: float | None
    interval_high: float | None


@dataclass(frozen=True, slots=True)
class PeopleAndModels:
    """People's decisions on one variable beside the labels of the raters.

    Attributes:
        items: items that a person has decided.
        escalated: those of them that the rules escalated.
        raters: each rater, with the person's category.
        consensus: the consensus, where there is one, also of escalated items.
        always: how often the category that people chose most would be the person's.
        most_frequent: that category; empty if nothing is decided.
        overruled: items on which a person decided otherwise than the consensus.
        overruled_share: the share of these; None if no decided item has a consensus.
        overruled_low: lower end of its exact 95% interval.
        overruled_high: upper end.
    """

    items: int
    escalated: int
    raters: tuple[SameCategory, ...]
    consensus: SameCategory
    always: SameCategory
    most_frequent: str
    overruled: int
    overruled_share: float | None
    overruled_low: float | None
    overruled_high: float | None

    def sentence(self) -> str:
        """Return in words how often people overruled the consensus, and what that is not."""
        if not self.items:
            return "No item has a category from a person yet."
        chosen = (
            f"Of {counted(self.items, 'item')} that people decided, {self.escalated} had been "
            "escalated. They are not a random sample, so these numbers are not the accuracy on all "
            "items."
        )
        if self.overruled_share is None:
            return f"No item that people decided has a consensus. {chosen}"
        return (
            f"People overruled the consensus on {self.overruled} of "
            f"{counted(self.consensus.items, 'item')} ({self.overruled_share:.1%}, 95% interval "
            f"{self.overruled_low:.1%} to {self.overruled_high:.1%}). {chosen}"
        )


def people_and_models(
    matrix: LabelMatrix,
    *,
    consensus: CategoryArray,
    escalated: NDArray[np.bool_],
    people: CategoryArray,
) -> PeopleAndModels:
    """Compare people's decisions with the labels of raters and with the consensus.

    Args:
        matrix: the labels of the raters, N items.
        consensus: (N,); the consensus categories, -1 without consensus.
        escalated: bool (N,); the items that the rules escalated.
        people: (N,); what people decided, -1 where nobody decided on a category.
    """
    decided = people >= 0
    counts = np.bincount(people[decided], minlength=matrix.category_count)
    top = int(counts.argmax()) if counts.any() else -1
    by_consensus = _same("consensus", consensus, people)
    overruled = by_consensus.items - by_consensus.same
    interval = exact_interval(overruled, items=by_consensus.items) if by_consensus.items else None
    return PeopleAndModels(
        items=int(decided.sum()),
        escalated=int((decided & escalated).sum()),
        raters=tuple(
            _same(name, matrix.indices[:, column], people)
            for column, name in enumerate(matrix.raters)
        ),
        consensus=by_consensus,
        always=_same("always", np.full_like(people, top), people),
        most_frequent=matrix.categories[top] if top >= 0 else "",
        overruled=overruled,
        overruled_share=overruled / by_consensus.items if by_consensus.items else None,
        overruled_low=None if interval is None else interval.low,
        overruled_high=None if interval is None else interval.high,
    )


def _same(who: str, found: CategoryArray, people: CategoryArray) -> SameCategory:
    both = (found >= 0) & (people >= 0)
    items = int(both.sum())
    same = int((both & (found == people)).sum())
    if not items:
        return SameCategory(who, 0, 0, None, None, None)
    interval = exact_interval(same, items=items)
    return SameCategory(who, items, same, same / items, interval.low, interval.high)
