"""Turn patterns into the sums a coefficient needs, and those sums into agreement.

Every coefficient here has the form ``1 - observed disagreement / expected disagreement``, and
both parts are functions of sums over items. One estimator therefore serves the value (sums
over all items), the bootstrap (sums over drawn items) and the jackknife (sums without one
item); only the analytic standard error needs its own formula. Disagreements are summed
directly, not as one minus an agreement, so that perfect agreement is exactly 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from localensemble.agreement.draws import ItemDraws
from localensemble.agreement.patterns import (
    CountPatterns,
    Integers,
    RowPatterns,
    counts_of_rows,
)
from localensemble.agreement.weights import Weights

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]
# The sums per pattern hold at most this many numbers at once: 32 MB.
STATISTICS_CELLS = 4_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Disagreement:
    """Observed and expected disagreement of B sets of sums; NaN if no item has two labels."""

    observed: Floats
    expected: Floats


class Estimator(Protocol):
    """What the interval methods need from a coefficient."""

    @property
    def multiplicity(self) -> Integers:
        """(P,) number of items that show each pattern that counts for the coefficient."""
        ...

    @property
    def draws(self) -> ItemDraws:
        """Draws of all items, including those whose patterns do not count."""
        ...

    @property
    def kept(self) -> Booleans:
        """(all patterns,) which of the drawn patterns count; P of them are true."""
        ...

    @property
    def items_used(self) -> int:
        """Items with two or more labels."""
        ...

    @property
    def heaviest_item(self) -> float:
        """Weight of the heaviest item in observed agreement, relative to the mean item."""
        ...

    def statistics(self, start: int, stop: int) -> Floats:
        """Return the (stop - start, D) sums that one item of each pattern adds."""
        ...

    def totals(self, items: Floats) -> Floats:
        """Return (B, D) sums over items, given (B, P) items per pattern."""
        ...

    def disagreement(self, totals: Floats) -> Disagreement:
        """Return the disagreements for (B, D) sums over items."""
        ...

    def influence(self, disagreement: Disagreement) -> Floats:
        """Return (P,) the effect of one item of each pattern on the value, times N (centered).

        ``disagreement`` holds the single set of sums over all items, and is defined.
        """
        ...


class Chance(Protocol):
    """What agreement a coefficient expects from the category shares alone."""

    def disagreement(self, shares: Floats) -> Floats:
        """Return the expected disagreement (B,) for shares (B, K)."""
        ...

    def slope(self, shares: Floats) -> Floats:
        """Return (K,) numbers; weighted by an item's label shares they sum to its part."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class GwetChance:
    """Raters guess uniformly on the hard items, which are rare when shares are skewed."""

    weights: Weights

    def _factor(self) -> float:
        count = len(self.weights.matrix)
        return float(self.weights.matrix.sum()) / (count * (count - 1))

    def disagreement(self, shares: Floats) -> Floats:
        """Return one minus T_w / (K (K - 1)) times the sum of share x (1 - share)."""
        return np.asarray(1.0 - self._factor() * (shares * (1.0 - shares)).sum(axis=1))

    def slope(self, shares: Floats) -> Floats:
        """Return the factor times (1 - share)."""
        return np.asarray(self._factor() * (1.0 - shares))


@dataclass(frozen=True, slots=True, eq=False)
class FleissChance:
    """All raters draw from the same category shares."""

    weights: Weights

    def disagreement(self, shares: Floats) -> Floats:
        """Return the probability that two draws from the shares disagree."""
        return np.asarray(((shares @ (1.0 - self.weights.matrix)) * shares).sum(axis=1))

    def slope(self, shares: Floats) -> Floats:
        """Return the weighted shares."""
        return np.asarray(self.weights.matrix @ shares)


@dataclass(frozen=True, slots=True, eq=False)
class UniformChance:
    """All declared categories are equally likely."""

    weights: Weights

    def disagreement(self, shares: Floats) -> Floats:
        """Return the share of disagreeing pairs of declared categories."""
        return np.full(len(shares), 1.0 - float(self.weights.matrix.mean()))

    def slope(self, shares: Floats) -> Floats:
        """Return the constant expected agreement."""
        return np.full(shares.shape, float(self.weights.matrix.mean()))


