"""What a certificate keeps about the texts it was certified on, to compare other texts with them.

A promise is about the items that the gold items were drawn from. Applied to other items, a
certificate only states what held elsewhere. Whether they resemble each other is tested on the
scores, the share accepted and the shares of the consensus categories: a difference counts if it
is improbable by chance and large enough to matter. Texts that look alike can still differ in
how often labels are right, so a likeness is never a promise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from localensemble.consensus.protocol import FloatArray

_POINTS = 100
_P_VALUE = 0.01
_EFFECT = 0.1


@dataclass(frozen=True, slots=True)
class PoolProfile:
    """The scores, categories and accepted share of a set of items.

    Attributes:
        item_set_sha256: the hash of the ids and contents of the items.
        item_count: number of its first items that were labeled; a limit leaves out others.
        items: number of these items without non-answers.
        accepted: number of items that the threshold accepts, before a random audit.
        score_quantiles: 100 quantiles of the scores, at .005, .015, ...; empty without scores.
        scored: number of items with a score.
        category_counts: (category, number of items with this consensus); "" has none.
    """

    item_set_sha256: str
    item_count: int
    items: int
    accepted: int
    score_quantiles: tuple[float, ...]
    scored: int
    category_counts: tuple[tuple[str, int], ...]

    @property
    def accepted_share(self) -> float:
        """Share of the items that the threshold accepts."""
        return self.accepted / self.items if self.items else 0.0

    def contradiction(self, threshold: float | None) -> str:
        """Return what does not fit together in words; empty if the numbers can be true.

        Args:
            threshold: the score from which items are accepted; None if none are.
        """
        counted = sum(count for _, count in self.category_counts)
        names = {name for name, _ in self.category_counts}
        if counted != self.items or len(names) != len(self.category_counts):
            return f"the categories of its profile count {counted:,} of {self.items:,} items"
        if not self.accepted <= self.scored <= self.items <= self.item_count:
            return (
                f"{self.accepted:,} accepted of {self.scored:,} items with a score, {self.items:,} "
                f"with an answer and {self.item_count:,} in its profile are impossible"
            )
        quantiles = self.score_quantiles
        if len(quantiles) != (_POINTS if self.scored else 0) or sorted(quantiles) != [*quantiles]:
            return f"its profile has no {_POINTS} quantiles of the scores in rising order"
        # Quantiles are rounded, and steps of .01.
        reaching = sum(threshold is not None and one >= threshold - 1e-6 for one in quantiles)
        if self.accepted > self.scored * (reaching + 1) / _POINTS:
            return f"the scores of its profile cannot have {self.accepted:,} accepted items"
        return ""


@dataclass(frozen=True, slots=True)
class PoolDifference:
    """How far two sets of items differ in one respect.

    Attributes:
        what: what was compared, in words.
        effect: the difference, 0 to 1: of cumulative shares for scores (Kolmogorov-Smirnov), of
            shares for categories (half the sum of all differences) and for acceptance.
        p_value: probability of such a difference between random parts of one set.
        words: the difference in words.
    """

    what: str
    effect: float
    p_value: float
    words: str

    @property
    def matters(self) -> bool:
        """Whether the difference is improbable by chance and large enough to matter."""
        return self.p_value < _P_VALUE and self.effect >= _EFFECT


def pool_profile(
    scores: FloatArray,
    *,
    category_counts: Mapping[str, int],
    accepted: int,
    item_set_sha256: str,
    item_count: int,
) -> PoolProfile:
    """Describe a set of items by numbers that say nothing about a single one.

    Args:
        scores: (N,) scores of its items without non-answers, NaN without a score.
        category_counts: number of items with each consensus category, "" for none.
        accepted: number of items that the threshold accepts.
        item_set_sha256: the hash of the ids and contents of all items.
        item_count: number of them that were labeled.
    """
    known = scores[~np.isnan(scores)]
    quantiles: tuple[float, ...] = ()
    if len(known):
        shares = (np.arange(_POINTS) + 0.5) / _POINTS
        found = np.quantile(known, shares, method="inverted_cdf")
        quantiles = tuple(round(float(value), 6) for value in found)
    return PoolProfile(
        item_set_sha256=item_set_sha256,
        item_count=item_count,
        items=len(scores),
        accepted=accepted,
        score_quantiles=quantiles,
        scored=len(known),
        category_counts=tuple(category_counts.items()),
    )


def pool_differences(there: PoolProfile, *, here: PoolProfile) -> tuple[PoolDifference, ...]:
    """Compare two sets of items: scores, accepted share, consensus categories.

    A comparison that one side has no numbers for is left out.
    """
    found = []
    if there.score_quantiles and here.score_quantiles:
        found.append(_of_scores(there, here))
    if there.items and here.items:
        found += [_of_acceptance(there, here), _of_categories(there, here)]
    return tuple(found)


def _of_scores(there: PoolProfile, here: PoolProfile) -> PoolDifference:
    from scipy.special import kolmogorov

    first, second = np.array(there.score_quantiles), np.array(here.score_quantiles)
    points = np.unique(np.append(first, second))
    gap = np.abs(
        np.searchsorted(first, points, side="right") - np.searchsorted(second, points, side="right")
    )
    distance = float(gap.max()) / _POINTS
    size = there.scored * here.scored / (there.scored + here.scored)
    # Quantiles are steps of .01, so this much of the distance may be rounding.
    p_value = float(kolmogorov(math.sqrt(size) * max(0.0, distance - 1 / _POINTS)))
    words = f"the scores differ by {distance:.2f} (Kolmogorov-Smirnov, p = {p_value:.2g})"
    return PoolDifference("scores", distance, p_value, words)


def _of_acceptance(there: PoolProfile, here: PoolProfile) -> PoolDifference:
    table = [[one.accepted, one.items - one.accepted] for one in (there, here)]
    p_value = _same_shares(np.array(table, dtype=np.float64))
    words = (
        f"{here.accepted_share:.1%} of the items are accepted instead of "
        f"{there.accepted_share:.1%} (p = {p_value:.2g})"
    )
    effect = abs(here.accepted_share - there.accepted_share)
    return PoolDifference("accepted share", effect, p_value, words)


def _of_categories(there: PoolProfile, here: PoolProfile) -> PoolDifference:
    first, second = dict(there.category_counts), dict(here.category_counts)
    names = list(dict.fromkeys([*first, *second]))
    table = np.array(
        [[counts.get(name, 0) for name in names] for counts in (first, second)], dtype=np.float64
    )
    p_value = _same_shares(table)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
    apart = np.abs(shares[0] - shares[1])
    effect = float(apart.sum()) / 2
    most = int(np.argmax(apart))
    named = f'"{names[most]}"' if names[most] else "no consensus"
    words = (
        f"{shares[1, most]:.1%} of the labels are {named} instead of {shares[0, most]:.1%} "
        f"(all categories: p = {p_value:.2g})"
    )
    return PoolDifference("category shares", effect, p_value, words)


def _same_shares(table: FloatArray) -> float:
    """Test that two rows of counts have the same shares (chi-squared); 1 if one is empty."""
    from scipy.special import chdtrc

    table = table[:, table.sum(axis=0) > 0]
    total = table.sum()
    if table.shape[1] < 2 or not table.sum(axis=1).all():
        return 1.0
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / total
    statistic = float(((table - expected) ** 2 / expected).sum())
    return float(chdtrc(table.shape[1] - 1, statistic))
