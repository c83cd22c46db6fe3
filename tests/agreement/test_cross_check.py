"""Our numbers beside those of irrCAC and krippendorff, on data made to be awkward."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import ArrayLike

from localensemble.agreement import (
    ALL_COEFFICIENTS,
    LEVELS,
    WEIGHT_SCHEMES,
    AgreementSettings,
    Analytic,
    Coefficient,
    Level,
    gwet_ac1,
    gwet_ac2,
    krippendorff_alpha,
    measure_agreement,
)
from localensemble.agreement.cross_check import (
    Answer,
    CrossCheck,
    CrossCheckPlan,
    plan_cross_check,
)
from localensemble.api.cross_check.reference_environment import questions
from localensemble.api.cross_check.reference_packages import answers, versions
from localensemble.core.label_matrix import LabelMatrix
from tests.agreement.matrices import matrix_of, random_matrix

# Both packages are asked for more digits; 1e-5 is what their rounding would give by default.
LARGEST_DIFFERENCE = 1e-9
INSTALLED = versions()
VERSIONS = {"irrCAC": "1.0", "krippendorff": "2.0"}
needs_reference = pytest.mark.skipif(
    not all(INSTALLED.values()),
    reason="irrCAC and krippendorff are not installed (extra `reference`)",
)


def awkward_matrix(seed: int) -> LabelMatrix:
    generator = np.random.default_rng(1000 + seed)
    return random_matrix(
        seed,
        items=int(generator.integers(3, 60)),
        raters=int(generator.integers(2, 7)),
        category_count=int(generator.integers(2, 7)),
        gaps=float(generator.choice([0.0, 0.1, 0.3, 0.5])),
        copied=float(generator.choice([0.0, 0.5, 0.8, 0.95])),
    )


def asked(plan: CrossCheckPlan) -> tuple[CrossCheck, ...]:
    """Ask the packages of this environment."""
    found = [Answer(**answer) for answer in answers(questions(plan))]
    return plan.compare(found, versions=INSTALLED)


@needs_reference
def test_two_hundred_random_matrices_with_gaps_agree_with_the_reference_packages() -> None:
    compared: dict[tuple[str, str], int] = {}
    for seed in range(200):
        matrix = awkward_matrix(seed)
        numbers = [float(k) for k in range(1, matrix.category_count + 1)]
        under = AgreementSettings(
            level=LEVELS[seed % len(LEVELS)],
            weights=WEIGHT_SCHEMES[seed % len(WEIGHT_SCHEMES)],
            values=numbers,
            interval=Analytic(),
        )
        ours = [method.compute(matrix, under) for method in ALL_COEFFICIENTS]
        for check in asked(plan_cross_check(matrix, ours, values=numbers)):
            if check.largest_difference is None:
                assert check.not_compared_because.startswith(
                    (
                        "undefined here",
                        "irrCAC does not compute it",
                        "irrCAC raised ZeroDivisionError",
                    )
                ), check
                continue
            assert check.largest_difference <= LARGEST_DIFFERENCE, (seed, check)
            key = check.coefficient, check.package
            compared[key] = compared.get(key, 0) + 1
    assert compared["Fleiss kappa", "irrCAC"] > 190
    assert compared["Conger kappa", "irrCAC"] > 190
    assert compared["Brennan-Prediger", "irrCAC"] > 190
    assert compared["AC1", "irrCAC"] > 190
    assert compared["AC2", "irrCAC"] > 190
    assert compared["Krippendorff alpha", "irrCAC"] > 140
    assert compared["Krippendorff alpha", "krippendorff"] > 190


@needs_reference
def test_values_reach_the_reference_packages() -> None:
    matrix = random_matrix(3, category_count=5)
    numbers = [1.0, 2.0, 5.0, 9.0, 12.0]
    ours = (
        gwet_ac2(matrix, weights="ratio", values=numbers, interval=Analytic()),
        krippendorff_alpha(matrix, level="ratio", values=numbers, interval=Analytic()),
    )
    found = asked(plan_cross_check(matrix, ours, values=numbers))
    assert len(found) == 3
    assert all(check.quantities for check in found)
    assert all((check.largest_difference or 0) <= LARGEST_DIFFERENCE for check in found)


@needs_reference
@pytest.mark.parametrize(("level", "compared"), [(0.9, True), (0.99, True), (0.8, False)])
def test_intervals_are_compared_at_the_confidence_levels_that_irrcac_takes(
    level: float, compared: bool
) -> None:
    matrix = random_matrix(3)
    ours = gwet_ac1(matrix, confidence_level=level, interval=Analytic())
    (check,) = asked(plan_cross_check(matrix, [ours]))
    assert ("interval_low" in check.quantities) == compared
    assert "standard_error" in check.quantities
    # SciPy 1.12 finds some quantiles of Student's t to nine digits only.
    assert (check.largest_difference or 0) < 1e-7


def plan_of(
    matrix: LabelMatrix, *, level: Level = "nominal", weights: ArrayLike | None = None
) -> CrossCheckPlan:
    measured = measure_agreement(matrix, level=level, weights=weights, resamples=0, jackknife=False)
    return plan_cross_check(matrix, measured.analytic)


def answered(plan: CrossCheckPlan, **numbers: float) -> dict[tuple[str, str], CrossCheck]:
    """Compare with packages that give our own values, but for the numbers given."""

    def answer(ours: Coefficient) -> Answer:
        names = ("value", "standard_error", "interval_low", "p_value", "expected_agreement")
        own = {name: getattr(ours, name) or 0.0 for name in names}
        return Answer({**own, **numbers})

    found = plan.compare([answer(one.ours) for one in plan.asked], versions=VERSIONS)
    return {(check.title, check.package): check for check in found}


def test_the_largest_difference_of_all_quantities_is_reported() -> None:
    found = answered(plan_of(random_matrix(1)), standard_error=9.0)
    check = found["AC1", "irrCAC"]
    assert check.largest_difference is not None
    assert 8.5 < check.largest_difference < 9.0
    assert check.version == "1.0"
    assert found["Krippendorff alpha", "krippendorff"].version == "2.0"


def test_what_means_something_else_is_not_compared() -> None:
    found = answered(plan_of(random_matrix(1)))
    assert {"p_value", "interval_low", "expected_agreement"} <= set(
        found["AC1", "irrCAC"].quantities
    )
    # One-sided there.
    assert "p_value" not in found["Brennan-Prediger", "irrCAC"].quantities
    # Observed and expected agreement of alpha are others there.
    assert "expected_agreement" not in found["Krippendorff alpha", "irrCAC"].quantities


def test_every_coefficient_is_compared_or_has_a_reason() -> None:
    found = answered(plan_of(random_matrix(1, raters=2)))
    for (title, _), check in found.items():
        assert (check.largest_difference is None) == bool(check.not_compared_because), title
    for title in ("percent agreement", "Cohen kappa", "Scott pi"):
        assert "does not compute it" in found[title, "irrCAC"].not_compared_because


def test_the_ordinal_alpha_of_irrcac_is_another_coefficient_and_is_not_asked() -> None:
    found = answered(plan_of(random_matrix(1), level="ordinal"))
    assert ("Krippendorff alpha (ordinal)", "krippendorff") in found
    assert ("Krippendorff alpha (ordinal)", "irrCAC") not in found
    assert found["AC2 (ordinal)", "irrCAC"].quantities


def test_weights_of_ones_own_are_not_compared() -> None:
    found = answered(plan_of(random_matrix(1), weights=np.eye(4)))
    assert "named weights" in found["AC2 (custom)", "irrCAC"].not_compared_because
    assert found["AC1", "irrCAC"].quantities


def test_what_is_undefined_here_is_not_compared() -> None:
    found = answered(plan_of(matrix_of("aa", "aa")))
    assert found["Fleiss kappa", "irrCAC"].not_compared_because.startswith("undefined here: only")
    # Perfect agreement: they have no bound, so the interval is not compared.
    assert "interval_low" not in found["AC1", "irrCAC"].quantities


def test_a_number_that_is_not_finite_is_not_compared() -> None:
    found = answered(plan_of(random_matrix(1)), value=float("nan"))
    assert "no finite number" in found["AC1", "irrCAC"].not_compared_because


def test_a_package_that_failed_is_named_with_its_failure() -> None:
    plan = plan_of(random_matrix(1))
    failed = [Answer(failure="irrCAC raised ZeroDivisionError") for _ in plan.asked]
    reasons = {one.not_compared_because for one in plan.compare(failed, versions=VERSIONS)}
    assert "irrCAC raised ZeroDivisionError" in reasons
