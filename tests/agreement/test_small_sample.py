"""Intervals of few items: limits that hold, beside the published formula's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from localensemble.agreement import (
    SCALES,
    Analytic,
    Bootstrap,
    Coefficient,
    WeightScheme,
    benchmark,
    brennan_prediger,
    fleiss_kappa,
    gwet_ac1,
    gwet_ac2,
    krippendorff_alpha,
    measure_agreement,
    percent_agreement,
)
from localensemble.agreement.small_sample import SmallSample, least_items
from localensemble.core.label_matrix import LabelMatrix
from tests.agreement.matrices import matrix_from, matrix_of, random_matrix

# 400 draws: 2.5 % give at most 18 (probability .995), the analytic limits give 25 and more.
DRAWS, MOST = 400, 18
Compute = Callable[[LabelMatrix], Coefficient]


def ends(coefficient: Coefficient) -> tuple[float, float]:
    assert coefficient.interval_low is not None
    assert coefficient.interval_high is not None
    return coefficient.interval_low, coefficient.interval_high


def two_raters(generator: np.random.Generator, items: int, right: float) -> NDArray[np.int16]:
    """Label five even categories; a wrong label is one of the neighbors, or any category."""
    true = generator.integers(0, 5, size=(items, 1))
    near = np.clip(true + generator.choice([-1, 1], size=(items, 2)), 0, 4)
    wrong = np.where(generator.random((items, 2)) < 0.5, near, generator.integers(0, 5, (items, 2)))
    chosen: NDArray[np.int16] = np.where(generator.random((items, 2)) < right, true, wrong).astype(
        np.int16
    )
    return chosen


@pytest.mark.parametrize("items", [20, 50, 100])
@pytest.mark.parametrize("weights", ["identity", "ordinal"])
def test_the_limits_rarely_miss_the_truth(items: int, weights: WeightScheme) -> None:
    generator = np.random.default_rng(5)

    def value(cells: NDArray[np.int16]) -> Coefficient:
        matrix = LabelMatrix(cells, tuple("abcde"), ("one", "two"))
        return gwet_ac2(matrix, weights=weights)

    truth = value(two_raters(generator, 400_000, 0.85)).value or 0.0
    found = [ends(value(two_raters(generator, items, 0.85))) for _ in range(DRAWS)]
    assert sum(low > truth for low, _ in found) <= MOST
    assert sum(high < truth for _, high in found) <= MOST


@pytest.mark.parametrize("compute", [gwet_ac1, fleiss_kappa, brennan_prediger, percent_agreement])
def test_few_items_get_the_small_sample_interval(compute: Compute) -> None:
    few = compute(random_matrix(3, items=60, gaps=0.0))
    many = compute(random_matrix(3, items=200, gaps=0.0))
    assert few.interval_method == "small sample"
    assert many.interval_method == "analytic"


def test_few_differing_items_get_it_too() -> None:
    rows = ["aaa"] * 400 + ["bbb"] * 400
    few = gwet_ac1(matrix_of(*rows, *["aab"] * 30))
    many = gwet_ac1(matrix_of(*rows, *["aab"] * 60))
    assert few.interval_method == "small sample"
    assert many.interval_method == "analytic"


def test_the_analytic_interval_is_offered_beside_it_with_the_same_value() -> None:
    found = measure_agreement(random_matrix(4), level="nominal", resamples=0, jackknife=False)
    for ours, analytic in zip(found.coefficients, found.analytic, strict=True):
        assert analytic.interval_method == "analytic"
        assert (ours.value, ours.standard_error, ours.p_value) == (
            analytic.value,
            analytic.standard_error,
            analytic.p_value,
        )
        assert ends(ours)[0] < ends(analytic)[0]


@pytest.mark.parametrize(("items", "differing"), [(20, 3), (40, 1), (60, 30)])
def test_two_raters_and_fixed_chance_give_nearly_the_binomial_limits(
    items: int, differing: int
) -> None:
    rows = ["aa"] * (items - differing) + ["ab"] * differing
    low, high = ends(percent_agreement(matrix_of(*rows)))
    exact = stats.binomtest(items - differing, items).proportion_ci(method="exact")
    assert low == pytest.approx(exact.low, abs=0.015)
    assert high == pytest.approx(exact.high, abs=0.015)


@pytest.mark.parametrize(
    ("rows", "low", "high"),
    [
        # 1 - 0.025^(1/n), mirrored: 0 to 1 - 0.025^(1/20) of percent agreement.
        (["ab"] * 20, 0.0, 0.16843347098308525),
        (["ab", "ba"] * 75, 0.0, 0.024292597166),
        (["abc"] * 8, 0.0, 0.36941665),
    ],
)
def test_complete_disagreement_has_the_mirrored_exact_bound(
    rows: list[str], low: float, high: float
) -> None:
    for interval in (None, Analytic(), Bootstrap(50)):
        found = percent_agreement(matrix_of(*rows), interval=interval)
        assert found.interval_method == "exact bound"
        assert ends(found) == pytest.approx((low, high), abs=1e-8)


def test_complete_disagreement_gets_a_word() -> None:
    found = gwet_ac1(matrix_of(*["ab"] * 20, categories=("a", "b")))
    assert found.value == pytest.approx(-1.0)
    assert ends(found) == pytest.approx((-1.0, 1 - 2 * 0.025 ** (1 / 20)))
    assert benchmark(found, SCALES[0]).word == "poor"
    assert benchmark(percent_agreement(matrix_of(*["ab"] * 20)), SCALES[2]).word == "poor"


def test_items_that_all_disagree_alike_have_a_small_sample_interval() -> None:
    found = fleiss_kappa(matrix_of(*["aab"] * 12, *["abb"] * 12))
    assert found.standard_error is None
    assert found.interval_method == "small sample"
    low, high = ends(found)
    assert low < (found.value or 0.0) < high


def test_benchmark_probabilities_follow_the_interval() -> None:
    found = gwet_ac1(matrix_of(*["aa"] * 10, *["bb"] * 8, *["ab"] * 2))
    low, _ = ends(found)
    reached = {band.lower: band.reached for band in benchmark(found, SCALES[0]).bands}
    sample = SmallSample(
        20, 0.1, 1.0 - (found.expected_agreement or 0.0), found.standard_error or 0
    )
    assert sample.above(low) == pytest.approx(0.975, abs=1e-9)
    assert reached[0.6] == pytest.approx(sample.above(0.6))
    assert sample.above(1.0) == 0.0
    assert sample.above(-3.0) == 1.0
    assert SmallSample(20, 1.0, 0.5, 0.0).above(-0.5) == 0.0
    assert SmallSample(20, 1.0, 0.5, 0.0).low(0.025) == -1.0


def test_a_spread_too_large_for_a_share_leaves_the_whole_range() -> None:
    sample = SmallSample(2, 0.5, 0.5, 30.0)
    assert sample.low(0.025) == pytest.approx(-1.0)
    assert sample.high(0.025) == pytest.approx(1.0)


def test_an_item_with_more_labels_counts_as_several_for_alpha() -> None:
    even = krippendorff_alpha(matrix_of(*["aa--"] * 8, *["bb--"] * 8, "ab--"), level="nominal")
    uneven = krippendorff_alpha(matrix_of(*["aa--"] * 8, *["bb--"] * 8, "aabb"), level="nominal")
    assert ends(uneven)[0] < ends(even)[0]


@pytest.mark.parametrize(("level", "items"), [(0.95, 6), (0.9, 5), (0.99, 8)])
def test_a_verdict_needs_more_items_than_two_coins_can_agree_on(level: float, items: int) -> None:
    assert least_items(level) == items
    assert 0.5**items < (1 - level) / 2 <= 0.5 ** (items - 1)


@pytest.mark.parametrize("items", [1, 2, 5])
def test_fewer_items_get_no_word(items: int) -> None:
    found = benchmark(gwet_ac1(matrix_of(*["aaa"] * items)), SCALES[0])
    assert found.word is None
    assert "at least 6" in found.undefined_because


def test_the_interval_of_many_items_costs_no_more() -> None:
    cells = np.random.default_rng(1).integers(0, 734, size=(3000, 20))
    found = gwet_ac1(matrix_from(cells.tolist(), category_count=734))
    assert found.interval_method == "analytic"
