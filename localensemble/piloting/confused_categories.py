"""Find the two categories that the raters do not keep apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from localensemble.core.label_matrix import LabelMatrix

LEAST_ITEMS = 10
MOST_AGREEMENT = 0.2


@dataclass(frozen=True, slots=True)
class ConfusedCategories:
    """Two categories between which raters agree hardly better than by chance.

    Attributes:
        first: a category.
        second: another category.
        pairs: pairs of raters, over all items, of which both chose one of the two categories.
        differing: those that chose different ones.
        agreement: their agreement beyond chance (Scott's pi on these pairs).
    """

    first: str
    second: str
    pairs: int
    differing: int
    agreement: float


def confused_categories(matrix: LabelMatrix) -> ConfusedCategories | None:
    """Return the two categories that most pairs of raters confuse, if nobody keeps them apart.

    They are named only if raters differ about them on at least 10 items, and agree on which of
    the two it is by at most 0.2 beyond chance.
    """
    counts = matrix.counts()
    best: ConfusedCategories | None = None
    for a, b in combinations(range(matrix.category_count), 2):
        here, there = counts[:, a], counts[:, b]
        differing = int((here * there).sum())
        items = int(np.count_nonzero((here > 0) & (there > 0)))
        if items < LEAST_ITEMS or (best is not None and differing <= best.differing):
            continue
        alike = [int((column * (column - 1) // 2).sum()) for column in (here, there)]
        pairs = differing + sum(alike)
        share = (2 * alike[0] + differing) / (2 * pairs)
        expected = 2 * share * (1 - share)
        agreement = 1 - differing / pairs / expected
        if agreement <= MOST_AGREEMENT:
            names = matrix.categories[a], matrix.categories[b]
            best = ConfusedCategories(*names, pairs, differing, agreement)
    return best
