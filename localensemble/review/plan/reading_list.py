"""Mix control items into what a reviewer reads, at random places and without a mark.

A control item takes the shape of the queued item that it stands before: it asks the same
variables, and whatever is shown about the queued item (its reasons, its doubt) may be shown of the
control item as well. So no column tells the two apart.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.core.random_draw import random_draw
from localensemble.review.plan.item_queue import BoolArray, Positions
from localensemble.review.plan.review_plan import ReviewPlan


@dataclass(frozen=True, slots=True, eq=False)
class ReadingList:
    """What a reviewer reads, in order.

    Attributes:
        positions: (n,); the positions of the items.
        shapes: (n,); the position of the queued item whose variables, reasons and doubt are
            shown. It differs from the item's own position only for a control item, so it is never
            shown or exported.
    """

    positions: Positions
    shapes: Positions

    @property
    def control(self) -> BoolArray:
        """True for control items: bool (n,). Never show or export this."""
        control: BoolArray = self.positions != self.shapes
        return control


def with_control_items(
    queue: Positions,
    *,
    asked: BoolArray,
    known: BoolArray,
    seen: BoolArray,
    item_ids: Sequence[str],
    reviewer: str,
    read: int,
    plan: ReviewPlan,
) -> ReadingList:
    """Mix control items into the queue of one reviewer.

    Whether the reviewer's n-th item is a control item depends only on the seed, the reviewer and
    n. So the list continues in the same way after every answer and after a restart. After the last
    queued item there is no control item: it would be the only thing left to read.

    Args:
        queue: positions of the queued items that the reviewer has to read, in order. Its first
            items are enough to get the first items of the list.
        asked: bool (N, V); the variables that each queued item asks.
        known: bool (N, V); True where the category of a control item is known. Items that are
            queued themselves are not used as control items.
        seen: bool (N,); items that the reviewer has answered. None of them comes again.
        item_ids: the N ids.
        reviewer: name of the reviewer.
        read: number of items, control items included, that the reviewer has answered.
        plan: how often control items come, and the seed.
    """
    usable = known.any(axis=1) & ~seen & ~asked.any(axis=1)
    pool = _in_random_order(np.flatnonzero(usable), item_ids, reviewer=reviewer, seed=plan.seed)
    if not plan.control_share or not pool or not len(queue):
        return ReadingList(queue, queue)
    places: list[int] = []
    items: list[int] = []
    stop = read + len(queue) + len(pool)
    for drawn in _drawn_places(read, stop, reviewer=reviewer, plan=plan):
        place = drawn - len(items)
        if place >= len(queue) or not pool:
            break
        fitting = _first_fitting(pool, asked[queue[place]], known)
        if fitting is not None:
            places.append(place)
            items.append(pool.pop(fitting))
    return ReadingList(np.insert(queue, places, items), np.insert(queue, places, queue[places]))


def _first_fitting(pool: Sequence[int], asked: BoolArray, known: BoolArray) -> int | None:
    """Return the place in the pool of the first item whose categories are known as asked."""
    return next(
        (place for place, position in enumerate(pool) if known[position][asked].all()), None
    )


def _in_random_order(
    pool: NDArray[np.int64], item_ids: Sequence[str], *, reviewer: str, seed: int
) -> list[int]:
    def draw(position: int) -> float:
        return random_draw(f"{reviewer}\x1f{item_ids[position]}", seed=seed, purpose="control")

    return sorted(pool.tolist(), key=draw)


def _drawn_places(start: int, stop: int, *, reviewer: str, plan: ReviewPlan) -> list[int]:
    """Draw which of a reviewer's items are control items, as places counted from ``start``."""
    text = f"{plan.seed}\x1f{reviewer}".encode("utf-8", "surrogatepass")
    seed = int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")
    draws: NDArray[np.float64] = np.random.default_rng(seed).random(stop)[start:]
    return np.flatnonzero(draws < plan.control_share).tolist()
