"""How good probabilities and scores are, measured on gold labels.

Calibration asks whether a probability matches the frequency of right labels; ranking asks whether
a score puts right labels before wrong ones. A score can do either without the other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.core.label_matrix import GAP
from localensemble.core.words import counted
from localensemble.findings.evaluation import CategoryArray, Measure

FloatArray = NDArray[np.float64]

_BINS = 10
_CURVE_POINTS = 100


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Items whose highest probability lies in (low, high].

    Attributes:
        low: lower end, not included (except 0).
        high: upper end, included.
        items: number of items.
        mean_probability: mean of their highest probabilities; None without items.
        accuracy: share of items whose most probable category is right; None without items.
    """

    low: float
    high: float
    items: int
    mean_probability: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class CalibrationQuality:
    """Whether the highest probability matches how often it is right.

    Attributes:
        items: items with a gold label and a distribution.
        expected_calibration_error: mean over items of |accuracy - probability| of their
            bin; ten equal bins. 0 is calibrated.
        brier: mean over items of the summed squared differences from the gold label; 0 is
            perfect, 2 the worst.
        log_loss: mean of -ln of the gold category's probability. A probability of 0, as isotonic
            calibration gives to what it never saw, counts as 1 / (items + 1).
        bins: ten bins, from low to high.
        zeros: items whose gold category has probability 0.
    """

    items: int
    expected_calibration_error: Measure
    brier: Measure
    log_loss: Measure
    bins: tuple[CalibrationBin, ...]
    zeros: int = 0

    @property
    def zeros_note(self) -> str:
        """What log loss makes of gold categories with probability 0; empty without any."""
        if not self.zeros:
            return ""
        return (
            f"the gold category of {counted(self.zeros, 'item')} has probability 0, which counts "
            f"as 1/{self.items + 1:,} in log loss."
        )


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """Accepting items with a score of at least ``threshold``."""

    threshold: float
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class RankingQuality:
    """Whether a score puts right labels before wrong ones.

    Attributes:
        items: items with a gold label and a score.
        wrong: items among them whose label is wrong.
        auroc: probability that a right label has the higher score, counting ties as half; 0.5 is
            chance.
        area_under_risk: mean error rate over all coverages; 0 is perfect; a value equal to the
            error rate is no better than chance.
        curve: error rate against share accepted, from the strictest threshold to accepting all.
    """

    items: int
    wrong: int
    auroc: Measure
    area_under_risk: Measure
    curve: tuple[RiskPoint, ...]


def calibration_quality(probabilities: FloatArray, *, gold: CategoryArray) -> CalibrationQuality:
    """Compare distributions with gold labels.

    Args:
        probabilities: (N, K) distributions; rows of NaN are left out.
        gold: (N,) gold category indices, -1 for items without one.
    """
    if len(probabilities) != len(gold):
        raise ValueError(f"{len(probabilities)} distributions for {len(gold)} gold labels.")
    usable = (gold != GAP) & ~np.any(np.isnan(probabilities), axis=1)
    held, answers = probabilities[usable], gold[usable].astype(np.int64)
    if not len(held):
        nothing = Measure(None, "no item has both a gold label and probabilities")
        return CalibrationQuality(0, nothing, nothing, nothing, ())
    top = held.max(axis=1)
    # Two categories that share the highest probability count as half right each.
    leading = held == top[:, None]
    right = leading[np.arange(len(held)), answers] / leading.sum(axis=1)
    bins = _bins(top, right)
    error = sum(
        entry.items * abs(entry.accuracy - entry.mean_probability)
        for entry in bins
        if entry.accuracy is not None and entry.mean_probability is not None
    ) / len(held)
    at_gold = held[np.arange(len(held)), answers]
    brier = (held**2).sum(axis=1) - 2 * at_gold + 1
    # One item of probability 0 would make the mean infinite, however good all others are.
    smoothed = np.where(at_gold > 0.0, at_gold, 1.0 / (len(held) + 1))
    return CalibrationQuality(
        len(held),
        Measure(float(error)),
        Measure(float(brier.mean())),
        Measure(float(-np.log(smoothed).mean())),
        bins,
        int(np.count_nonzero(at_gold <= 0.0)),
    )


def ranking_quality(scores: FloatArray, *, wrong: NDArray[np.bool_]) -> RankingQuality:
    """Measure how well a score tells right from wrong labels.

    Args:
        scores: (n,) scores of items with gold labels; NaN is left out.
        wrong: bool (n,), whether each item's label is wrong.
    """
    if scores.shape != wrong.shape:
        raise ValueError(f"scores {scores.shape} and wrong {wrong.shape} differ in shape.")
    known = ~np.isnan(scores)
    held, errors = scores[known], wrong[known]
    if not len(held):
        nothing = Measure(None, "no item has a score and a gold label")
        return RankingQuality(0, 0, nothing, nothing, ())
    # Distinct scores, strictest first, with the items and errors accepted at each.
    levels, inverse = np.unique(-held, return_inverse=True)
    at_level = np.bincount(inverse).astype(np.float64)
    errors_at = np.bincount(inverse, weights=errors).astype(np.float64)
    accepted, accepted_errors = at_level.cumsum(), errors_at.cumsum()
    risks = accepted_errors / accepted
    places = np.unique(np.linspace(0, len(levels) - 1, _CURVE_POINTS).round().astype(np.int64))
    curve = tuple(
        RiskPoint(float(-levels[i]), float(accepted[i] / len(held)), float(risks[i]))
        for i in places
    )
    return RankingQuality(
        items=len(held),
        wrong=int(errors.sum()),
        auroc=_auroc(at_level - errors_at, errors_at),
        area_under_risk=Measure(float((risks * at_level).sum() / len(held))),
        curve=curve,
    )


def _auroc(right_at: FloatArray, wrong_at: FloatArray) -> Measure:
    """Compute the AUROC from the right and wrong items at each distinct score, strictest first."""
    right, wrong = float(right_at.sum()), float(wrong_at.sum())
    if wrong == 0:
        return Measure(None, "no label is wrong")
    if right == 0:
        return Measure(None, "no label is right")
    right_above = right_at.cumsum() - right_at
    return Measure(float((wrong_at * (right_above + right_at / 2)).sum() / (right * wrong)))


def _bins(top: FloatArray, right: FloatArray) -> tuple[CalibrationBin, ...]:
    places = np.clip(np.ceil(top * _BINS).astype(np.int64) - 1, 0, _BINS - 1)
    found = []
    for b in range(_BINS):
        inside = places == b
        count = int(np.count_nonzero(inside))
        found.append(
            CalibrationBin(
                low=b / _BINS,
                high=(b + 1) / _BINS,
                items=count,
                mean_probability=float(top[inside].mean()) if count else None,
                accuracy=float(right[inside].mean()) if count else None,
            )
        )
    return tuple(found)
