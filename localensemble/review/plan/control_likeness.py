"""Whether control items look like the items among which they are mixed.

A control item that is longer than the others, or nearly always of one category, is soon known for
what it is, and then it no longer shows how a reviewer reads.
Source: Liu et al. (2025), arXiv 2505.19134, for the rule that control items look like others; the
tests are those of Kolmogorov and Smirnov, and of Pearson.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ALPHA = 0.05
# With fewer, no difference that matters could be shown.
FEWEST_ITEMS = 5


@dataclass(frozen=True, slots=True)
class Unlikeness:
    """A difference between control items and the items in the queue.

    Attributes:
        what: ``length``, or the name of a variable whose categories differ.
        effect: 0 to 1. For the length, the greatest distance between the two distributions; for
            categories, the share of the labels that would have to be others.
        p_value: the chance of such a difference if both were drawn alike.
    """

    what: str
    effect: float
    p_value: float

    def sentence(self) -> str:
        """Return the difference in words."""
        differ = "The control items differ from the items in the queue in"
        if self.what == "length":
            found = f"their length (Kolmogorov-Smirnov distance {self.effect:.2f}"
        else:
            found = f'the categories of "{self.what}" ({self.effect:.0%} of them are others'
        return (
            f"{differ} {found}, p = {self.p_value:.2g}). Reviewers may come to recognize them; "
            "choose control items like the others."
        )


def unlike_length(queued: NDArray[np.int64], control: NDArray[np.int64]) -> Unlikeness | None:
    """Compare lengths of texts; return None if no difference is shown.

    Args:
        queued: (n,) lengths of the texts in the queue.
        control: (m,) lengths of the texts of the control items, in the same unit.

    Undefined when: either has fewer than five items; returns None.
    """
    if min(len(queued), len(control)) < FEWEST_ITEMS:
        return None
    from scipy.stats import ks_2samp

    found = ks_2samp(queued, control)
    return _if_shown("length", float(found.statistic), float(found.pvalue))


def unlike_categories(
    variable: str, *, queued: NDArray[np.int16], control: NDArray[np.int16]
) -> Unlikeness | None:
    """Compare the shares of categories; return None if no difference is shown.

    Args:
        variable: name of the variable.
        queued: (n,) consensus categories of the items in the queue; -1 is left out.
        control: (m,) known categories of the control items; -1 is left out.

    Undefined when: either has fewer than five items with a category; returns None.
    """
    first, second = queued[queued >= 0], control[control >= 0]
    if min(len(first), len(second)) < FEWEST_ITEMS:
        return None
    size = int(max(first.max(), second.max())) + 1
    table = np.stack([np.bincount(one, minlength=size) for one in (first, second)])
    table = table[:, table.sum(axis=0) > 0]
    if table.shape[1] < 2:
        return None
    from scipy.stats import chi2_contingency

    shares = table / table.sum(axis=1, keepdims=True)
    effect = float(np.abs(shares[0] - shares[1]).sum()) / 2
    return _if_shown(variable, effect, float(chi2_contingency(table, correction=False).pvalue))


def sentences(found: Sequence[Unlikeness | None]) -> tuple[str, ...]:
    """Return the differences that are shown, in words."""
    return tuple(one.sentence() for one in found if one is not None)


def _if_shown(what: str, effect: float, p_value: float) -> Unlikeness | None:
    return Unlikeness(what, effect, p_value) if p_value < ALPHA else None
