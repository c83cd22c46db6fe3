"""The same coefficients written out pair by pair, as slowly and plainly as possible."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from localensemble.core.label_matrix import LabelMatrix

Weights = NDArray[np.float64]


def given(matrix: LabelMatrix) -> list[list[tuple[int, int]]]:
    """Per item with at least one label, the (rater, category) pairs."""
    items = [[(rater, int(k)) for rater, k in enumerate(row) if k >= 0] for row in matrix.indices]
    return [item for item in items if item]


def observed(matrix: LabelMatrix, weights: Weights) -> float | None:
    items = []
    for item in given(matrix):
        pairs = [weights[k, m] for (_, k), (_, m) in permutations(item, 2)]
        if pairs:
            items.append(sum(pairs) / len(pairs))
    return float(sum(items) / len(items)) if items else None


def shares(matrix: LabelMatrix) -> list[float]:
    items = given(matrix)
    found = [0.0] * matrix.category_count
    for item in items:
        for _, k in item:
            found[k] += 1.0 / len(item) / len(items)
    return found


def expected_gwet(matrix: LabelMatrix, weights: Weights) -> float:
    count = matrix.category_count
    total = sum(float(weights[k, m]) for k in range(count) for m in range(count))
    return total / (count * (count - 1)) * sum(p * (1 - p) for p in shares(matrix))


def expected_fleiss(matrix: LabelMatrix, weights: Weights) -> float:
    found = shares(matrix)
    return float(
        sum(weights[k, m] * p * q for k, p in enumerate(found) for m, q in enumerate(found))
    )


def expected_uniform(matrix: LabelMatrix, weights: Weights) -> float:
    count = matrix.category_count
    return sum(float(weights[k, m]) for k in range(count) for m in range(count)) / count**2


def expected_conger(matrix: LabelMatrix, weights: Weights) -> float:
    per_rater = []
    for rater in range(len(matrix.raters)):
        own = [int(k) for k in matrix.indices[:, rater] if k >= 0]
        if own:
            per_rater.append([own.count(k) / len(own) for k in range(matrix.category_count)])
    pairs = [
        sum(weights[k, m] * p * q for k, p in enumerate(one) for m, q in enumerate(other))
        for one, other in permutations(per_rater, 2)
    ]
    return float(sum(pairs) / len(pairs))


def alpha(matrix: LabelMatrix, level: str, values: list[float]) -> float | None:
    """Krippendorff's alpha from every pair of values within items and among all."""
    items = [[k for _, k in item] for item in given(matrix) if len(item) > 1]
    everything = [k for item in items for k in item]
    total = len(everything)

    def distance(c: int, k: int) -> float:
        if level == "nominal":
            return float(c != k)
        if level == "interval":
            return (values[c] - values[k]) ** 2
        if level == "ratio":
            return ((values[c] - values[k]) / (values[c] + values[k])) ** 2 if c != k else 0.0
        low, high = min(c, k), max(c, k)
        between = sum(everything.count(g) for g in range(low, high + 1))
        return (between - (everything.count(c) + everything.count(k)) / 2) ** 2

    among = sum(distance(c, k) for c, k in permutations(everything, 2))
    if not among:
        return None
    within = sum(
        distance(c, k) / (len(item) - 1) for item in items for c, k in permutations(item, 2)
    )
    return 1.0 - (within / total) / (among / (total * (total - 1)))
