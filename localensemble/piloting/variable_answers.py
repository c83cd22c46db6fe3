"""The answers of all raters to one variable, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Variable
from localensemble.core.label_matrix import GAP, LabelMatrix
from localensemble.core.labels import Label
from localensemble.piloting.asked_rater import AskedRater, off_codebook_masses

FloatArray = NDArray[np.float64]
CategoryArray = NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class VariableAnswers:
    """The answers of R raters on N items of one variable with K categories.

    Attributes:
        variable: the variable.
        item_ids: the ids of the N items.
        labels: the labels, with -1 where a rater gave no category.
        turned: int16 (N, R); the same with the categories shown in reverse order.
        probabilities: (N, R, K), a row of NaN where unknown.
        off_codebook_mass: (N, R), NaN where unknown.
        content_free: (C, R, K), the distributions on texts without content.
        injection_signs: (N,) the bits of the signs of prompt injection in the texts; None if
            nobody looked for them.
    """

    variable: Variable
    item_ids: tuple[str, ...]
    labels: LabelMatrix
    turned: CategoryArray
    probabilities: FloatArray
    off_codebook_mass: FloatArray
    content_free: FloatArray
    injection_signs: NDArray[np.int64] | None = None

    def column(self, rater: str) -> int:
        """Return the place of a rater in the arrays."""
        return self.labels.raters.index(rater)

    def among(self, raters: Sequence[str]) -> LabelMatrix:
        """Return the labels of some of the raters."""
        places = [self.column(name) for name in raters]
        return LabelMatrix(self.labels.indices[:, places], self.variable.answers, tuple(raters))


def variable_answers(
    variable: Variable,
    *,
    raters: Sequence[AskedRater],
    item_ids: Sequence[str],
    injection_signs: Sequence[int] | None = None,
) -> VariableAnswers:
    """Gather what the raters said about one variable."""
    of = [rater.labels[variable.name] for rater in raters]
    names = tuple(rater.name for rater in raters)
    turned = [rater.turned[variable.name] for rater in raters]
    nothing = [rater.content_free[variable.name] for rater in raters]
    return VariableAnswers(
        variable=variable,
        item_ids=tuple(item_ids),
        labels=LabelMatrix(_categories(of), variable.answers, names),
        turned=_categories(turned),
        probabilities=_probabilities(of, len(variable.answers)),
        off_codebook_mass=np.column_stack([off_codebook_masses(given) for given in of]),
        content_free=_probabilities(nothing, len(variable.answers)),
        injection_signs=None if injection_signs is None else np.array(injection_signs, np.int64),
    )


def _categories(given: Sequence[Sequence[Label]]) -> CategoryArray:
    indices = [[GAP if one.category is None else one.category for one in of] for of in given]
    return np.array(indices, dtype=np.int16).T


def _probabilities(given: Sequence[Sequence[Label]], categories: int) -> FloatArray:
    unknown = (np.nan,) * categories
    rows = [
        [unknown if one.probabilities is None else one.probabilities for one in of] for of in given
    ]
    return np.array(rows, dtype=np.float64).transpose(1, 0, 2)
