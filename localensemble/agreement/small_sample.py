"""Bound a coefficient of few items, or of few items on which labels differ.

Published standard errors describe the items that were seen. A sample with few disagreements has
probably missed the worst ones, so these errors are too small and the lower limit is too high;
drawing the same items again, as every bootstrap does, cannot show what was never drawn. Here one
further item is added before each limit is computed: for the lower limit, one on which raters
disagree completely; for the upper, one on which they agree completely.

Where an item either agrees or disagrees and chance is fixed, the limits are close to the binomial
ones of Clopper and Pearson, and equal to them if all items agree or all disagree.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from localensemble.agreement.result import Coefficient

SMALL_SAMPLE_ITEMS = 100
"""Below this number of items, the small-sample interval is the default."""
SMALL_SAMPLE_DIFFERING = 50
"""It is also the default if labels differ on fewer items than this."""
_LEAST_SIZE = 1e-9


def is_small(*, items: int, differing: int) -> bool:
    """Return whether a sample is too small for the analytic interval.

    Source: simulation, scripts/reference/interval_coverage.py and docs/agreement.md.
    """
    return items < SMALL_SAMPLE_ITEMS or differing < SMALL_SAMPLE_DIFFERING


def least_items(confidence_level: float) -> int:
    """Return how many items it takes before agreement on all of them can show anything.

    Two raters who each toss a coin agree on n of n items with probability 1/2 to the power n. A
    verdict needs n for which this is less than one tail of the interval: 6 items at 95%.
    """
    tail = (1.0 - confidence_level) / 2.0
    return math.floor(math.log2(1.0 / tail)) + 1


@dataclass(frozen=True, slots=True)
class SmallSample:
    """The disagreement seen on N items, for limits that allow for one item more.

    Attributes:
        items: N; may be a fraction if items weigh differently.
        observed: mean disagreement, from 0 to 1.
        expected: disagreement expected by chance, kept as computed.
        error: standard error of the coefficient; 0 if every item contributes the same.
    """

    items: float
    observed: float
    expected: float
    error: float

    def low(self, tail: float) -> float:
        """Return the coefficient's lower limit; larger values are missed with probability tail."""
        return 1.0 - self._most(self.observed, tail) / self.expected

    def high(self, tail: float) -> float:
        """Return the coefficient's upper limit."""
        return 1.0 - (1.0 - self._most(1.0 - self.observed, tail)) / self.expected

    def above(self, border: float) -> float:
        """Return the confidence that the coefficient is above a border."""
        from scipy import special

        disagreement = (1.0 - border) * self.expected
        if disagreement >= 1.0:
            return 1.0
        if self.observed >= 1.0:
            return 0.0
        first, second = self._shapes(self.observed)
        return float(special.betainc(first, second, max(0.0, disagreement)))

    def _most(self, share: float, tail: float) -> float:
        from scipy import special

        if share >= 1.0:
            return 1.0
        first, second = self._shapes(share)
        return float(special.betaincinv(first, second, 1.0 - tail))

    def _shapes(self, share: float) -> tuple[float, float]:
        """Return the beta distribution of a share after one further item that adds 1 to it.

        Its mean is (N share + 1) / (N + 1), and the further item adds its squared distance from
        the old mean to the spread. The factor N / (N + 2) gives Clopper and Pearson's limits when
        no item has added anything.
        """
        count = self.items
        mean = (count * share + 1.0) / (count + 1.0)
        # The standard error divides by N - 1; the binomial limits know their own spread, p (1 - p).
        seen = (self.error * self.expected) ** 2 * (count - 1.0) / count
        further = (1.0 - share) ** 2 * count / (count + 2.0)
        variance = (count**2 * seen + further) / (count + 1.0) ** 2
        # A spread that no share can have leaves a distribution at 0 and 1.
        size = max(mean * (1.0 - mean) / variance - 1.0, _LEAST_SIZE)
        return mean * size, (1.0 - mean) * size


def small_sample_of(coefficient: Coefficient) -> SmallSample:
    """Return the sample behind a coefficient that has a value."""
    return SmallSample(
        coefficient.items_used,
        1.0 - (coefficient.observed_agreement or 0.0),
        1.0 - (coefficient.expected_agreement or 0.0),
        coefficient.standard_error or 0.0,
    )
