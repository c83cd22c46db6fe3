"""What the counts of a threshold allow, and how many more gold items would certify it.

Where the walk over thresholds starts follows from numbers of items alone, never from a label. A
walk that starts where only 0 errors pass stops at an early error; one that starts where two pass
was better or equal in every planning simulation, but it needs more gold items than a small study
has. So the walk starts at the size that forgives two errors only if the loosest threshold
accepts 1.3 times that many gold items; else at the size for one error; else for none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from localensemble.consensus.certificates.bounds import certifying_size
from localensemble.consensus.certificates.unread_items import certifying_size_of_share, unread_p

_FORGIVEN_ERRORS = (2, 1)
_ROOM = 1.3
_MOST_ITEMS = 100_000
_TRIED_SIZES = 200
_FINER_SIZES = 40


@dataclass(frozen=True, slots=True)
class CountedThreshold:
    """The numbers that one threshold accepts; ``unread`` is None if their number has no end."""

    threshold: float
    accepted: int
    errors: int
    unread: int | None

    def forgives(self, errors: int, *, alpha: float, delta: float) -> bool:
        """Tell whether it would pass with this many errors."""
        if errors > self.accepted:
            return False
        return unread_p(errors, items=self.accepted, unread=self.unread, alpha=alpha) <= delta


@dataclass(frozen=True, slots=True)
class WalkStart:
    """Which candidates the walk tests: those that accept enough items and leave enough unread.

    Attributes:
        least_accepted: the fewest accepted gold items.
        forgiven: the number of errors with which a candidate must still pass.
        least_unread: the fewest unread items; 0 if even the loosest candidate leaves fewer.
    """

    least_accepted: int
    forgiven: int
    least_unread: int = 0

    def includes(self, one: CountedThreshold, *, alpha: float, delta: float) -> bool:
        """Tell whether a candidate is tested; a smaller one, or one with few unread, is skipped."""
        enough = one.accepted >= self.least_accepted
        if one.unread is not None and one.unread < self.least_unread:
            return False
        return enough and one.forgives(self.forgiven, alpha=alpha, delta=delta)


def walk_start(
    counts: Sequence[CountedThreshold], *, alpha: float, delta: float, wanted: int | None = None
) -> WalkStart:
    """Find where the walk over thresholds starts, from numbers of items alone.

    Args:
        counts: the thresholds, strictest first.
        alpha: the tolerated share.
        delta: the chance that the promise fails.
        wanted: a number that was chosen without the gold labels; it is raised to the size below
            which nothing can pass.
    """
    fewest = certifying_size(0, alpha=alpha, delta=delta)
    if wanted is not None:
        return WalkStart(max(wanted, fewest), 0)
    if not counts or not counts[-1].accepted:
        return WalkStart(fewest, 0)
    loosest = counts[-1]
    for forgiven in (*_FORGIVEN_ERRORS, 0):
        size = certifying_size_of_share(
            forgiven,
            unread_per_item=None if loosest.unread is None else loosest.unread / loosest.accepted,
            most=loosest.accepted,
            alpha=alpha,
            delta=delta,
        )
        if size is not None and (not forgiven or loosest.accepted >= _ROOM * size):
            return WalkStart(size, forgiven, _least_unread(loosest, alpha))
    return WalkStart(fewest, 0)


def _least_unread(loosest: CountedThreshold, alpha: float) -> int:
    """Find the fewest unread items of which one may be wrong, if the loosest leaves as many.

    Among fewer, no error is tolerated, so that a strict candidate would stop the walk.
    """
    least = math.ceil(1 / alpha - 1e-9)
    return least if loosest.unread is not None and loosest.unread >= least else 0


def items_needed(
    counts: Sequence[CountedThreshold],
    *,
    gold_items: int,
    pool_items: int | None,
    alpha: float,
    delta: float,
) -> int | None:
    """Estimate the fewest gold items that would certify a threshold at the rates found so far.

    None if no number would: the rates are too high, or too few items would be left unread.
    """
    most = _MOST_ITEMS if pool_items is None else pool_items
    if not gold_items or most <= gold_items:
        return None
    sizes = np.unique(np.geomspace(gold_items + 1, most, _TRIED_SIZES).astype(np.int64))
    before = gold_items
    for found in sizes.tolist():
        if _would_certify(counts, growth=found / gold_items, alpha=alpha, delta=delta):
            steps = range(before + 1, found, max(1, (found - before) // _FINER_SIZES))
            finer = (
                size
                for size in steps
                if _would_certify(counts, growth=size / gold_items, alpha=alpha, delta=delta)
            )
            return next(finer, found)
        before = found
    return None


def risk_items_needed(errors: int, items: int, alpha: float) -> int | None:
    """Estimate the fewest gold items for conformal risk control; None if no number would do."""
    rate = errors / items if items else 0.0
    if rate >= alpha:
        return None
    # (rate n + 1) / (n + 1) <= alpha
    return max(items + 1, math.ceil((1.0 - alpha) / (alpha - rate)))


def _would_certify(
    counts: Sequence[CountedThreshold], *, growth: float, alpha: float, delta: float
) -> bool:
    """Tell whether a threshold that does not pass now would, with this many times the gold items.

    What passes now did not certify, because a stricter one failed; more of the same is no help.
    """
    grown = [_grown(one, growth) for one in counts]
    start = walk_start(grown, alpha=alpha, delta=delta)
    return any(
        after.forgives(after.errors, alpha=alpha, delta=delta)
        for now, after in zip(counts, grown, strict=True)
        if start.includes(after, alpha=alpha, delta=delta)
        and not now.forgives(now.errors, alpha=alpha, delta=delta)
    )


def _grown(one: CountedThreshold, growth: float) -> CountedThreshold:
    accepted = math.floor(one.accepted * growth + 1e-9)
    unread = one.unread
    if unread is not None:
        accepted = min(accepted, one.accepted + unread)
        unread -= accepted - one.accepted
    # Counts are whole, so an error rate above 0 shows as at least one error.
    errors = min(math.ceil(one.errors * growth - 1e-9), accepted)
    return replace(one, accepted=accepted, errors=errors, unread=unread)
