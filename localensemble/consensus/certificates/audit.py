"""How right the accepted part is, estimated from a random audit of it."""

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
        accepted: items no policy but the audit escalated.
        audited: those of them a person has labeled for the audit.
        correct: audited items whose consensus is the person's label.
        accuracy: correct / audited, unbiased because every accepted item was equally
            likely to be drawn; None when nothing is audited.
        interval: 95%, for the accuracy of exactly these accepted items (hypergeometric
            mid-P: right on average, where the Clopper-Pearson interval is wider than it
            says); None when nothing is audited.
        undefined_because: why there is no accuracy; empty when there is one.
    """

    accepted: int
    audited: int
    correct: int
    accuracy: float | None
    interval: Interval | None
    undefined_because: str


def estimate_accuracy(*, accepted: int, audited: int, correct: int) -> AuditEstimate:
    """Estimate how right the accepted items are.

    Valid only if the audited items were drawn at random among the accepted, and all that
    were drawn have been labeled: leaving out the hard ones flatters the result.

    Raises:
        ValueError: the counts do not fit into each other.
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
    """Fewest correct items in all under which so many correct ones are not too surprising.

    Mid-P: half the probability of the observed count goes to the tail. Also at least what
    was seen.
    """
    from scipy.special import gammaln

    tail = (1 - _CONFIDENCE) / 2

    def log_choose(n: int, k: NDArray[np.int64]) -> FloatArray:
        return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))

    draws = float(log_choose(accepted, np.array(audited)))

    def surprising(total: int) -> bool:
        """P(more than ``correct`` are drawn) + P(exactly so many) / 2 is small."""
        # The search keeps enough wrong items for the wrong ones seen, so all terms exist.
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
