"""Compare labels made again with the recorded ones, and count.

Decides that a label is equal only to the last digit, and that another category or status is never
within a tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from localensemble.core.labels import Label

ReplayVerdict = Literal["equal", "within tolerance", "different"]

_ORDER: tuple[ReplayVerdict, ...] = ("equal", "within tolerance", "different")


@dataclass(frozen=True, slots=True)
class DifferentLabel:
    """A label that is different when it is made again.

    Attributes:
        item: the item's id.
        variable: the variable.
        recorded: the recorded category, or the status if there is none.
        again: the same of the label made again.
        difference: the largest difference of a probability; infinite if only one has any.
    """

    item: str
    variable: str
    recorded: str
    again: str
    difference: float


@dataclass(frozen=True, slots=True)
class ReplayedRater:
    """The labels that a rater gave again.

    Attributes:
        name: the rater.
        equal: number of labels that are equal to the last digit.
        within_tolerance: number of others with the same category and nearly the same probabilities.
        different: the others, in the order of items.
        largest_difference: the largest difference of a probability.
        changes: sentences on what has changed since the labels were recorded, as far as the
            study records it.
    """

    name: str
    equal: int
    within_tolerance: int
    different: tuple[DifferentLabel, ...]
    largest_difference: float
    changes: tuple[str, ...]

    @property
    def labels(self) -> int:
        """The number of labels that were compared."""
        return self.equal + self.within_tolerance + len(self.different)

    @property
    def verdict(self) -> ReplayVerdict:
        """The worst of its labels."""
        if self.different:
            return "different"
        return "within tolerance" if self.within_tolerance else "equal"


@dataclass(frozen=True, slots=True)
class Replay:
    """A sample of a study, labeled again.

    Attributes:
        items: number of items labeled again.
        item_count: number of items they were drawn from.
        tolerance: the largest difference of a probability that is within tolerance.
        raters: one entry for each rater, in the order of the study.
    """

    items: int
    item_count: int
    tolerance: float
    raters: tuple[ReplayedRater, ...]

    @property
    def verdict(self) -> ReplayVerdict:
        """The worst of the raters."""
        return max((one.verdict for one in self.raters), key=_ORDER.index)


@dataclass(slots=True)
class Tally:
    """Compare the labels of one rater one by one."""

    tolerance: float
    equal: int = 0
    within_tolerance: int = 0
    largest: float = 0.0
    different: list[DifferentLabel] = field(default_factory=list)

    def add(
        self, item: str, variable: str, answers: Sequence[str], *, recorded: Label, again: Label
    ) -> None:
        """Compare a label with the recorded one.

        Args:
            answers: the names of the variable's categories.
        """
        difference = _difference(recorded, again)
        self.largest = max(self.largest, difference)
        same = (recorded.status, recorded.category, recorded.reason) == (
            again.status,
            again.category,
            again.reason,
        )
        if same and difference == 0:
            self.equal += 1
        elif same and difference <= self.tolerance:
            self.within_tolerance += 1
        else:
            words = (_word(recorded, answers), _word(again, answers))
            self.different.append(DifferentLabel(item, variable, *words, difference))


def _difference(recorded: Label, again: Label) -> float:
    pairs = [(recorded.off_codebook_mass, again.off_codebook_mass)]
    before, now = recorded.probabilities, again.probabilities
    if (before is None) != (now is None) or len(before or ()) != len(now or ()):
        return math.inf
    pairs += zip(before or (), now or (), strict=True)
    return max(_distance(one, other) for one, other in pairs)


def _distance(one: float | None, other: float | None) -> float:
    if one is None or other is None:
        return 0.0 if one is other else math.inf
    return abs(one - other)


def _word(label: Label, answers: Sequence[str]) -> str:
    return str(label.status) if label.category is None else answers[label.category]
