"""The place of one reviewer in the queue: what is done, put aside, flagged, and what comes next.

Everything that must survive is in the ledger. What is only here is lost when the program ends:
items put aside, flags, and the steps that can be undone.
"""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from localensemble.ledger.records import PersonDecision, ReviewerRecord
from localensemble.review.page.waiting_items import Queue, QueueFilter
from localensemble.review.plan.item_queue import BoolArray, Positions, left_for

FEWEST_SECONDS = 2.0
"""An answer that took less time is marked: nobody reads a text so fast."""

_RECENT = 10
_TIMED = 20
# The first answers take long: people read the codebook, and try out what the page does.
_LEAST_TIMED = 5


@dataclass(frozen=True, slots=True)
class Step:
    """Something a reviewer did that can be undone.

    Attributes:
        position: the item.
        before: variable -> the reviewer's answer before; None if there was none. Empty for an
            item that was put aside.
    """

    position: int
    before: Mapping[int, PersonDecision | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RecentItem:
    """An item that a reviewer has answered; ``fast`` marks an answer in too little time."""

    position: int
    item_id: str
    answer: str
    fast: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a reviewer is.

    Attributes:
        done: items of the queue that are answered, by anybody where one person is enough.
        total: items of the queue.
        minutes_left: from the median time of the last 20 items; None before the fifth.
    """

    done: int
    total: int
    minutes_left: float | None


@dataclass(slots=True, eq=False)
class Desk:
    """The place of one reviewer.

    Attributes:
        reviewer: who it is.
        wanted: the filter.
        queue: the items that the filter leaves.
        needed: (N,); how many people must answer each item.
        people: (N,); how many have.
        mine: bool (N,); True for items that this reviewer has answered.
        later: items put aside, in this order.
        flagged: items to come back to.
        seen: items whose raters' labels this reviewer has seen.
        steps: what can be undone, the newest last.
        opened: (item, page) -> when the page was first shown, in seconds of a clock.
        present: the item that is open.
        control: control item -> the indices of the variables that it asks this reviewer.
        planned_control: number of control items in all that the reviewer may read; 0 without any.
        barred: items that this reviewer may not settle, having answered them.
        read: items that the reviewer has read -> their number, from 1.
    """

    reviewer: ReviewerRecord
    wanted: QueueFilter
    queue: Queue
    needed: NDArray[np.int64]
    people: NDArray[np.int64]
    mine: BoolArray
    later: dict[int, None] = field(default_factory=dict)
    flagged: dict[int, None] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    steps: list[Step] = field(default_factory=list)
    opened: dict[tuple[int, str], float] = field(default_factory=dict)
    present: int | None = None
    control: dict[int, tuple[int, ...]] = field(default_factory=dict)
    planned_control: int = 0
    read: dict[int, int] = field(default_factory=dict)
    barred: frozenset[int] = frozenset()
    seconds: deque[float] = field(default_factory=lambda: deque(maxlen=_TIMED))
    _recent: dict[int, RecentItem] = field(default_factory=dict)
    _rank: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.sort(self.wanted, self.queue)

    def sort(self, wanted: QueueFilter, queue: Queue) -> None:
        """Take another queue; what was done and put aside stays."""
        self.wanted = wanted
        self.queue = queue
        self._rank = np.full(len(queue.asked), len(queue.positions), np.int64)
        self._rank[queue.positions] = np.arange(len(queue.positions))

    def left(self, *, taken: frozenset[int] = frozenset()) -> Positions:
        """Return the items still to read, in order, without those put aside.

        Args:
            taken: items that other reviewers have open.
        """
        people = self.people
        aside = [*self.later]
        if taken or aside:
            people = people.copy()
            people[[*taken]] += 1
            people[aside] = np.iinfo(np.int64).max
        return left_for(self.queue.positions, needed=self.needed, people=people, mine=self.mine)

    def left_for_others(self) -> int:
        """Count the items of the queue that fewer people have answered than are to answer them."""
        queue = self.queue.positions
        return int(np.count_nonzero(self.people[queue] < self.needed[queue]))

    def next_item(self, after: int | None, *, taken: frozenset[int] = frozenset()) -> int | None:
        """Return the next item to read after an item; from the start if none follows it."""
        left = self.left(taken=taken)
        if after is not None:
            left = left[left != after]
        if not len(left):
            return None
        if after is None:
            return int(left[0])
        following = left[self._rank[left] > self._rank[after]]
        return int(following[0]) if len(following) else int(left[0])

    def show_control(self, position: int, *, before: int, variables: tuple[int, ...]) -> None:
        """Put a control item before an item of the queue."""
        self.control[position] = variables
        self._rank[position] = self._rank[before] - 1

    def mark_read(self, position: int, *, answered: bool) -> None:
        """Count an item as read, or no longer."""
        if not answered:
            self.read.pop(position, None)
        elif position not in self.read:
            self.read[position] = len(self.read) + 1

    def neighbor(self, position: int, step: int) -> int | None:
        """Return the item before (-1) or after (1) an item in the queue, answered or not.

        With control items, it is the item read before or after: the queue has no control items.
        """
        if self.planned_control:
            path = [*self.read]
            if position not in self.read:
                path.append(position)
            place = path.index(position) + step
            return path[place] if 0 <= place < len(path) else None
        place = int(self._rank[position]) + step
        inside = 0 <= place < len(self.queue.positions)
        return int(self.queue.positions[place]) if inside else None

    def place(self, position: int) -> int | None:
        """Return the place of an item in the queue, from 1; None for an item outside of it."""
        if self.planned_control:
            return self.read.get(position, len(self.read) + 1)
        place = int(self._rank[position]) + 1
        return place if place <= len(self.queue.positions) else None

    def progress(self) -> Progress:
        """Return how far the reviewer is."""
        total = len(self.queue.positions)
        waiting = left_for(
            self.queue.positions, needed=self.needed, people=self.people, mine=self.mine
        )
        left = len(waiting)
        done = total - left
        if self.planned_control:
            # A control item counts like any other, or the count would give it away.
            answered = len(self.control.keys() & self.read.keys())
            ahead = max(self.planned_control - answered, 0) if left else 0
            done, left = done + answered, left + ahead
            total = done + left
        enough = len(self.seconds) >= _LEAST_TIMED
        minutes = statistics.median(self.seconds) * left / 60 if enough else None
        return Progress(done, total, minutes)

    def remember(self, item: RecentItem) -> None:
        """Put an item at the head of the list of recent ones."""
        self._recent.pop(item.position, None)
        self._recent[item.position] = item
        while len(self._recent) > _RECENT:
            del self._recent[next(iter(self._recent))]

    def was_fast(self, position: int) -> bool:
        """Tell whether a recent item was answered in too little time."""
        known = self._recent.get(position)
        return known is not None and known.fast

    def forget(self, position: int) -> None:
        """Take an item off the list of recent ones."""
        self._recent.pop(position, None)

    @property
    def recent(self) -> tuple[RecentItem, ...]:
        """The last ten items that were answered, the newest first."""
        return tuple(reversed(self._recent.values()))
