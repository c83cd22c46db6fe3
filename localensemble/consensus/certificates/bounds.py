"""Compute exact bounds on an error rate that was counted on a random set of items.

Source: Clopper and Pearson (1934), Biometrika 26, 404-413; Bates et al. and Angelopoulos et
al., Learn then Test, arXiv 2110.01052, for the Hoeffding-Bentkus p-value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.protocol import FloatArray

# SciPy takes a tenth of a second to import, so each function imports what it needs.


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided confidence interval."""

    low: float
    high: float


def upper_bound(errors: int, *, items: int, delta: float) -> float:
    """Bound an error rate from above with confidence 1 - delta (one-sided Clopper-Pearson).

    The bound is 1 if all items are wrong or there are no items.
    """
    from scipy.special import betaincinv

    _check_counts(errors, items)
    if errors == items:
        return 1.0
    return float(betaincinv(errors + 1, items - errors, 1.0 - delta))


def exact_interval(count: int, *, items: int, confidence: float = 0.95) -> Interval:
    """Compute the two-sided Clopper-Pearson interval of a share.

    Its coverage is at least the stated confidence. It is 0 to 1 if there are no items.
    """
    from scipy.special import betaincinv

    _check_counts(count, items)
    tail = (1.0 - confidence) / 2
    low = 0.0 if count == 0 else float(betaincinv(count, items - count + 1, tail))
    high = 1.0 if count == items else float(betaincinv(count + 1, items - count, 1.0 - tail))
    return Interval(low, high)


def binomial_p(errors: NDArray[np.int64], *, items: NDArray[np.int64], alpha: float) -> FloatArray:
    """Test "the error rate exceeds alpha": P(Bin(items, alpha) <= errors), for each pair.

    It is at most delta exactly where ``upper_bound`` with that delta is at most alpha.
    """
    from scipy.special import bdtr

    return np.asarray(bdtr(errors, items, alpha), dtype=np.float64)


def hoeffding_bentkus_p(mean_loss: float, *, items: int, alpha: float) -> float:
    """Test "the mean loss exceeds alpha" for losses in [0, 1], not only 0 and 1.

    Args:
        mean_loss: mean loss of the items.
        items: number of items, at least 1.
        alpha: the tolerated mean loss, between 0 and 1.
    """
    from scipy.special import bdtr

    if items < 1 or not 0 <= mean_loss <= 1 or not 0 < alpha < 1:
        raise ValueError(f"No p-value for mean loss {mean_loss}, {items} items, alpha {alpha}.")
    low = min(mean_loss, alpha)
    divergence = (1 - low) * math.log((1 - low) / (1 - alpha))
    if low > 0:
        divergence += low * math.log(low / alpha)
    hoeffding = math.exp(-items * divergence)
    # For 0/1 losses the count is whole; rounding must not raise it to the next.
    count = math.ceil(items * mean_loss - 1e-9)
    bentkus = math.e * float(bdtr(count, items, alpha))
    return min(hoeffding, bentkus, 1.0)


def certifying_size(errors: int, *, alpha: float, delta: float) -> int:
    """Find the fewest items that, with this many errors, still certify an error rate alpha.

    Fewer items never suffice. Both shares lie strictly between 0 and 1.
    """
    from scipy.special import bdtr

    _check_promise(alpha, delta)
    low, high = errors, max(1, errors + 1)
    while bdtr(errors, high, alpha) > delta:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if bdtr(errors, middle, alpha) <= delta:
            high = middle
        else:
            low = middle
    return high


def tolerated_errors(items: NDArray[np.int64], *, alpha: float, delta: float) -> NDArray[np.int64]:
    """Find the most errors among these items that still certify alpha; -1 if even 0 is too many."""
    from scipy.special import bdtr

    _check_promise(alpha, delta)
    low = np.full(items.shape, -1, dtype=np.int64)
    high = items.astype(np.int64)  # items that are all wrong never certify
    while np.any(high - low > 1):
        middle = (low + high) // 2
        passes = bdtr(middle, items, alpha) <= delta
        low = np.where(passes & (high - low > 1), middle, low)
        high = np.where(passes | (high - low <= 1), high, middle)
    return low


def _check_counts(count: int, items: int) -> None:
    if not 0 <= count <= items:
        raise ValueError(f"{count} of {items} items is not a share.")


def _check_promise(alpha: float, delta: float) -> None:
    if not (0 < alpha < 1 and 0 < delta < 1):
        raise ValueError(f"alpha {alpha} and delta {delta} must lie strictly between 0 and 1.")
