"""What the first page of a review shows: how far it is, what comes, and why nothing is left."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from localensemble.core.words import counted
from localensemble.review.page.agreement_so_far import agreement_so_far
from localensemble.review.page.desk import Desk, Progress, RecentItem
from localensemble.review.page.review_session import ReviewSession
from localensemble.review.page.waiting_items import QueueFilter

MOST_LISTED = 20
_SNIPPET = 120


@dataclass(frozen=True, slots=True)
class ListedItem:
    """One line of a list of items."""

    position: int
    item_id: str
    variables: tuple[str, ...]
    done: bool
    snippet: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReasonChoice:
    """A reason that the queue can be limited to: its code, what it means, and its items."""

    code: str
    words: str
    count: int


@dataclass(frozen=True, slots=True)
class QueueView:
    """Everything that the first page shows.

    Attributes:
        next: the next item; None if nothing is left.
        nothing_left: why nothing is left; empty otherwise.
        is_done: True if everything that the filter leaves is answered.
        for_others: how many items then still wait for another reviewer.
        differing: on how many items reviewers then differ, and nobody has settled them.
        listed: the next items, or those that a search found.
        found_more: True if the search found more than it lists.
        agreement: how far reviewers agree so far, a sentence for each variable.
    """

    progress: Progress
    next: int | None
    nothing_left: str
    is_done: bool
    for_others: int
    differing: int
    listed: tuple[ListedItem, ...]
    found_more: bool
    search: str
    wanted: QueueFilter
    reasons: tuple[ReasonChoice, ...]
    later: tuple[ListedItem, ...]
    flagged: tuple[ListedItem, ...]
    recent: tuple[RecentItem, ...]
    agreement: tuple[str, ...]


def queue_view(session: ReviewSession, desk: Desk, *, search: str = "") -> QueueView:
    """Collect what the first page shows.

    Args:
        search: words that are looked for in ids and texts of the queue; empty lists what comes.
    """
    desk.present = None
    following = session.next_item(desk)
    positions = [*desk.queue.positions.tolist(), *desk.control]
    if search:
        found = session.texts.search(search, positions)
        listed = tuple(itertools.islice(found, MOST_LISTED + 1))
    else:
        listed = session.coming(desk, MOST_LISTED)
    progress = desk.progress()
    is_done = progress.done == progress.total
    return QueueView(
        progress=progress,
        next=following,
        nothing_left="" if following is not None else why_nothing_is_left(session, desk),
        is_done=is_done,
        for_others=desk.left_for_others() if is_done else 0,
        differing=session.differing() if is_done else 0,
        listed=tuple(_listed(session, desk, one) for one in listed[:MOST_LISTED]),
        found_more=len(listed) > MOST_LISTED,
        search=search,
        wanted=desk.wanted,
        reasons=tuple(
            ReasonChoice(code, session.waiting.reason_words(code), count)
            for code, count in session.waiting.reason_counts().items()
        ),
        later=tuple(_listed(session, desk, one) for one in desk.later),
        flagged=tuple(_listed(session, desk, one) for one in desk.flagged),
        recent=desk.recent,
        agreement=agreement_so_far(session),
    )


def why_nothing_is_left(session: ReviewSession, desk: Desk) -> str:
    """Return in a sentence why a reviewer has nothing to read."""
    queue = desk.queue
    if desk.barred and not len(queue.positions):
        return (
            "Reviewers differ only on items that you have answered. "
            "Another person must settle them."
        )
    if not session.waiting.asked.any() and session.task.role == "adjudication":
        return "Reviewers differ on no item that is still open."
    if not session.waiting.asked.any():
        return "Every item has an accepted label, so no item waits for a person."
    if not len(queue.positions):
        return "No item matches the filter. Choose another variable or reason."
    if len(desk.left()) or desk.later or desk.progress().done < desk.progress().total:
        if desk.later:
            return f"Only {counted(len(desk.later), 'item')} that you put aside are left."
        return "Other reviewers have the remaining items open."
    own = int(desk.mine[queue.positions].sum())
    by_others = len(queue.positions) - own
    done = f"All {counted(len(queue.positions), 'item')} of this queue are answered"
    if by_others:
        done += f", {by_others:,} of them by other reviewers"
    if queue.beyond_budget:
        return f"{done}. {queue.beyond_budget:,} more wait beyond the budget of this review."
    return f"{done}."


def _listed(session: ReviewSession, desk: Desk, position: int) -> ListedItem:
    item = session.texts.item(position)
    snippet = " ".join(item.text[: 4 * _SNIPPET].split())
    if len(snippet) > _SNIPPET:
        snippet = snippet[: _SNIPPET - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return ListedItem(
        position,
        item.id,
        tuple(session.variables[place].name for place in session.asked(desk, position)),
        bool(desk.mine[position]),
        snippet,
    )
