"""Count what people decided about one variable, beside what the consensus decided."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from localensemble.study.people.final_labels import ACCEPTED, ADJUDICATED, FinalLabels


@dataclass(frozen=True, slots=True)
class PeopleCounts:
    """The items of one variable once people have decided some of them.

    Each item that needs a label is counted under one of the first four.

    Attributes:
        accepted: items whose final label is that of the consensus.
        adjudicated: items whose final label is a person's.
        unresolved: items that people looked at and settled without a label.
        open: items that wait for a person, or whose reviewers differ.
        differ: open items whose reviewers differ.
        overruled: items where a person's label is not that of the consensus.
        category_counts: how many of the adjudicated items have each category.
    """

    accepted: int
    adjudicated: int
    unresolved: int
    open: int
    differ: int
    overruled: int
    category_counts: tuple[int, ...]


def people_counts(final: FinalLabels) -> PeopleCounts | None:
    """Count the items by final status; return None while nobody has decided anything."""
    if not final.reviewed.any():
        return None
    settled = final.reviewed & ~final.by_person & ~final.open
    by_person = final.categories[final.by_person]
    return PeopleCounts(
        accepted=final.count(ACCEPTED),
        adjudicated=final.count(ADJUDICATED),
        unresolved=int(np.count_nonzero(settled)),
        open=int(np.count_nonzero(final.open)),
        differ=int(np.count_nonzero(final.differs)),
        overruled=int(np.count_nonzero(final.overruled)),
        category_counts=tuple(
            np.bincount(by_person, minlength=len(final.variable.answers)).tolist()
        ),
    )
