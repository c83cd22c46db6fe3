"""Bounds, certified thresholds and plans, to the digits of the worked numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from localensemble.consensus.certificates.bounds import (
    binomial_p,
    certifying_size,
    exact_interval,
    hoeffding_bentkus_p,
    tolerated_errors,
    upper_bound,
)
from localensemble.consensus.certificates.sample_plan import certifying_sizes, plan_certification
from localensemble.consensus.certificates.threshold import (
    certify_threshold,
    control_risk,
    refuse_reused_items,
    threshold_grid,
)
from localensemble.core.errors import InputError

GOLDEN: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "golden" / "acceptance_threshold.json").read_text("utf-8")
)
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def items_of(levels: Sequence[tuple[float, int, int]]) -> tuple[Floats, Bools]:
    """Make gold items: (score, items with it, wrong ones among them)."""
    scores, wrong = [], []
    for score, count, errors in levels:
        scores += [score] * count
        wrong += [True] * errors + [False] * (count - errors)
    return np.array(scores, dtype=np.float64), np.array(wrong, dtype=np.bool_)


def golden_items() -> tuple[Floats, Bools, tuple[float, ...]]:
    """The worked example: cumulative counts per threshold, turned into items."""
    worked = GOLDEN["fixed_sequence"]
    levels, before = [], (0, 0)
    for threshold, (accepted, errors) in zip(
        worked["grid"], worked["accepted_errors"], strict=True
    ):
        levels.append((threshold, accepted - before[0], errors - before[1]))
        before = (accepted, errors)
    return *items_of(levels), tuple(worked["grid"])


@pytest.mark.parametrize(
    ("errors", "items", "delta", "bound"), GOLDEN["upper_bounds"]["errors_items_delta_bound"]
)
def test_upper_bounds_are_those_of_clopper_and_pearson(
    errors: int, items: int, delta: float, bound: float
) -> None:
    found = upper_bound(errors, items=items, delta=delta)
    assert found == pytest.approx(bound, abs=GOLDEN["upper_bounds"]["tolerance"])


def test_bounds_without_items_or_without_a_right_one_say_nothing() -> None:
    assert upper_bound(0, items=0, delta=0.1) == 1
    assert upper_bound(7, items=7, delta=0.1) == 1
    for errors, items in ((-1, 5), (6, 5)):
        with pytest.raises(ValueError, match="not a share"):
            upper_bound(errors, items=items, delta=0.1)


def test_the_two_sided_interval_is_exact_at_its_ends() -> None:
    # 0 of 10: 1 - 0.025 ** (1 / 10).
    assert exact_interval(0, items=10).low == 0
    assert exact_interval(0, items=10).high == pytest.approx(1 - 0.025 ** (1 / 10))
    assert exact_interval(10, items=10).low == pytest.approx(0.025 ** (1 / 10))
    assert exact_interval(10, items=10).high == 1
    assert (exact_interval(0, items=0).low, exact_interval(0, items=0).high) == (0, 1)
    half = exact_interval(50, items=100, confidence=0.9)
    assert half.low == pytest.approx(0.41363, abs=1e-5)
    assert half.high == pytest.approx(1 - half.low)


def test_the_test_passes_exactly_where_the_bound_does() -> None:
    for items in (30, 77, 200):
        errors = np.arange(items + 1, dtype=np.int64)
        passes = binomial_p(errors, items=np.full_like(errors, items), alpha=0.05) <= 0.1
        bounds = [upper_bound(int(k), items=items, delta=0.1) <= 0.05 for k in errors]
        assert passes.tolist() == bounds


@pytest.mark.parametrize(
    ("alpha", "delta", "sizes"), GOLDEN["certifying_sizes"]["alpha_delta_sizes"]
)
def test_the_table_of_smallest_certifying_sizes(
    alpha: float, delta: float, sizes: list[int]
) -> None:
    table = certifying_sizes(alpha=alpha, delta=delta)
    assert [size for _, size in table] == sizes
    assert [errors for errors, _ in table] == GOLDEN["certifying_sizes"]["errors"]


@pytest.mark.parametrize(("alpha", "sizes"), GOLDEN["zero_error_minima"]["alpha_sizes"])
def test_zero_error_minima(alpha: float, sizes: list[int]) -> None:
    deltas = GOLDEN["zero_error_minima"]["deltas"]
    assert [certifying_size(0, alpha=alpha, delta=delta) for delta in deltas] == sizes


def test_tolerated_errors_are_the_inverse_of_certifying_sizes() -> None:
    sizes = np.arange(400, dtype=np.int64)
    tolerated = tolerated_errors(sizes, alpha=0.05, delta=0.1)
    assert tolerated[:45].tolist() == [-1] * 45
    for errors in range(12):
        first = int(np.argmax(tolerated >= errors))
        assert first == certifying_size(errors, alpha=0.05, delta=0.1)
    for alpha, delta in ((0, 0.1), (0.05, 1)):
        with pytest.raises(ValueError, match="strictly between 0 and 1"):
            tolerated_errors(sizes, alpha=alpha, delta=delta)


@pytest.mark.parametrize("case", GOLDEN["hoeffding_bentkus"])
def test_hoeffding_bentkus_p_values(case: dict[str, float]) -> None:
    found = hoeffding_bentkus_p(case["mean_loss"], items=int(case["items"]), alpha=case["alpha"])
    assert found == pytest.approx(case["p_value"], abs=case["tolerance"])


def test_hoeffding_bentkus_never_passes_a_loss_above_alpha() -> None:
    assert hoeffding_bentkus_p(0.2, items=500, alpha=0.05) == pytest.approx(1)
    for mean_loss, items, alpha in ((0.1, 0, 0.05), (1.1, 10, 0.05), (0.1, 10, 0)):
        with pytest.raises(ValueError, match="No p-value"):
            hoeffding_bentkus_p(mean_loss, items=items, alpha=alpha)


def test_the_worked_fixed_sequence() -> None:
    worked = GOLDEN["fixed_sequence"]
    scores, wrong, grid = golden_items()
    found = certify_threshold(
        scores,
        wrong=wrong,
        grid=grid,
        alpha=worked["alpha"],
        delta=worked["delta"],
        least_accepted=45,
    )
    p_values = [candidate.p_value for candidate in found.candidates]
    np.testing.assert_allclose(p_values, worked["p_values"], atol=worked["tolerance"])
    assert [candidate.outcome for candidate in found.candidates] == ["passed", "passed", "failed"]
    assert found.threshold == worked["threshold"]
    assert found.coverage == worked["coverage"]
    assert found.chosen is not None
    assert found.chosen.upper == pytest.approx(worked["upper"], abs=worked["tolerance"])
    assert (found.chosen.accepted, found.chosen.errors) == (120, 2)
    assert found.items_needed is None


def test_the_worked_conformal_risk_control() -> None:
    worked = GOLDEN["fixed_sequence"]
    scores, wrong, grid = golden_items()
    found = control_risk(scores, wrong=wrong, grid=grid, alpha=worked["alpha"])
    bounds = [candidate.p_value for candidate in found.candidates]
    np.testing.assert_allclose(bounds, worked["risk_bounds"], atol=worked["risk_tolerance"])
    assert found.threshold == worked["threshold"]
    assert found.delta is None
    assert found.chosen is not None
    assert found.chosen.upper is None


@pytest.mark.parametrize(
    ("items", "tolerated"), GOLDEN["conformal_risk_control"]["items_tolerated_errors"]
)
def test_conformal_risk_control_tolerates_the_published_errors(
    items: int, tolerated: list[int]
) -> None:
    for alpha, most in zip(GOLDEN["conformal_risk_control"]["alphas"], tolerated, strict=True):
        for errors, passes in ((most, True), (most + 1, False)):
            scores, wrong = items_of([(1.0, items, errors)])
            found = control_risk(scores, wrong=wrong, grid=(1.0,), alpha=alpha)
            assert (found.threshold is not None) == passes


def test_a_threshold_behind_a_failure_is_never_returned() -> None:
    scores, wrong = items_of([(0.9, 60, 0), (0.8, 30, 6), (0.7, 400, 0)])
    found = certify_threshold(
        scores, wrong=wrong, grid=(0.9, 0.8, 0.7), alpha=0.05, delta=0.1, least_accepted=45
    )
    assert found.candidates[2].p_value <= 0.1
    assert [candidate.outcome for candidate in found.candidates] == [
        "passed",
        "failed",
        "not reached",
    ]
    assert found.threshold == 0.9


def test_small_candidates_are_skipped_by_their_number_and_never_by_their_errors() -> None:
    scores, wrong = items_of([(0.9, 50, 10), (0.8, 300, 0)])
    found = certify_threshold(scores, wrong=wrong, grid=(0.9, 0.8), alpha=0.05, delta=0.1)
    assert found.least_accepted == 105
    assert [candidate.outcome for candidate in found.candidates] == ["skipped", "passed"]
    strict = certify_threshold(
        scores, wrong=wrong, grid=(0.9, 0.8), alpha=0.05, delta=0.1, least_accepted=45
    )
    assert [candidate.outcome for candidate in strict.candidates] == ["failed", "not reached"]
    assert strict.threshold is None


def test_a_size_below_the_zero_error_minimum_is_raised_to_it() -> None:
    scores, wrong = items_of([(0.9, 10, 0)])
    found = certify_threshold(
        scores, wrong=wrong, grid=(0.9,), alpha=0.05, delta=0.1, least_accepted=1
    )
    assert found.least_accepted == 45
    assert found.candidates[0].outcome == "skipped"


def test_too_few_items_accept_nothing_and_say_how_many_are_needed() -> None:
    scores, wrong = items_of([(0.9, 30, 0), (0.5, 10, 5)])
    found = certify_threshold(scores, wrong=wrong, grid=(0.9, 0.5), alpha=0.05, delta=0.1)
    assert found.threshold is None
    assert found.coverage == 0
    # 45 accepted items without an error, of which 30 in 40 are accepted.
    assert found.items_needed == 60


def test_errors_above_alpha_are_not_helped_by_more_items() -> None:
    scores, wrong = items_of([(0.9, 500, 100)])
    found = certify_threshold(scores, wrong=wrong, grid=(0.9,), alpha=0.05, delta=0.1)
    assert found.threshold is None
    assert found.items_needed is None
    assert control_risk(scores, wrong=wrong, grid=(0.9,), alpha=0.05).items_needed is None


def test_an_error_rate_close_to_alpha_needs_many_items() -> None:
    scores, wrong = items_of([(0.9, 200, 8)])
    found = certify_threshold(scores, wrong=wrong, grid=(0.9,), alpha=0.05, delta=0.1)
    assert found.threshold is None
    assert found.items_needed is not None
    assert 500 < found.items_needed < 3_000
    # Ten items without an error: (0 + 1) / (n + 1) reaches 0.05 at 19.
    risk = control_risk(scores[-10:], wrong=wrong[-10:], grid=(0.9,), alpha=0.05)
    assert risk.threshold is None
    assert risk.items_needed == 19


def test_nothing_at_all_certifies_nothing() -> None:
    empty = certify_threshold(
        np.empty(0), wrong=np.empty(0, dtype=np.bool_), grid=(0.5,), alpha=0.05, delta=0.1
    )
    assert empty.threshold is None
    assert empty.coverage == 0
    assert empty.items_needed is None
    no_grid = control_risk(np.ones(50), wrong=np.zeros(50, dtype=np.bool_), grid=(), alpha=0.1)
    assert no_grid.threshold is None
    assert no_grid.items_needed is None


def test_ties_and_unknown_scores_are_the_same_on_both_sides() -> None:
    scores = np.array([0.8] * 60 + [np.nan] * 40)
    wrong = np.array([False] * 60 + [True] * 40)
    found = certify_threshold(
        scores, wrong=wrong, grid=(0.8, 0.1), alpha=0.05, delta=0.1, least_accepted=45
    )
    assert [candidate.accepted for candidate in found.candidates] == [60, 60]
    assert [candidate.errors for candidate in found.candidates] == [0, 0]
    assert found.threshold == 0.1


def test_inputs_that_do_not_fit_are_refused() -> None:
    scores, wrong = items_of([(0.9, 10, 0)])
    for grid in ((0.5, 0.9), (0.9, 0.9), (0.9, float("nan"))):
        with pytest.raises(ValueError, match="strictly decreasing"):
            certify_threshold(scores, wrong=wrong, grid=grid, alpha=0.05, delta=0.1)
    with pytest.raises(ValueError, match="equally long"):
        control_risk(scores, wrong=wrong[:5], grid=(0.9,), alpha=0.05)


def test_the_grid_is_made_of_scores_alone() -> None:
    few = np.array([1.0, 2 / 3, 2 / 3, np.nan, 1.0])
    assert threshold_grid(few) == (1.0, 2 / 3)
    many = np.random.default_rng(0).random(10_000)
    grid = threshold_grid(many)
    assert len(grid) == 20
    assert list(grid) == sorted(grid, reverse=True)
    accepted = [np.mean(many >= threshold) for threshold in grid]
    np.testing.assert_allclose(accepted, np.arange(1, 21) / 20, atol=1e-3)
    assert threshold_grid(np.full(5, np.nan)) == ()


@pytest.mark.slow  # simulates studies
def test_the_promise_holds_in_simulation_where_the_naive_rule_breaks_it() -> None:
    generator = np.random.default_rng(19)
    grid = tuple(float(threshold) for threshold in np.arange(19, -1, -1) / 20)
    alpha = 0.10
    broken = naive_broken = 0
    replications = 1_000
    for _ in range(replications):
        scores = generator.random(300)
        wrong = generator.random(300) < 0.4 * (1 - scores)
        found = certify_threshold(
            scores, wrong=wrong, grid=grid, alpha=alpha, delta=0.10, least_accepted=22
        )
        broken += found.threshold is not None and true_error(found.threshold) > alpha + 1e-9
        looks_fine = [
            candidate.threshold
            for candidate in found.candidates
            if candidate.accepted and candidate.errors / candidate.accepted <= alpha
        ]
        naive_broken += bool(looks_fine) and true_error(min(looks_fine)) > alpha + 1e-9
    assert broken / replications <= 0.04
    assert 0.25 < naive_broken / replications < 0.45


def true_error(threshold: float) -> float:
    """P(wrong | score >= threshold) when P(wrong | s) = 0.4 (1 - s), s uniform."""
    return 0.2 * (1 - threshold)


def test_gold_items_used_elsewhere_are_refused_by_name() -> None:
    refuse_reused_items(["a", "b"], used={"golden items": ["c"]})
    with pytest.raises(InputError, match='2 gold items, the first "a"') as raised:
        refuse_reused_items(["b", "a"], used={"few-shot examples": {"a", "b", "c"}})
    assert "few-shot examples" in str(raised.value)


def test_a_plan_says_what_a_promise_costs_in_gold_labels() -> None:
    plan = plan_certification(alpha=0.05, delta=0.1, error_rate=0.02, accepted_share=0.6)
    assert plan.accepted_needed is not None
    assert plan.items_needed is not None
    assert plan.items_needed == pytest.approx(plan.accepted_needed / 0.6, abs=1)
    # At that size the certification succeeds as often as wanted, a little below it does not.
    generator = np.random.default_rng(4)
    for size, least in ((plan.accepted_needed, 0.78), (plan.accepted_needed // 2, 0.0)):
        errors = generator.binomial(size, 0.02, 4_000)
        tolerated = int(tolerated_errors(np.array([size]), alpha=0.05, delta=0.1)[0])
        assert (errors <= tolerated).mean() >= least
    assert plan.sizes[0] == (0, 45)


def test_a_plan_for_the_impossible_says_none() -> None:
    assert (
        plan_certification(alpha=0.05, delta=0.1, error_rate=0.05, accepted_share=1).items_needed
        is None
    )
    assert (
        plan_certification(
            alpha=0.01, delta=0.05, error_rate=0.0099, accepted_share=0.5
        ).items_needed
        is None
    )
    sure = plan_certification(alpha=0.1, delta=0.1, error_rate=0, accepted_share=1)
    assert sure.items_needed == 22
    with pytest.raises(ValueError, match="must be shares"):
        plan_certification(alpha=0.05, delta=0.1, error_rate=0.02, accepted_share=0)
