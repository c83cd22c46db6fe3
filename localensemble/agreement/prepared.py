"""A label matrix with the patterns that several coefficients share, found once."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from localensemble.agreement.patterns import (
    CountPatterns,
    RowPatterns,
    count_patterns,
    row_patterns,
)
from localensemble.core.label_matrix import LabelMatrix


class PreparedMatrix:
    """A label matrix whose patterns are found when first needed, and then kept.

    Every coefficient takes a label matrix or this; give this to compute several of one
    matrix. The label matrix must not be changed meanwhile.
    """

    def __init__(self, matrix: LabelMatrix) -> None:
        self.matrix = matrix

    @cached_property
    def counts(self) -> CountPatterns:
        """The distinct counts per category."""
        return count_patterns(self.matrix)

    @cached_property
    def rows(self) -> RowPatterns:
        """The distinct rows."""
        return row_patterns(self.matrix)

    @cached_property
    def rater_count(self) -> int:
        """How many raters gave at least one label."""
        return int(self.matrix.mask.any(axis=0).sum())

    @cached_property
    def categories_seen(self) -> tuple[str, ...]:
        """Categories that occur, in the codebook's order."""
        seen = self.counts.counts.sum(axis=0) > 0
        return tuple(self.matrix.categories[k] for k in np.flatnonzero(seen))


Labels = LabelMatrix | PreparedMatrix
"""What every coefficient accepts."""


def prepare(labels: Labels) -> PreparedMatrix:
    """Return the prepared matrix of a label matrix, or the one given."""
    return labels if isinstance(labels, PreparedMatrix) else PreparedMatrix(labels)
