"""Compute a coefficient and its interval from an estimator.

Every kind of interval treats the items as a random draw and the raters as fixed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from localensemble.agreement.estimators import Disagreement, Estimator, Floats, chunks, divide
from localensemble.agreement.result import AgreementError, Coefficient
from localensemble.agreement.small_sample import SmallSample, is_small

# A block of draws holds at most this many patterns or sums: 32 MB.
_DRAW_CELLS = 4_000_000
# Rounding leaves standard errors of about 1e-17 when nothing varies.
_NO_SPREAD = 1e-12
# Sums of thirds leave about 1e-16 when the true number is 0; the smallest nonzero expected
# disagreement, one deviating label among N x R, is about 2 / (N x R).
_NO_DISAGREEMENT = 1e-13


@dataclass(frozen=True, slots=True)
class Analytic:
    """Use the published variance formula and Student's t with N - 1 degrees of freedom.

    Agrees with other packages. Its lower limit is too high on few items, so it is not the default
    there.
    """


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """Draw items with replacement and take percentiles.

    Attributes:
        resamples: number of draws; at least 1.
        seed: seed of the generator; the same seed gives the same interval.

    Raises:
        AgreementError: resamples is below 1.
    """

    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resamples < 1:
            raise AgreementError(
                f"resamples: {self.resamples} is below 1.", hint="Use 1000, for example."
            )


@dataclass(frozen=True, slots=True)
class Jackknife:
    """Leave each item out once and use Student's t with N - 1 degrees of freedom."""


