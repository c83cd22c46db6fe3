"""Reduce a label matrix to its distinct patterns, so that work grows with them, not with items.

Two items with the same number of labels per category are the same to every coefficient that
does not tell raters apart; two items with equal rows are the same to all. A million items
labeled by five raters with five categories have at most 252 complete count patterns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from localensemble.agreement.draws import ItemDraws
from localensemble.core.label_matrix import GAP, LabelMatrix

_KEY_LIMIT = 2**62
_TABLE_LIMIT = 2**16

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class CountPatterns:
    """Counts per category, and how many items show each pattern.

    Attributes:
        counts: (P, K) labels per category; a pattern may be without any label. Patterns are
            few, but two may be equal.
        multiplicity: (P,) items that show the pattern; all positive, they sum to N.
        item_pattern: (N,) the pattern of each item, in item order; empty unless requested.
        draws: draws of the items, for a bootstrap.
    """

    counts: Integers
    multiplicity: Integers
    item_pattern: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    draws: ItemDraws = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "draws", ItemDraws(self.multiplicity))


@dataclass(frozen=True, slots=True, eq=False)
class RowPatterns:
    """The distinct rows of a label matrix, and how many items show each.

    Attributes:
        rows: (P, R) category indices, -1 for a gap.
        multiplicity: (P,) items that show the row; all positive, they sum to N.
        draws: draws of the items, for a bootstrap.
    """

    rows: Integers
    multiplicity: Integers
    draws: ItemDraws = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "draws", ItemDraws(self.multiplicity))


def count_patterns(matrix: LabelMatrix, *, with_items: bool = False) -> CountPatterns:
    """Find the distinct counts per category. Exact for any N, R and K."""
    base = max(2, len(matrix.raters) + 1)
    width = _digits_per_key(base)
    category_count = matrix.category_count
    keys: list[Integers] = []
    widths: list[int] = []
    for start in range(0, category_count, width):
        stop = min(start + width, category_count)
        # One slot more than categories: a gap is -1, which reads the last slot, a zero.
        place = np.zeros(category_count + 1, dtype=np.int64)
        place[start:stop] = base ** np.arange(stop - start, dtype=np.int64)
        key = np.zeros(matrix.item_count, dtype=np.int64)
        for j in range(len(matrix.raters)):
            key += place[matrix.indices[:, j]]
        keys.append(key)
        widths.append(stop - start)
    digits, multiplicity, item_pattern = _distinct(
        keys, base=base, widths=widths, item_count=matrix.item_count, with_items=with_items
    )
    return CountPatterns(digits, multiplicity, item_pattern)


def row_patterns(matrix: LabelMatrix) -> RowPatterns:
    """Find the distinct rows. Exact for any N, R and K."""
    base = max(2, matrix.category_count + 1)
    width = _digits_per_key(base)
    rater_count = len(matrix.raters)
    keys: list[Integers] = []
    widths: list[int] = []
    for start in range(0, rater_count, width):
        stop = min(start + width, rater_count)
        key = np.zeros(matrix.item_count, dtype=np.int64)
        for j in range(start, stop):
            key += (matrix.indices[:, j].astype(np.int64) - GAP) * base ** (j - start)
        keys.append(key)
        widths.append(stop - start)
    digits, multiplicity, _ = _distinct(
        keys, base=base, widths=widths, item_count=matrix.item_count, with_items=False
    )
    return RowPatterns(digits + GAP, multiplicity)


def counts_of_rows(patterns: RowPatterns, *, category_count: int) -> CountPatterns:
    """Count the labels of each row; the result keeps the rows' order and multiplicity."""
    counts = np.zeros((len(patterns.rows), category_count), dtype=np.int64)
    for column in patterns.rows.T:
        there = np.flatnonzero(column >= 0)
        counts[there, column[there]] += 1
    return CountPatterns(counts, patterns.multiplicity)


def select_raters(
    patterns: RowPatterns, *, raters: Sequence[int], category_count: int
) -> RowPatterns:
    """Keep some raters' columns and merge the rows that become equal."""
    base = category_count + 1
    rows = patterns.rows[:, list(raters)]
    if base ** len(raters) > _KEY_LIMIT:
        return RowPatterns(rows, patterns.multiplicity)
    places = base ** np.arange(len(raters), dtype=np.int64)
    keys, place = np.unique((rows - GAP) @ places, return_inverse=True)
    multiplicity = np.bincount(
        place.reshape(-1), weights=patterns.multiplicity, minlength=keys.size
    ).astype(np.int64)
    return RowPatterns(_decode(keys, base=base, width=len(raters)) + GAP, multiplicity)


def _digits_per_key(base: int) -> int:
    width = 1
    while base ** (width + 1) <= _KEY_LIMIT:
        width += 1
    return width


def _distinct(
    keys: Sequence[Integers],
    *,
    base: int,
    widths: Sequence[int],
    item_count: int,
    with_items: bool,
) -> tuple[Integers, Integers, Integers]:
    """Return the digits of the distinct key tuples, their multiplicity and each item's place."""
    if not keys:
        # Without categories or raters, every item shows the same empty pattern.
        count = np.full(min(item_count, 1), item_count, dtype=np.int64)
        places = np.zeros(item_count if with_items else 0, dtype=np.int64)
        return np.zeros((count.size, 0), dtype=np.int64), count, places
    need_codes = with_items or len(keys) > 1
    values, multiplicity, codes = _group(keys[0], bound=base ** widths[0], with_codes=need_codes)
    digits = _decode(values, base=base, width=widths[0])
    for key, width in zip(keys[1:], widths[1:], strict=True):
        values, _, more = _group(key, bound=base**width, with_codes=True)
        # Both codes are below N, so the pair fits in one integer for any N below 3e9.
        pair, multiplicity, codes = _group(
            codes * values.size + more, bound=len(digits) * values.size, with_codes=True
        )
        digits = np.hstack(
            [
                digits[pair // values.size],
                _decode(values[pair % values.size], base=base, width=width),
            ]
        )
    return digits, multiplicity, codes if with_items else codes[:0]


def _group(key: Integers, *, bound: int, with_codes: bool) -> tuple[Integers, Integers, Integers]:
    """Return the sorted distinct keys, how often each occurs, and each key's place among them.

    The places are empty unless ``with_codes``. Keys lie in 0..bound-1.
    """
    if bound <= _TABLE_LIMIT + 4 * key.size:
        table = np.bincount(key, minlength=bound)
        values = np.flatnonzero(table)
        codes = np.zeros(0, dtype=np.int64)
        if with_codes:
            place = np.zeros(bound, dtype=np.int64)
            place[values] = np.arange(values.size)
            codes = place[key]
        return values.astype(np.int64), table[values].astype(np.int64), codes
    if with_codes:
        values, codes, counts = np.unique(key, return_inverse=True, return_counts=True)
        return values, counts.astype(np.int64), codes.reshape(-1).astype(np.int64)
    values, counts = np.unique(key, return_counts=True)
    return values, counts.astype(np.int64), np.zeros(0, dtype=np.int64)


def _decode(keys: Integers, *, base: int, width: int) -> Integers:
    places = base ** np.arange(width, dtype=np.int64)
    return (keys[:, None] // places) % base
