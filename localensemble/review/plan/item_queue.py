"""The items that one reviewer still has to read, in order.

A person reads an item once, with all its variables. Items stand in the order of doubt for
everyone; who comes when does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.core.random_draw import random_draws
from localensemble.ledger.records import DecisionRole, DecisionRows
from localensemble.ledger.schema import ROLE_CODES
from localensemble.review.plan.review_plan import ReviewPlan
from localensemble.study.people.current_decisions import current_decisions

BoolArray = NDArray[np.bool_]
Positions = NDArray[np.int64]

# Above every key of a reviewer, so that a pair of item and reviewer fits into one number.
_REVIEWERS = 1 << 32


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """Who has finished which item: answered every variable that it asks.

    Attributes:
        position: (n,); the position of the item of each pair, in ascending order.
        reviewer: (n,); the reviewer who has finished it.
        item_count: number of items, N.
    """

    position: Positions
    reviewer: NDArray[np.int64]
    item_count: int

    @property
    def people(self) -> NDArray[np.int64]:
        """How many different reviewers have finished each item: (N,)."""
        return np.bincount(self.position, minlength=self.item_count)

    def by(self, reviewer: int) -> BoolArray:
        """Return the items that one reviewer has finished: bool (N,)."""
        done = np.zeros(self.item_count, np.bool_)
        done[self.position[self.reviewer == reviewer]] = True
        return done


def finished(
    asked: BoolArray, answers: Sequence[DecisionRows], *, role: DecisionRole = "review"
) -> Finished:
    """Find out who has finished which item.

    Args:
        asked: bool (N, V); the variables that each item asks.
        answers: the decisions of people on each of the V variables. "Cannot decide" and
            "codebook unclear" are answers; an answer that was undone is not.
        role: the role of the answers that count.
    """
    pairs = [
        _answered(rows, asked[:, variable], ROLE_CODES[role])
        for variable, rows in enumerate(answers)
    ]
    every = np.concatenate([np.empty(0, np.int64), *pairs])
    unique, counts = np.unique(every, return_counts=True)
    position, reviewer = np.divmod(unique, _REVIEWERS)
    whole = counts == asked.sum(axis=1)[position]
    return Finished(position[whole], reviewer[whole], len(asked))


def _answered(rows: DecisionRows, asked: BoolArray, role: int) -> NDArray[np.int64]:
    """Return each pair of item and reviewer with a current answer as one number: (n,)."""
    current = current_decisions(rows, role=role)
    current = current[asked[rows.position[current]]]
    pairs: NDArray[np.int64] = rows.position[current] * _REVIEWERS + rows.reviewer[current]
    return pairs


def people_needed(item_ids: Sequence[str], plan: ReviewPlan) -> NDArray[np.int64]:
    """Return by how many different reviewers each of N items is to be answered: (N,).

    The draw depends only on the seed and the item's id, so it is the same whoever comes first
    and after the program was stopped.
    """
    if not plan.double_coded:
        return np.ones(len(item_ids), np.int64)
    drawn = random_draws(item_ids, seed=plan.seed, purpose="double_coding") < plan.double_coded
    return np.where(drawn, plan.people, 1)


def by_doubt(asked: BoolArray, doubt: NDArray[np.float64]) -> Positions:
    """Return the positions of the items that ask something, the most doubtful first.

    Args:
        asked: bool (N, V); the variables that each item asks.
        doubt: (N, V); an item is as doubtful as the most doubtful variable that it asks. Equally
            doubtful items stand in the order of the items file.
    """
    most = np.where(asked, doubt, -np.inf).max(axis=1, initial=-np.inf)
    order = np.argsort(-most, kind="stable")
    return order[asked[order].any(axis=1)]


def left_for(
    order: Positions, *, needed: NDArray[np.int64], people: NDArray[np.int64], mine: BoolArray
) -> Positions:
    """Return the items of the queue that a reviewer still has to read, in the same order.

    An item leaves the queue of everyone as soon as enough reviewers have answered it, and that
    of a reviewer as soon as this reviewer has.

    Args:
        order: positions of all items of the queue.
        needed: (N,); by how many reviewers each item is to be answered.
        people: (N,); by how many it is answered. Count a reviewer who has it open, too, if
            nobody else is to be given the item meanwhile.
        mine: bool (N,); the items that this reviewer has answered.
    """
    left = (people < needed) & ~mine
    return order[left[order]]