Interval = Analytic | Bootstrap | Jackknife


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a coefficient before it is computed.

    Attributes:
        items_differing: items on which at least two labels differ.
        corrected: whether the coefficient is corrected for chance.
        undefined_because: why it cannot be computed; empty if it can.
        chance_is_total_because: the reason to report when expected disagreement is 0.
    """

    name: str
    weights: str
    item_count: int
    items_differing: int
    raters: int
    confidence_level: float
    corrected: bool = True
    undefined_because: str = ""
    chance_is_total_because: str = ""


def estimate(estimator: Estimator, facts: Facts, interval: Interval | None) -> Coefficient:
    """Compute the value and its interval, or the reason why there is none.

    Args:
        estimator: turns items into sums, and sums into agreement.
        facts: what is known about the coefficient.
        interval: how to compute the interval; None chooses one that holds for so many items:
            the small-sample one or, with enough items, the analytic one.

    Raises:
        AgreementError: the confidence level is not between 0 and 1.
    """
    if not 0.0 < facts.confidence_level < 1.0:
        raise AgreementError(
            f"confidence_level: {facts.confidence_level!r} is not between 0 and 1.",
            hint="Use a share such as 0.95.",
        )
    used = estimator.items_used
    empty = Coefficient(
        name=facts.name,
        value=None,
        observed_agreement=None,
        expected_agreement=None,
        standard_error=None,
        interval_low=None,
        interval_high=None,
        confidence_level=facts.confidence_level,
        p_value=None,
        items_used=used,
        items_left_out=facts.item_count - used,
        raters=facts.raters,
        weights=facts.weights,
    )
    if used == 0:
        return replace(empty, undefined_because="no item has labels from two raters")
    if facts.undefined_because:
        return replace(empty, undefined_because=facts.undefined_because)
    parts = estimator.disagreement(_totals(estimator))
    observed, expected = float(parts.observed[0]), float(parts.expected[0])
    known = replace(
        empty,
        observed_agreement=1.0 - observed,
        expected_agreement=1.0 - expected if facts.corrected else None,
    )
    if expected <= _NO_DISAGREEMENT:
        return replace(known, undefined_because=facts.chance_is_total_because)
    value = 1.0 - observed / expected
    defined = replace(known, value=value)
    if observed == 0.0:
        return _unanimous(defined, worst_weight=estimator.heaviest_item / expected)
    if observed >= 1.0 - _NO_SPREAD and used > 1:
        return _all_disagree(defined, worst_weight=1.0 / expected)
    if isinstance(interval, Bootstrap):
        return _bootstrap(estimator, defined, interval)
    if isinstance(interval, Jackknife):
        return _jackknife(estimator, defined, value, corrected=facts.corrected)
    analytic = _analytic(estimator, defined, value, parts=parts, corrected=facts.corrected)
    no_spread = analytic.standard_error is None
    small = is_small(items=used, differing=facts.items_differing)
    if isinstance(interval, Analytic) or used < 2 or not (small or no_spread):
        return analytic
    return _small_sample(estimator, analytic, parts=parts)


def _unanimous(defined: Coefficient, *, worst_weight: float) -> Coefficient:
    """Bound perfect agreement from below.

    No item varies, so every formula gives a standard error of 0, which says nothing about
    unseen items. After no disagreement on n items, the share of items with disagreement has
    the exact binomial upper bound 1 - (alpha / 2)^(1 / n). No item can lower the observed
    agreement by more than its weight; expected agreement is kept as computed.
    """
    tail = (1.0 - defined.confidence_level) / 2.0
    worst = 1.0 - tail ** (1.0 / defined.items_used)
    return replace(
        defined,
        interval_low=1.0 - worst * worst_weight,
        interval_high=1.0,
        interval_method="exact bound",
    )


def _all_disagree(defined: Coefficient, *, worst_weight: float) -> Coefficient:
    """Bound complete disagreement from above, as `_unanimous` bounds agreement from below."""
    tail = (1.0 - defined.confidence_level) / 2.0
    least = tail ** (1.0 / defined.items_used)
    return replace(
        defined,
        interval_low=1.0 - worst_weight,
        interval_high=1.0 - least * worst_weight,
        interval_method="exact bound",
    )


def _small_sample(
    estimator: Estimator, analytic: Coefficient, *, parts: Disagreement
) -> Coefficient:
    """Replace the limits of an analytic interval; keep its standard error and p-value."""
    # An item that weighs twice as much as the mean item counts as two: fewer items were seen.
    sample = SmallSample(
        analytic.items_used / estimator.heaviest_item,
        float(parts.observed[0]),
        float(parts.expected[0]),
        analytic.standard_error or 0.0,
    )
    tail = (1.0 - analytic.confidence_level) / 2.0
    return replace(
        analytic,
        interval_low=sample.low(tail),
        interval_high=sample.high(tail),
        interval_method="small sample",
        interval_undefined_because="",
    )


def _analytic(
    estimator: Estimator,
    defined: Coefficient,
    value: float,
    *,
    parts: Disagreement,
    corrected: bool,
) -> Coefficient:
    items = int(estimator.multiplicity.sum())
    if items < 2:
        return replace(defined, interval_undefined_because="only one item has labels")
    influence = estimator.influence(parts)
    squares = float(estimator.multiplicity @ influence**2)
    error = float(np.sqrt(squares / (items * (items - 1))))
    method = replace(defined, interval_method="analytic")
    return _student(method, value, error=error, items=items, corrected=corrected)


def _student(
    defined: Coefficient, value: float, *, error: float, items: int, corrected: bool
) -> Coefficient:
    from scipy import special

    if error < _NO_SPREAD:
        return replace(
            defined,
            interval_method="",
            interval_undefined_because="every item contributes the same, so there is no spread "
            "to estimate",
        )
    reach = error * float(special.stdtrit(items - 1, (1.0 + defined.confidence_level) / 2.0))
    p_value = 2.0 * float(special.stdtr(items - 1, -abs(value) / error)) if corrected else None
    return replace(
        defined,
        standard_error=error,
        # A share cannot be below 0; a coefficient corrected for chance has no such bound.
        interval_low=value - reach if corrected else max(0.0, value - reach),
        interval_high=min(1.0, value + reach),
        p_value=p_value,
    )


def _jackknife(
    estimator: Estimator, defined: Coefficient, value: float, *, corrected: bool
) -> Coefficient:
    multiplicity = estimator.multiplicity
    items = int(multiplicity.sum())
    if items < 2:
        return replace(defined, interval_undefined_because="only one item has labels")
    totals = _totals(estimator)
    without = np.concatenate(
        [
            _values(estimator, totals - estimator.statistics(start, stop))
            for start, stop in chunks(estimator)
        ]
    )
    if np.isnan(without).any():
        return replace(
            defined,
            interval_undefined_because="the coefficient is undefined when one of the items is "
            "left out",
        )
    mean = float(multiplicity @ without) / items
    squares = float(multiplicity @ (without - mean) ** 2)
    error = float(np.sqrt(squares * (items - 1) / items))
    method = replace(defined, interval_method="jackknife")
    return _student(method, value, error=error, items=items, corrected=corrected)


def _bootstrap(estimator: Estimator, defined: Coefficient, how: Bootstrap) -> Coefficient:
    if int(estimator.multiplicity.sum()) < 2:
        return replace(defined, interval_undefined_because="only one item has labels")
    values = _drawn_values(estimator, how)
    there = values[~np.isnan(values)]
    known = replace(defined, resamples_undefined=int(values.size - there.size))
    if there.size < 2:
        return replace(
            known, interval_undefined_because="fewer than two bootstrap draws have a value"
        )
    error = float(there.std(ddof=1))
    if error < _NO_SPREAD:
        return replace(
            known,
            interval_undefined_because="every bootstrap draw gives the same value, so there is "
            "no spread to estimate",
        )
    tail = (1.0 - defined.confidence_level) / 2.0
    low, high = np.quantile(there, [tail, 1.0 - tail])
    return replace(
        known,
        standard_error=error,
        interval_low=float(low),
        interval_high=float(high),
        interval_method="bootstrap",
    )


def _drawn_values(estimator: Estimator, how: Bootstrap) -> Floats:
    """Return the value of each draw, NaN where it is undefined."""
    kept = estimator.kept
    width = estimator.statistics(0, 0).shape[1]
    size = max(1, _DRAW_CELLS // max(len(kept), width))
    return np.concatenate(
        [
            _values(
                estimator,
                estimator.totals((draws if kept.all() else draws[:, kept]).astype(np.float64)),
            )
            for draws in estimator.draws.blocks(resamples=how.resamples, seed=how.seed, size=size)
        ]
    )


def _totals(estimator: Estimator) -> Floats:
    """Return the (1, D) sums over all items."""
    return estimator.totals(estimator.multiplicity[None, :].astype(np.float64))


def _values(estimator: Estimator, totals: Floats) -> Floats:
    parts = estimator.disagreement(totals)
    expected = np.where(parts.expected <= _NO_DISAGREEMENT, 0.0, parts.expected)
    return np.asarray(1.0 - divide(parts.observed, expected))