class CountEstimator:
    """A coefficient that does not tell raters apart: AC1, AC2, Fleiss, Brennan-Prediger, Scott.

    Items with one label show no agreement but count in the category shares, as in Gwet
    (2014); ``least_labels`` of 2 leaves them out.
    """

    def __init__(
        self, patterns: CountPatterns, weights: Weights, chance: Chance, *, least_labels: int = 1
    ) -> None:
        labels = patterns.counts.sum(axis=1)
        kept = labels >= least_labels
        counts = patterns.counts[kept]
        labels = labels[kept]
        self.draws = patterns.draws
        self.kept: Booleans = kept
        self._chance = chance
        self._multiplicity: Integers = patterns.multiplicity[kept]
        self._paired = (labels >= 2).astype(np.float64)
        self._gap = pattern_disagreement(counts, weights)
        self._shares = counts / labels[:, None]
        self._items_used = int(self._multiplicity[labels >= 2].sum())

    @property
    def multiplicity(self) -> Integers:
        """(P,) number of items that show each pattern with enough labels."""
        return self._multiplicity

    @property
    def items_used(self) -> int:
        """Items with two or more labels."""
        return self._items_used

    @property
    def heaviest_item(self) -> float:
        """1: every item with two labels weighs the same."""
        return 1.0

    def statistics(self, start: int, stop: int) -> Floats:
        """Return columns: item, item with two labels, disagreement, K label shares."""
        rows = slice(start, stop)
        return np.column_stack(
            [
                np.ones(len(self._gap[rows])),
                self._paired[rows],
                self._gap[rows],
                self._shares[rows],
            ]
        )

    def totals(self, items: Floats) -> Floats:
        """Sum over items."""
        return dense_totals(self, items)

    def disagreement(self, totals: Floats) -> Disagreement:
        """Average the disagreement over items with two labels, and the shares over all items."""
        items, paired, gap = totals[:, 0], totals[:, 1], totals[:, 2]
        shares = divide(totals[:, 3:], items[:, None])
        return Disagreement(divide(gap, paired), self._chance.disagreement(shares))

    def influence(self, disagreement: Disagreement) -> Floats:
        """Apply Gwet's linearization, treating the number of paired items as fixed."""
        item_count = int(self._multiplicity.sum())
        shares = self._multiplicity @ self._shares / item_count
        slope = self._chance.slope(shares)
        chance_influence = self._shares @ slope - float(shares @ slope)
        return gwet_influence(
            disagreement,
            gap=self._gap,
            paired=self._paired,
            chance_influence=2.0 * chance_influence,
            item_count=item_count,
            items_used=self._items_used,
        )


class PercentEstimator:
    """Percent agreement: the share of agreeing pairs of labels, with no correction for chance."""

    def __init__(self, patterns: CountPatterns, weights: Weights) -> None:
        paired = patterns.counts.sum(axis=1) >= 2
        self.draws = patterns.draws
        self.kept: Booleans = paired
        self._multiplicity: Integers = patterns.multiplicity[paired]
        self._gap = pattern_disagreement(patterns.counts[paired], weights)

    @property
    def multiplicity(self) -> Integers:
        """(P,) number of items that show each pattern with at least two labels."""
        return self._multiplicity

    @property
    def items_used(self) -> int:
        """Items with two or more labels."""
        return int(self._multiplicity.sum())

    @property
    def heaviest_item(self) -> float:
        """1: every item with two labels weighs the same."""
        return 1.0

    def statistics(self, start: int, stop: int) -> Floats:
        """Return columns: item, disagreement."""
        gap = self._gap[start:stop]
        return np.column_stack([np.ones(len(gap)), gap])

    def totals(self, items: Floats) -> Floats:
        """Sum over items."""
        return dense_totals(self, items)

    def disagreement(self, totals: Floats) -> Disagreement:
        """Average the observed disagreement; the expected disagreement is 1."""
        return Disagreement(divide(totals[:, 1], totals[:, 0]), np.ones(len(totals)))

    def influence(self, disagreement: Disagreement) -> Floats:
        """Return each pattern's distance from the mean."""
        return np.asarray(disagreement.observed[0] - self._gap)


