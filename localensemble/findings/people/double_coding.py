"""How far reviewers agree on the items that several of them answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from localensemble.codebook.model import Variable
from localensemble.core.estimates import estimate, interval
from localensemble.core.label_matrix import GAP, LabelMatrix
from localensemble.core.words import counted
from localensemble.findings.agreement import Agreement, variable_agreement
from localensemble.findings.people.answer_histories import Histories


@dataclass(frozen=True, slots=True, eq=False)
class DoubleCoding:
    """The items of one variable that several reviewers answered.

    Attributes:
        items: items with a category from two or more reviewers who had not seen any labels.
        reviewers: number of these reviewers.
        agreement: their agreement on these items; None if there are none.
        undefined_because: why there is no agreement; empty if there is one.
        conflicts: items with differing current answers that nobody has settled.
        adjudicated: items that a third person has settled.
    """

    items: int
    reviewers: int
    agreement: Agreement | None
    undefined_because: str
    conflicts: int
    adjudicated: int

    def sentence(self) -> str:
        """Return in words how far reviewers agree, and what is left to settle."""
        left = (
            f"{counted(self.adjudicated, 'item')} settled by a third person, "
            f"{self.conflicts} left to settle."
        )
        return f"{self.agreement_words} {left}"

    @property
    def agreement_words(self) -> str:
        """How far reviewers agree, in a sentence."""
        if self.agreement is None:
            return f"Agreement between people is undefined: {self.undefined_because}."
        leading = self.agreement.coefficient(self.agreement.leading)
        if leading.value is None:
            value = f"{leading.name} is undefined: {leading.undefined_because}"
        else:
            low, high = leading.interval_low, leading.interval_high
            value = (
                f"{leading.name} {estimate(leading.value, low, high)}, "
                f"95% interval {interval(low, high)}"
            )
        return (
            f"Agreement between {self.reviewers} people on {counted(self.items, 'item')}: {value}."
        )


def double_coding(
    histories: Histories,
    *,
    adjudications: Histories,
    variable: Variable,
    names: Mapping[int, str],
    item_count: int,
) -> DoubleCoding:
    """Measure the agreement of reviewers on the items that two or more of them answered.

    Only first answers count that were not given after a look at others' labels: a second
    answer after the reveal agrees with the labels, not with the other reviewer.

    Args:
        histories: the answers of reviewers on the variable.
        adjudications: the answers of those who settled differing answers.
        variable: the variable.
        names: name of each reviewer, by key.
        item_count: number of items, N.
    """
    keys = sorted({place.reviewer for place in histories})
    column = {key: index for index, key in enumerate(keys)}
    indices = np.full((item_count, len(keys)), GAP, np.int16)
    current: dict[int, set[int | None]] = {}
    for place, answers in histories.items():
        current.setdefault(place.position, set()).add(answers[-1].category)
        first = answers[0]
        if not first.revealed and first.category is not None:
            indices[place.position, column[place.reviewer]] = first.category
    several = indices[(indices != GAP).sum(axis=1) >= 2]
    took_part = (several != GAP).any(axis=0)
    settled = {place.position for place in adjudications}
    agreement = None
    if len(several):
        matrix = LabelMatrix(
            several[:, took_part],
            variable.answers,
            tuple(names[key] for key, took in zip(keys, took_part, strict=True) if took),
        )
        agreement = variable_agreement(matrix, level=variable.level)
    return DoubleCoding(
        items=len(several),
        reviewers=int(took_part.sum()),
        agreement=agreement,
        undefined_because="" if len(several) else "no item has blind answers of two reviewers",
        conflicts=sum(
            len(answers) > 1 and position not in settled for position, answers in current.items()
        ),
        adjudicated=len(settled),
    )
