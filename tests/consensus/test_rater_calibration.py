"""Calibrating a rater's probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from localensemble.consensus.probabilities.rater_calibration import (
    ContextualPrior,
    Isotonic,
    RaterCalibration,
    Temperature,
    fit_isotonic,
    fit_temperature,
)
from localensemble.core.errors import InputError

Floats = NDArray[np.float64]


def overconfident(item_count: int, *, sharpening: float = 3.0) -> tuple[Floats, NDArray[np.int16]]:
    """Distributions that are right, raised to a power so that they claim too much."""
    generator = np.random.default_rng(1706)
    honest = generator.dirichlet(np.ones(3), size=item_count)
    gold = (generator.random(item_count)[:, None] > np.cumsum(honest, axis=1)).sum(axis=1)
    sharp = honest**sharpening
    return sharp / sharp.sum(axis=1, keepdims=True), gold.astype(np.int16)


def log_loss(probabilities: Floats, gold: NDArray[np.int16]) -> float:
    return float(-np.log(probabilities[np.arange(len(gold)), gold]).mean())


def test_the_temperature_undoes_a_planted_sharpening() -> None:
    probabilities, gold = overconfident(5_000)
    fitted = fit_temperature(probabilities, gold=gold)
    assert fitted.temperature == pytest.approx(3.0, rel=0.05)
    assert fitted.gold_items == 5_000
    calibrated = fitted.apply(probabilities)
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)
    np.testing.assert_array_equal(calibrated.argmax(axis=1), probabilities.argmax(axis=1))
    assert log_loss(calibrated, gold) < log_loss(probabilities, gold)


def test_a_temperature_of_one_changes_nothing() -> None:
    probabilities, _ = overconfident(10)
    np.testing.assert_allclose(Temperature(1.0, 100).apply(probabilities), probabilities)


def test_isotonic_regression_gives_honest_probabilities() -> None:
    probabilities, gold = overconfident(5_000)
    fitted = fit_isotonic(probabilities[:3_000], gold=gold[:3_000])
    calibrated = fitted.apply(probabilities[3_000:])
    np.testing.assert_allclose(calibrated.sum(axis=1), 1)
    sure = calibrated[:, 0] > 0.7
    claimed, happened = calibrated[sure, 0].mean(), (gold[3_000:][sure] == 0).mean()
    assert happened == pytest.approx(claimed, abs=0.04)
    raw = probabilities[3_000:][:, 0] > 0.7
    assert probabilities[3_000:][raw, 0].mean() - (gold[3_000:][raw] == 0).mean() > 0.1


def test_isotonic_steps_pool_adjacent_violators() -> None:
    at = np.repeat([0.1, 0.2, 0.3, 0.4], 100)
    shares = {0.1: 10, 0.2: 60, 0.3: 40, 0.4: 90}
    hits = np.concatenate([np.arange(100) < shares[float(p)] for p in (0.1, 0.2, 0.3, 0.4)])
    probabilities = np.stack([at, 1 - at], axis=1)
    fitted = fit_isotonic(probabilities, gold=np.where(hits, 0, 1).astype(np.int16))
    assert fitted.steps[0] == ((0.1, 0.1), (0.2, 0.5), (0.3, 0.5), (0.4, 0.9))
    np.testing.assert_allclose(fitted.apply(np.array([[0.25, 0.75]])), [[0.5, 0.5]])
    # Between pools the share is interpolated, beyond them it stays.
    np.testing.assert_allclose(fitted.apply(np.array([[0.15, 0.85]])), [[0.3, 0.7]])
    np.testing.assert_allclose(fitted.apply(np.array([[0.0, 1.0]])), [[0.1, 0.9]])


def test_equal_shares_are_one_pool() -> None:
    at = np.repeat([0.1, 0.2, 0.3], 100)
    hits = np.tile(np.arange(100) < 25, 3)
    probabilities = np.stack([at, 1 - at], axis=1)
    fitted = fit_isotonic(probabilities, gold=np.where(hits, 0, 1).astype(np.int16))
    assert fitted.steps[0] == ((0.1, 0.25), (0.3, 0.25))


def test_a_row_mapped_to_zeros_stays_as_it_was() -> None:
    never = Isotonic((((0.0, 0.0), (1.0, 0.0)), ((0.0, 0.0), (1.0, 0.0))), 300)
    np.testing.assert_allclose(never.apply(np.array([[0.3, 0.7]])), [[0.3, 0.7]])


def test_the_contextual_prior_is_divided_out() -> None:
    biased = ContextualPrior((0.6, 0.3, 0.1))
    np.testing.assert_allclose(biased.apply(np.array([[0.6, 0.3, 0.1]])), [[1 / 3] * 3])
    corrected = biased.apply(np.array([[0.5, 0.3, 0.2]]))
    assert corrected.argmax() == 2
    np.testing.assert_allclose(corrected.sum(), 1)


@pytest.mark.parametrize("prior", [(), (0.5, 0.0, 0.5), (0.5, float("nan"), 0.5)])
def test_a_prior_that_rules_a_category_out_is_refused(prior: tuple[float, ...]) -> None:
    with pytest.raises(InputError, match="rules out"):
        ContextualPrior(prior)


@pytest.mark.parametrize(
    "calibration",
    [
        Temperature(2.0, 50),
        Isotonic((((0.0, 0.1), (1.0, 0.9)), ((0.0, 0.1), (1.0, 0.9))), 300),
        ContextualPrior((0.7, 0.3)),
    ],
    ids=lambda calibration: calibration.name,
)
def test_rows_without_probabilities_stay_without(calibration: RaterCalibration) -> None:
    probabilities = np.array([[0.2, 0.8], [np.nan, np.nan]])
    before = probabilities.copy()
    result = calibration.apply(probabilities)
    assert np.isfinite(result[0]).all()
    assert np.isnan(result[1]).all()
    np.testing.assert_array_equal(probabilities, before)
    assert dict(calibration.settings)


def test_too_few_gold_labels_are_refused_with_the_number_needed() -> None:
    probabilities, gold = overconfident(400)
    gold[25:] = -1
    with pytest.raises(InputError, match=r"on 25 gold labels .* expected at least 30"):
        fit_temperature(probabilities, gold=gold)
    probabilities, gold = overconfident(400)
    probabilities[:150] = np.nan
    with pytest.raises(InputError, match=r"on 250 gold labels .* expected at least 300"):
        fit_isotonic(probabilities, gold=gold)


@pytest.mark.parametrize("temperature", [0.0, -2.0, 1e-300, 1e300, float("nan")])
def test_a_temperature_that_cannot_have_been_fitted_is_refused(temperature: float) -> None:
    with pytest.raises(InputError, match="temperature"):
        Temperature(temperature, 40)


@pytest.mark.parametrize(
    "steps", [(), ((0.0, 5.0), (1.0, -3.0)), ((1.0, 0.0), (0.0, 1.0)), ((0.0, 1.0), (1.0, 0.0))]
)
def test_isotonic_steps_that_do_not_rise_are_refused(
    steps: tuple[tuple[float, float], ...],
) -> None:
    with pytest.raises(InputError, match="rise"):
        Isotonic((steps, ((0.0, 0.0), (1.0, 1.0))), 300)


@pytest.mark.parametrize(
    "calibration",
    [Isotonic((((0.0, 0.0), (1.0, 1.0)),) * 3, 300), ContextualPrior((1.0,))],
)
def test_a_calibration_of_other_categories_is_refused(calibration: RaterCalibration) -> None:
    with pytest.raises(InputError, match="categories"):
        calibration.apply(np.array([[0.7, 0.3]]))
