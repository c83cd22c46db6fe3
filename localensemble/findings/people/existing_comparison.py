"""Compare a study with existing labels by people's decisions on what differs.

Only disagreements are decided, so agreements count as right on both sides. The agreement after
review is therefore too high as an accuracy, unless a random audit of the agreements corrects it.
Source: Lu and Zhong (2024), arXiv 2410.09416.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.certificates.bounds import exact_interval
from localensemble.core.words import counted

CategoryArray = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class ExistingCategory:
    """The items whose existing label is one category; see `ExistingComparison`."""

    category: str
    compared: int
    disagreements: int
    study_right: int
    existing_right: int
    neither_right: int


@dataclass(frozen=True, slots=True)
class ExistingComparison:
    """A study compared with existing labels on one variable.

    Attributes:
        compared: items with an existing label and an accepted consensus.
        disagreements: those on which the two differ.
        study_right: disagreements that a person decided as the study had it.
        existing_right: disagreements that a person decided as the existing label has it.
        neither_right: disagreements that a person decided in a third way.
        undecided: disagreements without a person's category.
        before: share of the compared items on which the two agree; None if none are compared.
        after: the share on which the study agrees with the people's decisions, with agreements
            counted as right; None while a disagreement is undecided.
        audited: agreements that a person decided, drawn at random.
        confirmed: those that the person decided in the same way.
        confirmed_share: the share of these; None without an audit.
        confirmed_low: lower end of its exact (Clopper-Pearson) 95% interval.
        confirmed_high: upper end.
        accuracy: estimated share of compared items on which the study is right, with the
            audit; None without ``after`` or an audit.
        accuracy_low: lower end of the 95% interval; only the audit is uncertain.
        accuracy_high: upper end.
        undefined_because: why there is no ``after``; empty if there is one.
        categories: the same counts by existing category.
    """

    compared: int
    disagreements: int
    study_right: int
    existing_right: int
    neither_right: int
    undecided: int
    before: float | None
    after: float | None
    audited: int
    confirmed: int
    confirmed_share: float | None
    confirmed_low: float | None
    confirmed_high: float | None
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    undefined_because: str
    categories: tuple[ExistingCategory, ...]

    def sentence(self) -> str:
        """Return in words what the comparison shows, and what it does not."""
        if self.before is None:
            return "No item has both an existing label and an accepted consensus."
        start = (
            f"The study and the existing labels agree on {self.before:.1%} of "
            f"{counted(self.compared, 'item')}."
        )
        if self.after is None:
            return f"{start} The agreement after review is undefined: {self.undefined_because}."
        decided = (
            f"{start} Of {counted(self.disagreements, 'disagreement')}, people decided "
            f"{self.study_right} as the study has it, {self.existing_right} as the existing label "
            f"has it and {self.neither_right} in a third way; the study then agrees with "
            f"{self.after:.1%}."
        )
        if self.confirmed_share is None:
            return (
                f"{decided} This is too high as an accuracy, because nobody reviewed the items on "
                "which the two agree. Review some of them with --audit-share."
            )
        return (
            f"{decided} People confirmed {self.confirmed} of {self.audited} agreements drawn at "
            f"random ({self.confirmed_low:.1%} to {self.confirmed_high:.1%})."
        )


def existing_comparison(
    existing: CategoryArray,
    *,
    study: CategoryArray,
    people: CategoryArray,
    categories: Sequence[str],
) -> ExistingComparison:
    """Compare a study's labels with existing ones on one variable.

    Args:
        existing: (N,); the existing categories, -1 where there is none.
        study: (N,); the study's labels before any person decided, -1 where there is none.
        people: (N,); what people decided, -1 where nobody has decided. Agreements among them
            must have been drawn at random.
        categories: names of the K categories.
    """
    both = (existing >= 0) & (study >= 0)
    differs = both & (existing != study)
    decided = differs & (people >= 0)
    study_right = decided & (people == study)
    existing_right = decided & (people == existing)
    audited = both & ~differs & (people >= 0)
    counts = [
        int(np.count_nonzero(mask))
        for mask in (both, differs, study_right, existing_right, decided, audited)
    ]
    compared, disagreements, won, lost, decided_count, audited_count = counts
    confirmed = int(np.count_nonzero(audited & (people == study)))
    undecided = disagreements - decided_count
    agreements = compared - disagreements
    interval = exact_interval(confirmed, items=audited_count) if audited_count else None
    is_final = compared > 0 and not undecided
    because = "" if is_final else f"{counted(undecided, 'disagreement')} without a decision"
    if not compared:
        because = "no item has both labels"

    def accuracy(share: float | None) -> float | None:
        if not is_final or share is None:
            return None
        return (won + agreements * share) / compared

    low, high = (None, None) if interval is None else (interval.low, interval.high)
    share = confirmed / audited_count if audited_count else None
    return ExistingComparison(
        compared=compared,
        disagreements=disagreements,
        study_right=won,
        existing_right=lost,
        neither_right=decided_count - won - lost,
        undecided=undecided,
        before=agreements / compared if compared else None,
        after=(agreements + won) / compared if is_final else None,
        audited=audited_count,
        confirmed=confirmed,
        confirmed_share=share,
        confirmed_low=low,
        confirmed_high=high,
        accuracy=accuracy(share),
        accuracy_low=accuracy(low),
        accuracy_high=accuracy(high),
        undefined_because=because,
        categories=tuple(
            ExistingCategory(
                name,
                *(
                    int(np.count_nonzero(mask & (existing == index)))
                    for mask in (
                        both,
                        differs,
                        study_right,
                        existing_right,
                        decided & ~study_right & ~existing_right,
                    )
                ),
            )
            for index, name in enumerate(categories)
        ),
    )
