"""Find the patterns of a label matrix once, for all coefficients computed from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from localensemble.agreement.patterns import (
    CountPatterns,
    RowPatterns,
    count_patterns,
    counts_of_rows,
    row_patterns,
    select_raters,
)
from localensemble.core.label_matrix import LabelMatrix


class PreparedMatrix:
    """The patterns of a label matrix, found when first needed and then kept.

    Every coefficient takes either a label matrix or this; pass this to compute several from
    the same matrix. Do not change the label matrix meanwhile. A selection of raters is derived
    from the patterns, without a second pass over the items.

    Attributes:
        categories: the declared categories.
        raters: the raters, with or without labels.
        item_count: N, including items without any label.
    """

    def __init__(
        self,
        *,
        categories: tuple[str, ...],
        raters: tuple[str, ...],
        item_count: int,
        find_counts: Callable[[], CountPatterns],
        find_rows: Callable[[], RowPatterns],
        count_labels: Callable[[], NDArray[np.int64]],
    ) -> None:
        self.categories = categories
        self.raters = raters
        self.item_count = item_count
        self._find_counts = find_counts
        self._find_rows = find_rows
        self._count_labels = count_labels

    @property
    def category_count(self) -> int:
        """K, the number of declared categories."""
        return len(self.categories)

    @cached_property
    def counts(self) -> CountPatterns:
        """Counts per category."""
        return self._find_counts()

    @cached_property
    def rows(self) -> RowPatterns:
        """The distinct rows."""
        return self._find_rows()

    @cached_property
    def labels_per_rater(self) -> tuple[int, ...]:
        """Number of labels each rater gave."""
        return tuple(int(count) for count in self._count_labels())

    @property
    def rater_count(self) -> int:
        """Number of raters that gave at least one label."""
        return sum(count > 0 for count in self.labels_per_rater)

    @cached_property
    def categories_seen(self) -> tuple[str, ...]:
        """Categories that occur, in the codebook's order."""
        seen = self.counts.counts.sum(axis=0) > 0
        return tuple(self.categories[k] for k in np.flatnonzero(seen))

    @cached_property
    def items_differing(self) -> int:
        """Number of items on which at least two labels differ."""
        counts = self.counts
        differ = np.count_nonzero(counts.counts, axis=1) > 1
        return int(counts.multiplicity[differ].sum())

    def without_single_labels(self) -> PreparedMatrix:
        """Keep the items with labels from two or more raters."""
        kept = (self.rows.rows >= 0).sum(axis=1) >= 2
        rows = RowPatterns(self.rows.rows[kept], self.rows.multiplicity[kept])
        return self._of_rows(rows, raters=self.raters)

    def select(self, raters: Sequence[int], *, labeled_by_all: bool = False) -> PreparedMatrix:
        """Keep the raters at these places; optionally only the items that all of them labeled."""
        rows = select_raters(self.rows, raters=raters, category_count=self.category_count)
        if labeled_by_all:
            kept = (rows.rows >= 0).all(axis=1)
            rows = RowPatterns(rows.rows[kept], rows.multiplicity[kept])
        return self._of_rows(rows, raters=tuple(self.raters[j] for j in raters))

    def _of_rows(self, rows: RowPatterns, *, raters: tuple[str, ...]) -> PreparedMatrix:
        return PreparedMatrix(
            categories=self.categories,
            raters=raters,
            item_count=int(rows.multiplicity.sum()),
            find_counts=lambda: counts_of_rows(rows, category_count=self.category_count),
            find_rows=lambda: rows,
            count_labels=lambda: np.asarray(rows.multiplicity @ (rows.rows >= 0)),
        )


Labels = LabelMatrix | PreparedMatrix
"""The input that every coefficient accepts."""


def prepare(labels: Labels) -> PreparedMatrix:
    """Return the patterns of a label matrix; return patterns unchanged."""
    if isinstance(labels, PreparedMatrix):
        return labels
    matrix = labels
    return PreparedMatrix(
        categories=matrix.categories,
        raters=matrix.raters,
        item_count=matrix.item_count,
        find_counts=lambda: count_patterns(matrix),
        find_rows=lambda: row_patterns(matrix),
        count_labels=lambda: np.count_nonzero(matrix.mask, axis=0),
    )
