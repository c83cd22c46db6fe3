"""The label matrix: N items by R raters of category indices, with gaps.

Rows are aligned by construction: row i is the same item for every rater. A gap (no assigned
label) is -1 in ``indices`` and False in ``mask``; it is never a category.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GAP = -1


@dataclass(frozen=True, slots=True, eq=False)
class LabelMatrix:
    """Category indices of N items by R raters.

    Attributes:
        indices: int16 array of shape (N, R); values 0..K-1, or -1 for a gap.
        categories: the K category names that the variable declares, in codebook order,
            whether or not they occur.
        raters: the R rater names.

    Raises:
        ValueError: the shapes do not match, an index is outside -1..K-1, or a name is repeated.
    """

    indices: NDArray[np.int16]
    categories: tuple[str, ...]
    raters: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.indices.ndim != 2:
            raise ValueError(f"indices has {self.indices.ndim} axes; expected 2 (items, raters).")
        if self.indices.shape[1] != len(self.raters):
            raise ValueError(
                f"indices has {self.indices.shape[1]} columns for {len(self.raters)} raters."
            )
        for what, names in (("category", self.categories), ("rater", self.raters)):
            if len(set(names)) != len(names):
                raise ValueError(f"Two {what} names are the same: {sorted(names)}.")
        if self.indices.size and not (
            int(self.indices.min()) >= GAP and int(self.indices.max()) < len(self.categories)
        ):
            raise ValueError(
                f"indices run from {self.indices.min()} to {self.indices.max()}; "
                f"expected {GAP} to {len(self.categories) - 1}."
            )

    @classmethod
    def from_names(
        cls,
        rows: Sequence[Sequence[str | None]],
        *,
        categories: Sequence[str],
        raters: Sequence[str],
    ) -> LabelMatrix:
        """Build a matrix from category names, with None for a gap.

        Raises:
            ValueError: the length of a row differs from that of ``raters``, or a name is not in
                ``categories``.
        """
        index_of = {name: index for index, name in enumerate(categories)}
        indices = np.full((len(rows), len(raters)), GAP, dtype=np.int16)
        for i, row in enumerate(rows):
            if len(row) != len(raters):
                raise ValueError(f"Row {i} has {len(row)} labels for {len(raters)} raters.")
            for j, name in enumerate(row):
                if name is None:
                    continue
                if name not in index_of:
                    raise ValueError(f"Row {i}, rater {raters[j]!r}: unknown category {name!r}.")
                indices[i, j] = index_of[name]
        return cls(indices, tuple(categories), tuple(raters))

    @property
    def mask(self) -> NDArray[np.bool_]:
        """A Boolean array of shape (N, R): True where a label is assigned."""
        mask: NDArray[np.bool_] = self.indices != GAP
        return mask

    @property
    def item_count(self) -> int:
        """N, the number of items, including those without a label."""
        return int(self.indices.shape[0])

    @property
    def category_count(self) -> int:
        """K, the number of categories that the variable declares."""
        return len(self.categories)

    def counts(self) -> NDArray[np.int32]:
        """Count the labels per item and category: an int32 array of shape (N, K)."""
        counts = np.zeros((self.item_count, self.category_count), dtype=np.int32)
        for j in range(len(self.raters)):
            column = self.indices[:, j]
            rows = np.flatnonzero(column != GAP)
            counts[rows, column[rows]] += 1
        return counts