class RaterEstimator:
    """Conger's kappa: each rater draws from the category shares of its own labels.

    Keeps sums only for the categories that a rater chose at least once: with hundreds of
    raters and categories, most combinations do not occur.
    """

    def __init__(self, patterns: RowPatterns, weights: Weights, *, least_labels: int = 1) -> None:
        labels = (patterns.rows >= 0).sum(axis=1)
        kept = labels >= least_labels
        rows = patterns.rows[kept]
        # A rater without any label has no shares, so it can be left out.
        self._rows = rows[:, (rows >= 0).any(axis=0)]
        self._weights = weights
        self.draws = patterns.draws
        self.kept: Booleans = kept
        self._multiplicity: Integers = patterns.multiplicity[kept]
        self._paired = (labels[kept] >= 2).astype(np.float64)
        counts = counts_of_rows(
            RowPatterns(self._rows, self._multiplicity), category_count=len(weights.matrix)
        )
        self._gap = pattern_disagreement(counts.counts, weights)
        self._items_used = int(self._multiplicity[labels[kept] >= 2].sum())
        self._find_cells()

    def _find_cells(self) -> None:
        """Number the pairs of rater and category that occur, rater by rater."""
        from scipy import sparse

        category_count = len(self._weights.matrix)
        item, rater = np.nonzero(self._rows >= 0)
        codes, cell = np.unique(
            rater * category_count + self._rows[item, rater], return_inverse=True
        )
        self._rater_of, self._category_of = np.divmod(codes, max(category_count, 1))
        self._first_of = np.searchsorted(self._rater_of, np.arange(self._rows.shape[1]))
        chosen = sparse.csr_array(
            (np.ones(len(item)), (item, cell.reshape(-1))), shape=(len(self._rows), len(codes))
        )
        # Multiplying a small dense matrix is several times faster.
        self._chosen = chosen.toarray() if math.prod(chosen.shape) <= STATISTICS_CELLS else chosen
        self._to_category = sparse.csr_array(
            (np.ones(len(codes)), (np.arange(len(codes)), self._category_of)),
            shape=(len(codes), category_count),
        )

    @property
    def multiplicity(self) -> Integers:
        """(P,) number of items that show each row."""
        return self._multiplicity

    @property
    def items_used(self) -> int:
        """Items with two or more labels."""
        return self._items_used

    @property
    def heaviest_item(self) -> float:
        """1: every item with two labels weighs the same."""
        return 1.0

    def statistics(self, start: int, stop: int) -> Floats:
        """Return columns: item with two labels, disagreement, labels per rater and category."""
        dense = isinstance(self._chosen, np.ndarray)
        return np.column_stack(
            [
                self._paired[start:stop],
                self._gap[start:stop],
                self._chosen[start:stop] if dense else self._chosen[start:stop].toarray(),
            ]
        )

    def totals(self, items: Floats) -> Floats:
        """Sum over items."""
        return np.column_stack([items @ self._paired, items @ self._gap, items @ self._chosen])

    def disagreement(self, totals: Floats) -> Disagreement:
        """Average the probability of disagreeing draws over pairs of raters with labels."""
        counts = totals[:, 2:]
        labels = np.add.reduceat(counts, self._first_of, axis=1)
        below = labels[:, self._rater_of]
        shares = np.divide(counts, below, out=np.zeros_like(counts), where=below > 0)
        apart = 1.0 - self._weights.matrix
        all_raters = shares @ self._to_category
        everyone = ((all_raters @ apart) * all_raters).sum(axis=1)
        with_itself = np.zeros(len(totals))
        for start, stop in pairwise([*self._first_of.tolist(), len(self._rater_of)]):
            own, categories = shares[:, start:stop], self._category_of[start:stop]
            with_itself += ((own @ apart[np.ix_(categories, categories)]) * own).sum(axis=1)
        active = (labels > 0).sum(axis=1).astype(np.float64)
        return Disagreement(
            divide(totals[:, 1], totals[:, 0]),
            divide(everyone - with_itself, active * (active - 1.0)),
        )

    def influence(self, disagreement: Disagreement) -> Floats:
        """Linearize through every rater's own shares (Gwet 2014, multiple-rater variance)."""
        item_count = int(self._multiplicity.sum())
        rater_count, category_count = self._rows.shape[1], len(self._weights.matrix)
        counts = np.zeros((rater_count, category_count))
        for g, column in enumerate(self._rows.T):
            there = column >= 0
            counts[g] = np.bincount(
                column[there], weights=self._multiplicity[there], minlength=category_count
            )
        labels = counts.sum(axis=1)
        shares = counts / labels[:, None]
        others = shares.sum(axis=0)[None, :] - shares
        pull = others @ self._weights.matrix
        chance_influence = np.zeros(len(self._rows))
        for g, column in enumerate(self._rows.T):
            # A gap reads the last slot: an item a rater did not label does not move its shares.
            table = np.append(pull[g] - float(shares[g] @ pull[g]), 0.0)
            chance_influence += table[column] * (item_count / labels[g])
        return gwet_influence(
            disagreement,
            gap=self._gap,
            paired=self._paired,
            chance_influence=2.0 * chance_influence / (rater_count * (rater_count - 1)),
            item_count=item_count,
            items_used=self._items_used,
        )


