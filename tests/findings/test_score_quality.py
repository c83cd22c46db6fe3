"""What probabilities and scores are worth."""

from __future__ import annotations

import numpy as np
import pytest

from localensemble.consensus.probabilities.rater_calibration import fit_isotonic
from localensemble.findings.score_quality import calibration_quality, ranking_quality


def test_calibration_of_a_worked_example() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.3, 0.7], [np.nan, np.nan]])
    gold = np.array([0, 1, 0, 1, 0], dtype=np.int16)
    found = calibration_quality(probabilities, gold=gold)
    assert found.items == 4
    # Bins: 0.9 (2 items, half right), 0.6 (right), 0.7 (right).
    assert found.expected_calibration_error.value == pytest.approx((2 * 0.4 + 0.4 + 0.3) / 4)
    brier = (2 * 0.01 + 2 * 0.81 + 2 * 0.16 + 2 * 0.09) / 4
    assert found.brier.value == pytest.approx(brier)
    assert found.log_loss.value == pytest.approx(-np.log([0.9, 0.1, 0.6, 0.7]).mean())
    by_low = {entry.low: entry for entry in found.bins}
    assert len(found.bins) == 10
    assert by_low[0.8].items == 2
    assert by_low[0.8].accuracy == 0.5
    assert by_low[0.0].accuracy is None


def test_honest_probabilities_are_calibrated_and_sharpened_ones_are_not() -> None:
    generator = np.random.default_rng(2)
    honest = generator.dirichlet(np.ones(3), size=20_000)
    gold = (generator.random(20_000)[:, None] > honest.cumsum(axis=1)).sum(axis=1)
    sharp = honest**3 / (honest**3).sum(axis=1, keepdims=True)
    good = calibration_quality(honest, gold=gold.astype(np.int16)).expected_calibration_error
    bad = calibration_quality(sharp, gold=gold.astype(np.int16)).expected_calibration_error
    assert good.value is not None
    assert bad.value is not None
    assert good.value < 0.02 < 0.1 < bad.value


def test_two_equal_highest_probabilities_are_half_right() -> None:
    found = calibration_quality(np.array([[0.5, 0.5]]), gold=np.array([1], dtype=np.int16))
    assert found.expected_calibration_error.value == 0


@pytest.mark.parametrize(
    ("probabilities", "gold", "zeros", "loss"),
    [
        ([[1.0, 0.0]], [1], 1, -np.log(1 / 2)),
        ([[1.0, 0.0]] * 3, [0, 0, 1], 1, -np.log(1 / 4) / 3),
        ([[0.5, 0.5, 0.0], [0.0, 0.8, 0.2]], [2, 1], 1, -np.log([1 / 3, 0.8]).mean()),
    ],
)
def test_a_gold_category_of_probability_zero_is_smoothed_and_counted(
    probabilities: list[list[float]], gold: list[int], zeros: int, loss: float
) -> None:
    found = calibration_quality(np.array(probabilities), gold=np.array(gold, dtype=np.int16))
    assert found.log_loss.value == pytest.approx(loss)
    assert found.zeros == zeros


def test_isotonic_calibration_leaves_a_log_loss() -> None:
    generator = np.random.default_rng(4)
    gold = generator.integers(0, 2, 800).astype(np.int16)
    sure = np.where(generator.random(800) < 0.9, gold, 1 - gold)
    high = generator.uniform(0.6, 1.0, 800)
    probabilities = np.column_stack(
        [np.where(sure == 0, high, 1 - high), np.where(sure == 1, high, 1 - high)]
    )
    calibration = fit_isotonic(probabilities[:600], gold=gold[:600])
    applied = calibration.apply(probabilities[600:])
    # Of an extreme score, isotonic regression has seen one category only.
    applied[0] = [1.0, 0.0]
    rest = gold[600:].copy()
    rest[0] = 1
    found = calibration_quality(applied, gold=rest)
    assert found.log_loss.value is not None
    assert found.zeros >= 1


def test_calibration_without_items_is_undefined_in_words() -> None:
    found = calibration_quality(np.full((2, 2), np.nan), gold=np.array([0, 1], dtype=np.int16))
    assert found.brier.undefined_because == "no item has both a gold label and probabilities"
    assert found.bins == ()
    with pytest.raises(ValueError, match="2 distributions for 1 gold labels"):
        calibration_quality(np.ones((2, 2)), gold=np.array([0], dtype=np.int16))


def test_auroc_counts_ties_as_half() -> None:
    scores = np.array([0.9, 0.8, 0.8, 0.3, np.nan])
    wrong = np.array([False, True, False, True, True])
    found = ranking_quality(scores, wrong=wrong)
    assert (found.items, found.wrong) == (4, 2)
    # Pairs right over wrong: 0.9 > 0.8, 0.9 > 0.3, 0.8 = 0.8, 0.8 > 0.3.
    assert found.auroc.value == pytest.approx(3.5 / 4)


def test_the_risk_coverage_curve_takes_tied_scores_together() -> None:
    scores = np.array([0.9, 0.8, 0.8, 0.3])
    found = ranking_quality(scores, wrong=np.array([False, True, False, True]))
    assert [point.threshold for point in found.curve] == [0.9, 0.8, 0.3]
    assert [point.coverage for point in found.curve] == [0.25, 0.75, 1]
    assert [point.risk for point in found.curve] == pytest.approx([0, 1 / 3, 0.5])
    assert found.area_under_risk.value == pytest.approx((0 + 2 / 3 + 0.5) / 4)


def test_long_curves_are_thinned_but_keep_their_ends() -> None:
    generator = np.random.default_rng(0)
    scores = generator.random(5_000)
    found = ranking_quality(scores, wrong=generator.random(5_000) > scores)
    assert len(found.curve) == 100
    assert found.curve[-1].coverage == 1
    assert found.curve[0].threshold == scores.max()
    assert found.auroc.value is not None
    assert found.auroc.value > 0.7


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [([False, False], "no label is wrong"), ([True, True], "no label is right")],
)
def test_auroc_of_one_kind_only_is_undefined_in_words(wrong: list[bool], reason: str) -> None:
    found = ranking_quality(np.array([0.2, 0.4]), wrong=np.array(wrong))
    assert found.auroc.undefined_because == reason
    assert found.area_under_risk.value == float(wrong[0])


def test_ranking_without_scores_is_undefined_in_words() -> None:
    found = ranking_quality(np.full(2, np.nan), wrong=np.array([True, False]))
    assert found.auroc.undefined_because == "no item has a score and a gold label"
    assert found.curve == ()
    with pytest.raises(ValueError, match="differ in shape"):
        ranking_quality(np.ones(2), wrong=np.array([True]))
