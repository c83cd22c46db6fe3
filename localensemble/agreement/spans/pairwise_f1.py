"""Compute F1 of raters' spans, pair by pair, with intervals from draws of items.

Agreement beyond chance needs the number of passages that nobody marked, which text does not
have; F1 does without it (Hripcsak and Rothschild 2005).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from localensemble.agreement.draws import ItemDraws
from localensemble.agreement.spans.span_matches import Matching, count_matches
from localensemble.core.spans import Span, SpanMatrix

_BLOCK_DRAWS = 256

Counts = NDArray[np.int64]
"""(items, 3): matched spans, spans of the first rater, spans of the second."""


@dataclass(frozen=True, slots=True)
class PairF1:
    """F1 of two raters' spans.

    Attributes:
        first: a rater.
        second: another rater.
        items: items that both read.
        matched: spans that match.
        spans_first: spans of the first rater on these items.
        spans_second: spans of the second rater on these items.
        value: 2 x matched / all spans of both; None if neither has a span there.
        low: lower end of the 95% interval; None without one.
        high: upper end of the 95% interval; None without one.
    """

    first: str
    second: str
    items: int
    matched: int
    spans_first: int
    spans_second: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class PairwiseF1:
    """F1 of every two raters, and its mean over the pairs for which it is defined.

    Attributes:
        matching: when two spans match.
        pairs: every two raters, in their order.
        value: the mean; None if no pair has a value.
        low: lower end of the 95% interval of the mean; None without one.
        high: upper end of the 95% interval of the mean; None without one.
        undefined_because: why there is no mean; empty if there is one.
    """

    matching: Matching
    pairs: tuple[PairF1, ...]
    value: float | None
    low: float | None
    high: float | None
    undefined_because: str


def pairwise_f1(
    spans: SpanMatrix, *, matching: Matching, resamples: int = 1000, seed: int = 0
) -> PairwiseF1:
    """Compute F1 of every two raters over the items that both read.

    Args:
        spans: the raters' spans.
        matching: when two spans match.
        resamples: bootstrap draws over items for the 95% percentile interval; 0 turns it off.
        seed: seed of the draws.
    Undefined when: there are fewer than two raters, no two raters read the same item, or none of
        them found a span there.
    Source: Hripcsak and Rothschild (2005), JAMIA 12, 296-298.
    """
    pairs = list(combinations(range(len(spans.raters)), 2))
    counts = [pair_counts(spans, *pair, matching=matching) for pair in pairs]
    each = np.hstack([np.zeros((len(spans.items), 0), dtype=np.int64), *counts])
    totals = drawn_totals(each, resamples=resamples, seed=seed)
    drawn = np.zeros((len(totals), len(pairs)))
    results = []
    for column, (i, j) in enumerate(pairs):
        drawn[:, column] = f1_values(totals[:, 3 * column : 3 * column + 3])
        matched, first, second = (int(total) for total in counts[column].sum(axis=0))
        low, high = percentile_ends(drawn[:, column])
        results.append(
            PairF1(
                spans.raters[i],
                spans.raters[j],
                _items_read(spans, i, j),
                matched,
                first,
                second,
                2 * matched / (first + second) if first + second else None,
                low,
                high,
            )
        )
    values = [one.value for one in results if one.value is not None]
    means = drawn[:, [one.value is not None for one in results]]
    low, high = percentile_ends(_row_means(means))
    return PairwiseF1(
        matching,
        tuple(results),
        sum(values) / len(values) if values else None,
        low if values else None,
        high if values else None,
        "" if values else _why_undefined(results),
    )


def pair_counts(spans: SpanMatrix, i: int, j: int, *, matching: Matching) -> Counts:
    """Count, for each item, the spans of raters i and j that match, and those of each.

    Items that one of them did not read count zero.
    """
    rows = []
    for row in spans.cells:
        first, second = row[i], row[j]
        if first is None or second is None:
            rows.append((0, 0, 0))
        else:
            found = count_matches(first, second, matching)
            rows.append((found.matched, found.first, found.second))
    return np.array(rows, dtype=np.int64).reshape(len(rows), 3)


def percentile_ends(values: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Return the ends of the 95% percentile interval; None without at least two defined draws."""
    defined = values[~np.isnan(values)]
    if len(defined) < 2:
        return None, None
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)


def drawn_totals(
    each: NDArray[np.int64] | NDArray[np.float64], *, resamples: int, seed: int
) -> NDArray[np.float64]:
    """Return the sums of each draw of items, one row a draw.

    Args:
        each: the numbers of each item, one row an item.
        resamples: how many draws.
        seed: seed of the draws.

    Returns:
        No rows if there are fewer than two items, of which an interval would mean nothing.
    """
    if len(each) < 2 or not resamples:
        return np.zeros((0, each.shape[1]))
    patterns, multiplicity = np.unique(each, axis=0, return_counts=True)
    blocks = ItemDraws(multiplicity).blocks(resamples=resamples, seed=seed, size=_BLOCK_DRAWS)
    return np.vstack([block @ patterns.astype(np.float64) for block in blocks])


def f1_values(totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return F1 of each row of totals (matched, first, second); nan without spans."""
    both = totals[:, 1] + totals[:, 2]
    ratio = np.divide(2 * totals[:, 0], both, out=np.full(len(totals), np.nan), where=both > 0)
    return np.asarray(ratio)


def _row_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average each row's defined values; nan where it has none."""
    defined = ~np.isnan(values)
    counts = defined.sum(axis=1)
    totals = np.where(defined, values, 0.0).sum(axis=1)
    means = np.divide(totals, counts, out=np.full(len(values), np.nan), where=counts > 0)
    return np.asarray(means)


def _items_read(spans: SpanMatrix, i: int, j: int) -> int:
    cells: Sequence[Sequence[tuple[Span, ...] | None]] = spans.cells
    return sum(row[i] is not None and row[j] is not None for row in cells)


def _why_undefined(pairs: Sequence[PairF1]) -> str:
    if not pairs:
        return "there are fewer than two raters"
    if not any(one.items for one in pairs):
        return "no two raters read the same item"
    return "no rater found a span in the items that two read"
