"""Estimate the accuracy of the accepted items from a random audit of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.certificates.bounds import Interval
from localensemble.consensus.protocol import FloatArray

_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class AuditEstimate:
    """Accuracy of the accepted items of one variable.

    Attributes:
        accepted: number of items that no policy but the audit escalated.
        audited: number of these items that a person has labeled for the audit.
        correct: number of audited items whose consensus is the person's label.
        accuracy: correct / audited, unbiased because every accepted item was equally
            likely to be drawn; None if nothing is audited.
        interval: 95% interval of the accuracy of exactly these accepted items
            (hypergeometric mid-P: its coverage is right on average, while the
            Clopper-Pearson interval is wider than necessary); None if nothing is audited.
        undefined_because: why there is no accuracy; empty if there is one.
    """

    accepted: int
    audited: int
    correct: int
    accuracy: float | None
    interval: Interval | None
    undefined_because: str


def estimate_accuracy(*, accepted: int, audited: int, correct: int) -> AuditEstimate:
    """Estimate the accuracy of the accepted items.

    The estimate is valid only if the audited items were drawn at random from the accepted ones
    and every drawn item was labeled: without the hard items the result looks too good.

    Raises:
        ValueError: the counts contradict each other.
    """
    if not 0 <= correct <= audited <= accepted:
        raise ValueError(f"{correct} correct of {audited} audited of {accepted} accepted items.")
    if audited == 0:
        reason = "no accepted item has been audited" if accepted else "no item was accepted"
        return AuditEstimate(accepted, 0, 0, None, None, reason)
    low = _least_correct(accepted, audited, correct)
    high = accepted - _least_correct(accepted, audited, audited - correct)
    interval = Interval(low / accepted, high / accepted)
    return AuditEstimate(accepted, audited, correct, correct / audited, interval, "")


def _least_correct(accepted: int, audited: int, correct: int) -> int:
    """Find the fewest correct items in all that make this many correct ones not too surprising.

    Mid-P: half the probability of the observed count goes to the tail. The result is at least
    the observed count.
    """
    from scipy.special import gammaln

    tail = (1 - _CONFIDENCE) / 2

    def log_choose(n: int, k: NDArray[np.int64]) -> FloatArray:
        return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))

    draws = float(log_choose(accepted, np.array(audited)))

    def surprising(total: int) -> bool:
        """Tell whether P(more than ``correct`` are drawn) + P(exactly ``correct``) / 2 is small."""
        # The search leaves enough wrong items for those observed, so all terms exist.
        counts = np.arange(correct, min(audited, total) + 1, dtype=np.int64)
        ways = log_choose(total, counts) + log_choose(accepted - total, audited - counts)
        probabilities = np.exp(ways - draws)
        probabilities[0] /= 2
        return bool(probabilities.sum() <= tail)

    low, high = correct - 1, accepted - (audited - correct)
    while high - low > 1:
        middle = (low + high) // 2
        if surprising(middle):
            low = middle
        else:
            high = middle
    return high
