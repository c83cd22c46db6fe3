"""Estimate how many gold labels a promise needs before any are collected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from localensemble.consensus.certificates.bounds import certifying_size, tolerated_errors

_TABLE_ERRORS = (0, 1, 2, 3, 4, 5, 6, 8, 10)
_MOST_ITEMS = 1_000_000


@dataclass(frozen=True, slots=True)
class CertificationPlan:
    """How many gold labels one promise needs.

    Attributes:
        alpha: tolerated error rate among the accepted.
        delta: chance that the promise fails.
        error_rate: assumed error rate among the items that will be accepted.
        accepted_share: assumed share of items that will be accepted.
        accepted_needed: accepted items with gold labels needed for the wanted chance.
        items_needed: random gold labels needed in all for the wanted chance; None if
            the assumed error rate is not below alpha, or more than a million are needed.
        chance: wanted chance that the certification succeeds.
        sizes: (errors, fewest accepted items that certify with that many errors).
    """

    alpha: float
    delta: float
    error_rate: float
    accepted_share: float
    accepted_needed: int | None
    items_needed: int | None
    chance: float
    sizes: tuple[tuple[int, int], ...]


def plan_certification(
    *,
    alpha: float,
    delta: float,
    error_rate: float,
    accepted_share: float,
    chance: float = 0.8,
) -> CertificationPlan:
    """Return how many gold labels will probably certify one threshold.

    The count is for a single threshold fixed in advance. The fixed-sequence walk also needs the
    stricter thresholds to pass, so treat the count as a minimum.

    Args:
        alpha: tolerated error rate among the accepted, between 0 and 1.
        delta: chance that the promise fails, between 0 and 1.
        error_rate: error rate you expect among the accepted items.
        accepted_share: share of the items you expect to accept, above 0 and at most 1.
        chance: wanted chance that the certification succeeds if both expectations hold.

    Raises:
        ValueError: a share is out of range.
    """
    if not (0 <= error_rate <= 1 and 0 < accepted_share <= 1 and 0 < chance < 1):
        raise ValueError(
            f"error_rate {error_rate}, accepted_share {accepted_share} and chance {chance} "
            "must be shares."
        )
    accepted = _accepted_needed(alpha, delta, error_rate, chance)
    items = None if accepted is None else int(np.ceil(accepted / accepted_share))
    return CertificationPlan(
        alpha=alpha,
        delta=delta,
        error_rate=error_rate,
        accepted_share=accepted_share,
        accepted_needed=accepted,
        items_needed=items if items is not None and items <= _MOST_ITEMS else None,
        chance=chance,
        sizes=certifying_sizes(alpha=alpha, delta=delta),
    )


def items_to_check(*, alpha: float, delta: float, accepted: int) -> int:
    """Return how many of the accepted items to label to check a promise on other texts.

    If half of the tolerated share is wrong, this many show with a chance of 80% that it holds;
    all of them if there are fewer.
    """
    needed = _accepted_needed(alpha, delta, alpha / 2, 0.8)
    return accepted if needed is None else min(needed, accepted)


def certifying_sizes(*, alpha: float, delta: float) -> tuple[tuple[int, int], ...]:
    """List (errors, fewest accepted items that still certify alpha) for 0 to 10 errors."""
    return tuple(
        (errors, certifying_size(errors, alpha=alpha, delta=delta)) for errors in _TABLE_ERRORS
    )


def _accepted_needed(alpha: float, delta: float, error_rate: float, chance: float) -> int | None:
    """Find the fewest accepted items from which on certification succeeds with that chance."""
    from scipy.special import bdtr

    if error_rate >= alpha:
        return None
    start = certifying_size(0, alpha=alpha, delta=delta)
    size = start
    while size <= _MOST_ITEMS:
        sizes = np.arange(size, 2 * size + 1, max(1, size // 200), dtype=np.int64)
        tolerated = tolerated_errors(sizes, alpha=alpha, delta=delta)
        succeeds = np.where(tolerated >= 0, bdtr(np.maximum(tolerated, 0), sizes, error_rate), 0.0)
        # The chance drops a little before each further tolerated error.
        lasting = np.flip(np.logical_and.accumulate(np.flip(succeeds >= chance)))
        if lasting[0] or lasting.any():
            return int(sizes[np.argmax(lasting)])
        size *= 2
    return None
