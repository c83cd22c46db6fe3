"""Counts and sums give what going through every pair of labels gives."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from localensemble.agreement import (
    LEVELS,
    WEIGHT_SCHEMES,
    Coefficient,
    Level,
    WeightScheme,
    agreement_weights,
    brennan_prediger,
    conger_kappa,
    fleiss_kappa,
    gwet_ac2,
    krippendorff_alpha,
    percent_agreement,
)
from localensemble.core.label_matrix import LabelMatrix
from tests.agreement import brute_force
from tests.agreement.matrices import random_matrix

Expected = Callable[[LabelMatrix, brute_force.Weights], float]


def some_matrix(seed: int) -> LabelMatrix:
    generator = np.random.default_rng(1000 + seed)
    return random_matrix(
        seed,
        items=int(generator.integers(2, 20)),
        raters=int(generator.integers(2, 7)),
        category_count=int(generator.integers(2, 6)),
        gaps=float(generator.choice([0.0, 0.2, 0.5])),
        copied=float(generator.choice([0.0, 0.5, 0.9])),
    )


@pytest.mark.parametrize("seed", range(100))
def test_every_chance_corrected_coefficient_equals_its_pairwise_version(seed: int) -> None:
    matrix = some_matrix(seed)
    scheme: WeightScheme = WEIGHT_SCHEMES[seed % len(WEIGHT_SCHEMES)]
    weights = agreement_weights(scheme, category_count=matrix.category_count).matrix
    observed = brute_force.observed(matrix, weights)
    versions: list[tuple[Coefficient, Expected]] = [
        (gwet_ac2(matrix, weights=scheme), brute_force.expected_gwet),
        (fleiss_kappa(matrix, weights=scheme), brute_force.expected_fleiss),
        (brennan_prediger(matrix, weights=scheme), brute_force.expected_uniform),
        (conger_kappa(matrix, weights=scheme), brute_force.expected_conger),
    ]
    for result, expected_of in versions:
        value = result.value
        if observed is None:
            assert value is None
            continue
        expected = expected_of(matrix, weights)
        if value is None:
            assert expected == pytest.approx(1.0, abs=1e-12)
            continue
        assert value == pytest.approx((observed - expected) / (1.0 - expected), abs=1e-12)
    assert percent_agreement(matrix, weights=scheme).value == (
        None if observed is None else pytest.approx(observed, abs=1e-12)
    )


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", range(25))
def test_alpha_equals_its_pairwise_version(seed: int, level: Level) -> None:
    matrix = some_matrix(seed)
    values = [float(k * k + 1) for k in range(matrix.category_count)]
    expected = brute_force.alpha(matrix, level, values)
    result = krippendorff_alpha(matrix, level=level, values=values)
    assert result.value == (None if expected is None else pytest.approx(expected, abs=1e-12))
