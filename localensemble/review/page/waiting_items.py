"""Which items wait for a person, which of their variables, and in what order.

Decides what the filters of the page leave. It knows what models decided, and nothing about people.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray

from localensemble.core.errors import InputError
from localensemble.core.options import Option
from localensemble.core.words import listed
from localensemble.review.plan.item_queue import BoolArray, Positions, by_doubt
from localensemble.study.decisions import Decisions

QueueOrder = Literal["doubt", "table"]


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """What a person wants to review.

    Attributes:
        variable: ask only about this variable.
        reason: only items escalated for the reason with this code.
        order: the most doubtful items first, or the order of the table.
        budget: only the first items in this order; None asks about all.
    """

    variable: Annotated[str | None, Option("Ask only about this variable.")] = None
    reason: Annotated[
        str | None, Option("Only items escalated for this reason: its code.", metavar="CODE")
    ] = None
    order: Annotated[
        QueueOrder, Option("The most doubtful items first, or the order of the table.")
    ] = "doubt"
    budget: Annotated[
        int | None, Option("How many items to review at most.", metavar="N", least=1)
    ] = None


EVERYTHING = QueueFilter()


@dataclass(frozen=True, slots=True, eq=False)
class Queue:
    """The items that a filter leaves.

    Attributes:
        positions: (n,); the positions of the items, in the order of reading.
        asked: bool (N, V); the variables that each item asks.
        beyond_budget: how many more items the filter leaves that the budget does not reach.
    """

    positions: Positions
    asked: BoolArray
    beyond_budget: int


@dataclass(frozen=True, slots=True, eq=False)
class WaitingItems:
    """The escalated items of a study.

    Attributes:
        decisions: the decisions on each of the V variables.
        asked: bool (N, V); the variables of each item on which a person must decide.
        doubt: (N, V).
    """

    decisions: tuple[Decisions, ...]
    asked: BoolArray
    doubt: NDArray[np.float64]

    @classmethod
    def of(cls, decisions: Sequence[Decisions]) -> WaitingItems:
        """Collect the escalated items."""
        asked = np.stack([decided.escalated for decided in decisions], axis=1)
        doubt = np.stack([decided.doubt for decided in decisions], axis=1)
        return cls(tuple(decisions), asked, doubt)

    def reason_words(self, code: str) -> str:
        """Return what a reason code means, in words; the code itself if it means several things."""
        texts = {
            text: None
            for decided in self.decisions
            for text, items in decided.with_code(code).items()
            if items.any()
        }
        return next(iter(texts)) if len(texts) == 1 else code.replace("_", " ")

    def reason_counts(self) -> dict[str, int]:
        """Count the items of each reason code, the most frequent first."""
        items: dict[str, BoolArray] = {}
        for place, decided in enumerate(self.decisions):
            for code in dict.fromkeys(decided.reason_codes):
                found = self._with_reason(place, code)
                items[code] = items[code] | found if code in items else found
        counts = {code: int(found.sum()) for code, found in items.items()}
        return dict(sorted(((c, n) for c, n in counts.items() if n), key=lambda one: -one[1]))

    def queue(self, wanted: QueueFilter) -> Queue:
        """Return the items that a filter leaves.

        Raises:
            InputError: no variable or reason has the name.
        """
        self._check(wanted)
        asked = self.asked
        if wanted.variable is not None:
            names = [decided.variable.name for decided in self.decisions]
            asked = asked & (np.array(names) == wanted.variable)
        if wanted.reason is not None:
            columns = [self._with_reason(v, wanted.reason) for v in range(asked.shape[1])]
            asked = asked & np.stack(columns, axis=1).any(axis=1, keepdims=True)
        positions = (
            by_doubt(asked, self.doubt)
            if wanted.order == "doubt"
            else np.flatnonzero(asked.any(axis=1))
        )
        within = positions[: wanted.budget]
        return Queue(within, asked, len(positions) - len(within))

    def _with_reason(self, variable: int, code: str) -> BoolArray:
        decided = self.decisions[variable]
        found = np.zeros(len(decided.escalated), np.bool_)
        for items in decided.with_code(code).values():
            found |= items
        return found & decided.escalated

    def _check(self, wanted: QueueFilter) -> None:
        names = [decided.variable.name for decided in self.decisions]
        if wanted.variable is not None and wanted.variable not in names:
            raise InputError(
                f'Unknown variable "{wanted.variable}"; the study has {listed(names)}.',
                hint="Correct --variable.",
            )
        codes = list(self.reason_counts())
        if wanted.reason is not None and wanted.reason not in codes:
            raise InputError(
                f'No item is escalated for the reason "{wanted.reason}"; the reasons are '
                f"{listed(codes) or 'none'}.",
                hint="Correct --reason.",
            )
