"""Decide the final label of every item of one variable: the only place that does.

A person's label comes before the consensus, and an adjudication before other people's answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Variable
from localensemble.core.label_matrix import GAP
from localensemble.ledger.records import DecisionRows
from localensemble.study.decisions import Decisions
from localensemble.study.people.current_decisions import ADJUDICATION, REVIEW, current_decisions

FinalStatus = Literal["accepted", "escalated", "adjudicated", "unresolved", "no_answer"]
ACCEPTED: FinalStatus = "accepted"
ESCALATED: FinalStatus = "escalated"
ADJUDICATED: FinalStatus = "adjudicated"
UNRESOLVED: FinalStatus = "unresolved"
NO_ANSWER: FinalStatus = "no_answer"
FINAL_STATUSES: tuple[FinalStatus, ...] = (
    ACCEPTED,
    ESCALATED,
    ADJUDICATED,
    UNRESOLVED,
    NO_ANSWER,
)
_ACCEPTED, _ESCALATED, _ADJUDICATED, _UNRESOLVED, _NO_ANSWER = range(len(FINAL_STATUSES))


@dataclass(frozen=True, slots=True, eq=False)
class FinalLabels:
    """The final labels of N items of one variable.

    Attributes:
        status: uint8 (N,); its index in `FINAL_STATUSES`. ``accepted``: the consensus stands.
            ``escalated``: waits for a person. ``adjudicated``: a person's label.
            ``unresolved``: a person looked, and there is no label. ``no_answer``: the item
            answers nothing.
        categories: int16 (N,); the final label's category, -1 where the item has none.
        by_person: bool (N,); True where the label is a person's.
        open: bool (N,); True where a person must still decide: nobody has looked, or people
            differ and nobody has adjudicated.
        differs: bool (N,); True where people differ and nobody has adjudicated.
        overruled: bool (N,); True where a person's label is not that of the consensus.
        reviewed: bool (N,); True where a person's answer counts, whatever it is.
    """

    variable: Variable
    status: NDArray[np.uint8]
    categories: NDArray[np.int16]
    by_person: NDArray[np.bool_]
    open: NDArray[np.bool_]
    differs: NDArray[np.bool_]
    overruled: NDArray[np.bool_]
    reviewed: NDArray[np.bool_]

    def count(self, status: FinalStatus) -> int:
        """Count the items with a status."""
        return int(np.count_nonzero(self.status == FINAL_STATUSES.index(status)))


def final_labels(decided: Decisions, rows: DecisionRows) -> FinalLabels:
    """Derive the final labels of one variable.

    Args:
        decided: the decisions of the consensus.
        rows: what people decided on the same variable and items.
    """
    n = len(decided.categories)
    status = np.full(n, _ACCEPTED, dtype=np.uint8)
    status[decided.escalated] = _ESCALATED
    status[decided.no_answer] = _NO_ANSWER
    categories = decided.final.copy()
    differs = np.zeros(n, dtype=np.bool_)
    reviewed = np.zeros(n, dtype=np.bool_)

    reviews = _within(rows, current_decisions(rows, role=REVIEW), n)
    answers = _answers(rows)[reviews]
    at = rows.position[reviews]
    lowest = np.full(n, np.iinfo(np.int64).max, dtype=np.int64)
    highest = np.full(n, np.iinfo(np.int64).min, dtype=np.int64)
    np.minimum.at(lowest, at, answers)
    np.maximum.at(highest, at, answers)
    reviewed[at] = True
    agreed = reviewed & (lowest == highest) & (lowest >= 0)
    status[reviewed] = _UNRESOLVED
    categories[reviewed] = GAP
    status[agreed] = _ADJUDICATED
    categories[agreed] = lowest[agreed]
    differs[reviewed] = lowest[reviewed] != highest[reviewed]

    # In the order of time, so that the newest adjudication of an item is written last.
    settled = np.sort(_within(rows, current_decisions(rows, role=ADJUDICATION), n))
    at = rows.position[settled]
    reviewed[at] = True
    differs[at] = False
    categories[at] = rows.category[settled]
    status[at] = np.where(categories[at] >= 0, _ADJUDICATED, _UNRESOLVED)

    by_person = status == _ADJUDICATED
    return FinalLabels(
        variable=decided.variable,
        status=status,
        categories=categories,
        by_person=by_person,
        open=(status == _ESCALATED) | differs,
        differs=differs,
        overruled=by_person & (decided.categories >= 0) & (categories != decided.categories),
        reviewed=reviewed,
    )


def _within(rows: DecisionRows, chosen: NDArray[np.int64], item_count: int) -> NDArray[np.int64]:
    return chosen[rows.position[chosen] < item_count]


def _answers(rows: DecisionRows) -> NDArray[np.int64]:
    """Return one number per row: the category, or a negative one for each kind of no category."""
    return np.where(rows.category >= 0, rows.category, -rows.answer.astype(np.int64))