def gwet_influence(
    disagreement: Disagreement,
    *,
    gap: Floats,
    paired: Floats,
    chance_influence: Floats,
    item_count: int,
    items_used: int,
) -> Floats:
    """Combine each item's own agreement with its effect on expected agreement.

    ``chance_influence`` is the centered derivative of expected agreement.
    """
    observed, expected = float(disagreement.observed[0]), float(disagreement.expected[0])
    ratio = observed / expected
    own = (item_count / items_used) * paired * (1.0 - gap / expected) - (1.0 - ratio)
    return np.asarray(own - ratio * chance_influence / expected)


def dense_totals(estimator: Estimator, items: Floats) -> Floats:
    """Sum the statistics over items, one chunk of patterns at a time."""
    totals = np.zeros((len(items), estimator.statistics(0, 0).shape[1]))
    for start, stop in chunks(estimator):
        totals += items[:, start:stop] @ estimator.statistics(start, stop)
    return totals


def chunks(estimator: Estimator) -> Iterator[tuple[int, int]]:
    """Yield ranges of patterns whose statistics fit in memory."""
    count = len(estimator.multiplicity)
    width = estimator.statistics(0, 0).shape[1] + 1
    step = max(1, STATISTICS_CELLS // width)
    for start in range(0, count, step):
        yield start, min(start + step, count)


def pattern_disagreement(counts: Integers, weights: Weights) -> Floats:
    """Return (P,) the weighted share of disagreeing pairs; 0 for fewer than two labels."""
    labels = counts.sum(axis=1)
    pairs = (labels * (labels - 1)).astype(np.float64)
    if weights.name == "identity":
        apart = (labels**2 - (counts**2).sum(axis=1)).astype(np.float64)
    else:
        apart = ((counts @ (1.0 - weights.matrix)) * counts).sum(axis=1)
    share: Floats = np.divide(apart, pairs, out=np.zeros(len(pairs)), where=pairs > 0)
    return share


def divide(above: Floats, below: Floats) -> Floats:
    """Divide, giving NaN without a warning where ``below`` is 0; no such NaN leaves the package."""
    shape = np.broadcast_shapes(above.shape, below.shape)
    quotient: Floats = np.divide(above, below, out=np.full(shape, np.nan), where=below != 0)
    return quotient
