"""Does an answer depend on the order in which the categories are listed?

Each item is asked about twice: with the categories in the order of the codebook, and in reverse.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from localensemble.consensus.certificates.bounds import Interval, exact_interval
from localensemble.core.label_matrix import GAP
from localensemble.piloting.variable_answers import CategoryArray

LEAST_PAIRS = 20
"""Below this many items with both answers, the numbers are shown but nothing is read off them."""

MANY_FLIPS = 0.2
NEARLY_EVERYWHERE = 0.95

Reading = Literal["first", "last", "inconsistent", "uninformative", ""]
"""What the numbers mean: the place in the list that is favored, or what else; empty if nothing."""


@dataclass(frozen=True, slots=True)
class PositionProbe:
    """One rater's answers to one variable in both orders.

    Attributes:
        pairs: items with a category in both orders.
        flips: those whose category changed.
        interval: exact 95% interval of the share of flips; None without pairs.
        first: share of the pairs that chose the category listed first; None without pairs.
        first_reversed: the same when the order is reversed.
        commonest: index of the most frequent category; None without answers.
        commonest_share: its share of the answers in codebook order.
        reading: what the numbers mean; empty if nothing, or too few pairs.
    """

    pairs: int
    flips: int
    interval: Interval | None
    first: float | None
    first_reversed: float | None
    commonest: int | None
    commonest_share: float | None
    reading: Reading

    @property
    def reliable(self) -> bool:
        """Whether there are enough pairs to read anything off."""
        return self.pairs >= LEAST_PAIRS


def probe_position(
    labels: CategoryArray, *, turned: CategoryArray, category_count: int
) -> PositionProbe:
    """Compare the answers of one rater in both orders.

    Many flips while one end of the list is favored in both orders is position bias; many flips
    without it is inconsistency; few flips and one category nearly everywhere say nothing about
    the texts.

    Args:
        labels: (N,) categories with the codebook's order, -1 for none.
        turned: (N,) categories with the reverse order, as indices in the codebook's order.
        category_count: K.
    """
    both = (labels != GAP) & (turned != GAP)
    pairs = int(np.count_nonzero(both))
    given = labels[labels != GAP]
    counts = np.bincount(given, minlength=category_count)
    commonest = int(counts.argmax()) if len(given) else None
    share = float(counts.max() / len(given)) if len(given) else None
    if not pairs:
        return PositionProbe(0, 0, None, None, None, commonest, share, "")
    plain, other = labels[both], turned[both]
    flips = int(np.count_nonzero(plain != other))
    last = category_count - 1
    ends = [
        (int(np.count_nonzero(plain == 0)), int(np.count_nonzero(other == last))),
        (int(np.count_nonzero(plain == last)), int(np.count_nonzero(other == 0))),
    ]
    favored = [all(_above_chance(count, pairs, category_count) for count in end) for end in ends]
    reading: Reading = ""
    if pairs >= LEAST_PAIRS and flips >= MANY_FLIPS * pairs:
        reading = "inconsistent"
        if any(favored):
            reading = "first" if favored[0] else "last"
    elif pairs >= LEAST_PAIRS and share is not None and share >= NEARLY_EVERYWHERE:
        reading = "uninformative"
    return PositionProbe(
        pairs,
        flips,
        exact_interval(flips, items=pairs),
        ends[0][0] / pairs,
        ends[0][1] / pairs,
        commonest,
        share,
        reading,
    )


def _above_chance(count: int, pairs: int, category_count: int) -> bool:
    """Tell whether a position is chosen more often than one in K, beyond doubt."""
    return exact_interval(count, items=pairs).low > 1 / category_count
