"""Test and bound the share of wrong labels among the accepted items that nobody has read.

Of all accepted items, people labeled a random part; the promise is about the others. With m
tolerated errors among the unread, k found errors pass if, were m + 1 unread items wrong, a random
part would hold at most k errors with a probability of at most delta (hypergeometric). Where the
unread are many, this is the exact binomial test. Without a count of unread items (None), the
items are a sample of a stream without end, and the binomial test itself applies.

The test is exact for every threshold. Which unread items are wrong depends on the draw, so that
the fixed sequence of thresholds has no proof here; docs/consensus.md has the simulation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.certificates.bounds import binomial_p, certifying_size, upper_bound
from localensemble.consensus.protocol import FloatArray

Counts = NDArray[np.int64]

# A product such as 0.07 * 100 must not fall below the whole number it stands for.
_ROUNDING = 1e-9


def unread_p(errors: int, *, items: int, unread: int | None, alpha: float) -> float:
    """Test "more than alpha of the unread are wrong" on this many errors among the read items.

    1 if there is no unread item, because there is nothing to promise.
    """
    if unread is None:
        counts = np.array([errors]), np.array([items])
        return float(binomial_p(counts[0], items=counts[1], alpha=alpha)[0])
    return float(
        unread_p_values(errors, items=np.array([items]), unread=np.array([unread]), alpha=alpha)[0]
    )


def unread_p_values(errors: int, *, items: Counts, unread: Counts, alpha: float) -> FloatArray:
    """Return ``unread_p`` of the same number of errors for many counts at once, at least 1."""
    tolerated = np.floor(alpha * unread + _ROUNDING).astype(np.int64)
    return np.where(
        unread > 0, _few_drawn(errors, items=items, unread=unread, wrong=tolerated + 1), 1.0
    )


def unread_bound(errors: int, *, items: int, unread: int | None, delta: float) -> float:
    """Bound the share of wrong labels among the unread from above with confidence 1 - delta.

    It is at most alpha exactly where ``unread_p`` is at most delta. 1 if no item is unread.
    """
    if unread is None:
        return upper_bound(errors, items=items, delta=delta)
    if unread == 0:
        return 1.0
    # The largest number of wrong unread items that the count of errors does not exclude.
    low, high = 0, unread + 1
    while high - low > 1:
        middle = (low + high) // 2
        p = _few_drawn(
            errors, items=np.array([items]), unread=np.array([unread]), wrong=np.array([middle])
        )
        if p[0] > delta:
            low = middle
        else:
            high = middle
    return low / unread


def certifying_size_of_share(
    errors: int, *, unread_per_item: float | None, most: int, alpha: float, delta: float
) -> int | None:
    """Find the fewest read items, up to a number, that certify alpha with this many errors.

    Args:
        errors: number of errors among them.
        unread_per_item: unread items for each read one; None if they have no end.
        most: the largest number of items to try.
        alpha: the tolerated share, strictly between 0 and 1.
        delta: the chance that the promise fails, strictly between 0 and 1.

    Returns:
        The number; None if none up to ``most`` is enough.
    """
    # The finite test never passes with fewer items than the binomial one.
    fewest = certifying_size(errors, alpha=alpha, delta=delta)
    if fewest > most:
        return None
    if unread_per_item is None:
        return fewest
    # A few times the binomial number is nearly always enough; the rest takes long to try.
    for first, last in ((fewest, min(most, 4 * fewest)), (4 * fewest + 1, most)):
        sizes = np.arange(first, last + 1, dtype=np.int64)
        unread = np.rint(sizes * unread_per_item).astype(np.int64)
        passing = unread_p_values(errors, items=sizes, unread=unread, alpha=alpha) <= delta
        if passing.any():
            return int(sizes[np.argmax(passing)])
    return None


def _few_drawn(errors: int, *, items: Counts, unread: Counts, wrong: Counts) -> FloatArray:
    """Compute P(at most ``errors`` of the wrong items are read), elementwise.

    In all, ``errors + wrong`` items are wrong; at most ``errors`` of them are read exactly where
    at least ``wrong`` of them are unread. The terms are summed over the errors that are read.
    """
    from scipy.special import gammaln

    total, bad = items + unread, errors + wrong
    read = np.arange(errors + 1, dtype=np.int64)[:, None]

    def log_choose(n: Counts, k: Counts) -> FloatArray:
        with np.errstate(invalid="ignore"):
            ways = gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0)
        return np.where((k >= 0) & (k <= n), ways, -np.inf)

    ways = log_choose(bad, read) + log_choose(total - bad, items - read)
    found = np.exp(ways - log_choose(total, items)).sum(axis=0)
    return np.asarray(np.minimum(found, 1.0), dtype=np.float64)
