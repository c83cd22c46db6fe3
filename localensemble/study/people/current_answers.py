"""Look up what each person currently says about an item: the decisions that count."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from localensemble.codebook.model import Variable
from localensemble.ledger.records import DecisionRole, DecisionRows, ReviewerRecord
from localensemble.ledger.schema import ANSWER_CODES, ROLE_CODES
from localensemble.study.people.answer_words import WORDS_OF_ANSWERS
from localensemble.study.people.current_decisions import counted_decisions

_KINDS = {code: kind for kind, code in ANSWER_CODES.items()}
_ROLES = {code: role for role, code in ROLE_CODES.items()}


@dataclass(frozen=True, slots=True)
class PersonAnswer:
    """What one person says about one item and variable.

    Attributes:
        reviewer: the person's name.
        role: whether it is an answer of its own or settles those of others.
        word: the category, or ``<cannot decide>`` or ``<codebook unclear>``.
        category: the category; None if the person gave none.
        seconds: how long it took; None if unknown.
    """

    reviewer: str
    role: DecisionRole
    word: str
    category: str | None
    seconds: float | None


class CurrentAnswers:
    """The current answers of all people about one variable, by item."""

    def __init__(
        self, rows: DecisionRows, *, variable: Variable, reviewers: Sequence[ReviewerRecord]
    ) -> None:
        self._chosen = counted_decisions(rows)
        self._positions = rows.position[self._chosen]
        self._rows = rows
        self._variable = variable
        self._names = {int(one.key): one.name for one in reviewers}

    @property
    def reviewers(self) -> tuple[str, ...]:
        """The people who say something about an item, in the order in which they registered."""
        present = set(self._rows.reviewer[self._chosen].tolist())
        return tuple(name for key, name in self._names.items() if key in present)

    def of_item(self, position: int) -> tuple[PersonAnswer, ...]:
        """Return the answers about one item: those of reviewers, then those that settle them."""
        first, last = np.searchsorted(self._positions, (position, position + 1))
        return tuple(self._answer(int(row)) for row in self._chosen[first:last])

    def _answer(self, row: int) -> PersonAnswer:
        rows = self._rows
        kind = _KINDS[int(rows.answer[row])]
        category = self._variable.answers[rows.category[row]] if kind == "category" else None
        seconds = float(rows.seconds[row])
        return PersonAnswer(
            self._names[int(rows.reviewer[row])],
            _ROLES[int(rows.role[row])],
            WORDS_OF_ANSWERS[kind] if category is None else category,
            category,
            None if math.isnan(seconds) else seconds,
        )
