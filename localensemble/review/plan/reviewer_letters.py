"""The items on which reviewers differ, for a person who has not answered them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

from localensemble.core.random_draw import random_draw
from localensemble.review.plan.item_queue import BoolArray, Positions


@dataclass(frozen=True, slots=True, eq=False)
class AdjudicationQueue:
    """The items on which reviewers differ.

    Attributes:
        positions: those that this reviewer may settle, in the order of doubt.
        own: how many others wait that this reviewer has answered, so another must settle them.
    """

    positions: Positions
    own: int


def adjudication_queue(
    order: Positions, *, differing: BoolArray, answered: BoolArray
) -> AdjudicationQueue:
    """Return the items that a reviewer may settle.

    Args:
        order: positions of all items that people have been asked about, in the order of doubt.
        differing: bool (N,); True where current answers of reviewers differ on a variable, and
            nobody has settled it.
        answered: bool (N,); True where this reviewer has answered the item. Nobody settles an
            item on which their own answer is one of those that differ.
    """
    waiting = order[differing[order]]
    own = answered[waiting]
    return AdjudicationQueue(waiting[~own], int(own.sum()))


def letters(item_id: str, reviewers: Sequence[int], *, seed: int) -> dict[int, str]:
    """Return the letter under which each reviewer's answer to an item is shown.

    The letters are dealt anew for each item. So an adjudicator cannot learn who A is.

    Raises:
        ValueError: there are more reviewers than letters.
    """
    if len(reviewers) > len(ascii_uppercase):
        raise ValueError(f"{len(reviewers)} reviewers for {len(ascii_uppercase)} letters.")

    def draw(reviewer: int) -> float:
        return random_draw(f"{item_id}\x1f{reviewer}", seed=seed, purpose="double_coding")

    dealt = sorted(set(reviewers), key=draw)
    return dict(zip(dealt, ascii_uppercase, strict=False))
