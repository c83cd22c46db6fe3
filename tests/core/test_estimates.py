"""The digits of an estimate, and its sign."""

from __future__ import annotations

import pytest

from localensemble.core.estimates import (
    decimals,
    estimate,
    interval,
    number,
    share,
    share_interval,
)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.5, 0.6, 2), (0.3, 0.4, 2), (0.5, 0.5999, 3), (-1.0, 1.0, 2), (None, None, 3)],
)
def test_an_interval_as_wide_as_a_tenth_supports_two_decimals(
    low: float | None, high: float | None, expected: int
) -> None:
    assert decimals(low, high) == expected


def test_an_estimate_and_its_interval_have_the_same_digits() -> None:
    assert (estimate(0.6351, 0.5024, 0.7672), interval(0.5024, 0.7672)) == ("0.64", "0.50 to 0.77")
    assert (estimate(0.9812, 0.9591, 1.0), interval(0.9591, 1.0)) == ("0.981", "0.959 to 1.000")


def test_a_share_loses_its_decimal_under_the_same_rule() -> None:
    assert (share(0.948, 0.856, 0.989), share_interval(0.856, 0.989)) == ("95%", "86% to 99%")
    assert (share(0.948, 0.92, 0.96), share_interval(0.92, 0.96)) == ("94.8%", "92.0% to 96.0%")
    assert share(0.5) == "50.0%"


def test_a_minus_sign_is_one_that_a_spreadsheet_reads() -> None:
    assert float(number(-0.0344)) == -0.034


@pytest.mark.parametrize("value", [-0.0001, 0.0, -0.0])
def test_zero_has_no_sign(value: float) -> None:
    assert number(value) == "0.000"
    assert number(value, digits=2) == "0.00"


def test_an_interval_of_very_few_items_is_cut_visibly_at_the_least_possible_value() -> None:
    assert interval(-6.409, 1.0) == "below -1 to 1.00"
    assert interval(-1.0, 1.0) == "-1.00 to 1.00"


def test_an_undefined_value_is_never_shown_as_a_number() -> None:
    assert (number(None), share(None), estimate(None, None, None)) == ("undefined",) * 3
    assert (interval(None, None), share_interval(None, None)) == ("none", "none")
