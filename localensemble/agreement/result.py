"""Define the result of a coefficient of agreement: a value, or None and the reason.

A coefficient that cannot be computed has no number, never NaN, 0 or 1. Nothing is rounded
here; rounding is the renderer's job.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from localensemble.core.errors import InputError

Level = Literal["nominal", "ordinal", "interval", "ratio"]
"""Measurement level of a variable."""

IntervalMethod = Literal["analytic", "small sample", "exact bound", "bootstrap", "jackknife", ""]
"""How an interval was computed; empty when there is none."""


class AgreementError(InputError):
    """Report options that do not match each other or the label matrix."""


class LevelError(AgreementError):
    """Report a measurement level that the categories do not support."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One coefficient of agreement with its interval, or the reason why there is none.

    Attributes:
        name: the coefficient, for example ``AC1``.
        value: 1 is perfect agreement, 0 is what chance would give, below 0 is less than
            chance. None when undefined; then ``undefined_because`` says why.
        observed_agreement: share of agreeing pairs of labels (weighted unless ``weights``
            is ``identity``), averaged over items. May be defined when the value is not.
        expected_agreement: the share expected by chance; None if the coefficient is not
            corrected for chance or the share cannot be computed.
        standard_error: standard error of ``value``, over a random draw of items with the
            raters fixed.
        interval_low: lower end of the interval. Not clipped: it may lie below -1.
        interval_high: upper end of the interval, at most 1.
        confidence_level: confidence level of the interval, for example 0.95.
        p_value: two-sided p-value for the hypothesis that the true value is 0. None if it
            has no meaning or there is no standard error.
        items_used: items with two or more labels; only they can show agreement.
        items_left_out: the other items. Those with one label still count in the category
            shares of the coefficients that say so.
        raters: number of raters that gave at least one label.
        undefined_because: why there is no value; empty when there is one.
        weights: name of the agreement weights; ``identity`` means only equal categories
            agree. For Krippendorff's alpha, its level.
        interval_method: how the interval was computed.
        interval_undefined_because: why a defined value has no interval.
        resamples_undefined: number of bootstrap draws in which the coefficient had no value.
    """

    name: str
    value: float | None
    observed_agreement: float | None
    expected_agreement: float | None
    standard_error: float | None
    interval_low: float | None
    interval_high: float | None
    confidence_level: float
    p_value: float | None
    items_used: int
    items_left_out: int
    raters: int
    undefined_because: str = ""
    weights: str = "identity"
    interval_method: IntervalMethod = ""
    interval_undefined_because: str = ""
    resamples_undefined: int = 0
