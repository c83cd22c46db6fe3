"""Build agreement weights: how much two categories agree, from 0 (not at all) to 1 (equal).

Defines the eight named schemes and checks custom weight matrices. The numeric value of a
category is its place in the codebook's order (1, 2, ..., K) unless values are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from localensemble.agreement.result import AgreementError

WeightScheme = Literal[
    "identity",
    "linear",
    "quadratic",
    "ordinal",
    "radical",
    "ratio",
    "circular",
    "bipolar",
]
"""Name of a weighting scheme."""

WEIGHT_SCHEMES: tuple[WeightScheme, ...] = get_args(WeightScheme)


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """A checked K by K weight matrix and its name."""

    name: str
    matrix: NDArray[np.float64]


def agreement_weights(
    weights: WeightScheme | ArrayLike,
    *,
    category_count: int,
    values: Sequence[float] | None = None,
) -> Weights:
    """Build the K by K weights of a named scheme, or check a matrix.

    Args:
        weights: a scheme, or a symmetric K by K matrix with ones on the diagonal and nothing
            outside 0..1; such a matrix is reported as ``custom``.
        category_count: K, the number of declared categories.
        values: the categories' K increasing numbers; 1..K when None. Identity and ordinal
            weights do not use them.
    Raises:
        AgreementError: the scheme is unknown, or the matrix or the values are invalid.
    Source: Gwet, Handbook of Inter-Rater Reliability, 4th edition (2014), chapter 3 and
        appendix on weights; reproduced in tests/golden/gwet_four_raters.json.
    """
    numbers = category_values(values, category_count=category_count)
    if isinstance(weights, str):
        if weights not in WEIGHT_SCHEMES:
            raise AgreementError(
                f"weights: unknown weighting scheme {weights!r}.",
                hint=f"Choose one of {', '.join(WEIGHT_SCHEMES)}, or pass a matrix.",
            )
        return Weights(weights, _scheme(weights, numbers))
    return Weights("custom", _checked(weights, category_count))


def category_values(values: Sequence[float] | None, *, category_count: int) -> NDArray[np.float64]:
    """Check the categories' numeric values, and return them; 1..K when None.

    Raises:
        AgreementError: there are not K values, or they are not finite and increasing.
    """
    if values is None:
        return np.arange(1, category_count + 1, dtype=np.float64)
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.shape != (category_count,):
        raise AgreementError(
            f"values: {numbers.size} numbers for {category_count} categories.",
            hint="Give one number for each declared category, in the codebook's order.",
        )
    if not np.isfinite(numbers).all() or (np.diff(numbers) <= 0).any():
        raise AgreementError(
            "values: the numbers are not finite and increasing.",
            hint="Order the categories by their values and give each a different value.",
        )
    return numbers


def _scheme(scheme: str, values: NDArray[np.float64]) -> NDArray[np.float64]:
    count = values.size
    if scheme == "identity" or count < 2:
        return np.eye(count)
    gap = np.abs(values[:, None] - values[None, :])
    total = values[:, None] + values[None, :]
    low, high = values[0], values[-1]
    if scheme == "linear":
        distance = gap
    elif scheme == "quadratic":
        distance = gap**2
    elif scheme == "radical":
        distance = np.sqrt(gap)
    elif scheme == "ordinal":
        place = np.arange(count)
        steps = np.abs(place[:, None] - place[None, :])
        distance = (steps * (steps + 1) / 2).astype(np.float64)
    elif scheme == "ratio":
        distance = ratio_distance(values)
    elif scheme == "circular":
        distance = np.sin(np.pi * gap / (high - low + 1)) ** 2
    else:
        span = (total - 2 * low) * (2 * high - total)
        distance = np.divide(gap**2, span, out=np.zeros_like(gap), where=gap > 0)
    return np.asarray(1.0 - distance / distance.max())


def ratio_distance(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Square the difference of two values relative to their sum; 0 if both are 0.

    Raises:
        AgreementError: a value is negative.
    """
    if values.size and values[0] < 0:
        raise AgreementError(
            f"values: {values[0]:g} is negative, but ratio values start at a true zero.",
            hint="Use interval level or quadratic weights.",
        )
    gap = values[:, None] - values[None, :]
    total = values[:, None] + values[None, :]
    relative = np.divide(gap, total, out=np.zeros_like(gap), where=total > 0)
    return np.asarray(relative**2)


def _checked(weights: ArrayLike, category_count: int) -> NDArray[np.float64]:
    matrix = np.array(weights, dtype=np.float64)
    if matrix.shape != (category_count, category_count):
        raise AgreementError(
            f"weights: the matrix has shape {matrix.shape} for {category_count} categories.",
            hint="Give one row and one column for each declared category.",
        )
    if not (
        np.isfinite(matrix).all()
        and (matrix >= 0).all()
        and (matrix <= 1).all()
        and (np.diag(matrix) == 1).all()
        and (matrix == matrix.T).all()
    ):
        raise AgreementError(
            "weights: the matrix does not contain agreement weights.",
            hint="It must be symmetric, with ones on the diagonal and all numbers in 0..1.",
        )
    return matrix
