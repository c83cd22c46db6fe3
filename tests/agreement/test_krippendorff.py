"""Krippendorff's alpha: levels, values, and where there is nothing to agree about."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from localensemble.agreement import (
    LEVELS,
    Jackknife,
    Level,
    LevelError,
    brennan_prediger,
    krippendorff_alpha,
)
from tests.agreement.matrices import matrix_of, random_matrix

VALUES = [1.0, 2.0, 5.0]


@pytest.mark.parametrize("level", ["interval", "ratio"])
def test_interval_and_ratio_need_values(level: Level) -> None:
    with pytest.raises(LevelError, match="needs a number for each category"):
        krippendorff_alpha(matrix_of("ab", "bb"), level=level)


def test_an_unknown_level_is_refused_with_the_known_ones() -> None:
    level: Any = "binary"
    with pytest.raises(LevelError, match=r"unknown level .*'binary'") as caught:
        krippendorff_alpha(matrix_of("ab", "bb"), level=level)
    assert "nominal, ordinal, interval, ratio" in caught.value.hint


@pytest.mark.parametrize("level", LEVELS)
def test_one_category_leaves_nothing_to_agree_about(level: Level) -> None:
    result = krippendorff_alpha(matrix_of("aa", "aa", "b-"), level=level, values=VALUES)
    assert result.value is None
    assert result.undefined_because.startswith('only the category "a" occurs on the items used')


@pytest.mark.parametrize("level", LEVELS)
def test_one_declared_category_leaves_nothing_to_agree_about(level: Level) -> None:
    result = krippendorff_alpha(matrix_of("aa", categories=("a",)), level=level, values=[1.0])
    assert result.value is None
    assert result.items_used == 1


def test_an_item_with_one_label_is_left_out_altogether() -> None:
    rows = ("ab", "bb", "cc", "ca")
    alone = krippendorff_alpha(matrix_of(*rows), level="ordinal")
    more = krippendorff_alpha(matrix_of(*rows, "a-", "-c"), level="ordinal")
    assert more.value == alone.value
    assert more.standard_error == alone.standard_error
    assert more.items_left_out == 2


@pytest.mark.parametrize("level", LEVELS)
def test_two_categories_give_one_value_at_every_level(level: Level) -> None:
    matrix = random_matrix(8, category_count=2)
    nominal = krippendorff_alpha(matrix, level="nominal")
    other = krippendorff_alpha(matrix, level=level, values=[1.0, 4.0])
    assert other.value == pytest.approx(nominal.value, abs=1e-12)
    assert other.standard_error == pytest.approx(nominal.standard_error, rel=1e-9)
    assert other.weights == level


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_the_standard_error_follows_the_jackknife(level: Level, gaps: float) -> None:
    matrix = random_matrix(21, items=500, category_count=3, gaps=gaps)
    analytic = krippendorff_alpha(matrix, level=level, values=VALUES)
    left_out = krippendorff_alpha(matrix, level=level, values=VALUES, interval=Jackknife())
    assert analytic.standard_error == pytest.approx(left_out.standard_error, rel=0.01)


def test_perfect_agreement_of_unequal_items_has_a_lower_bound() -> None:
    even = krippendorff_alpha(matrix_of("aa--", "bb--"), level="nominal")
    uneven = krippendorff_alpha(matrix_of("aaaa", "bb--"), level="nominal")
    assert even.value == uneven.value == 1.0
    assert even.interval_low is not None
    assert uneven.interval_low is not None
    assert uneven.interval_low < even.interval_low


def test_the_scale_of_the_values_does_not_matter() -> None:
    matrix = random_matrix(4, category_count=3)
    one = krippendorff_alpha(matrix, level="interval", values=VALUES)
    other = krippendorff_alpha(matrix, level="interval", values=[10 * v + 3 for v in VALUES])
    assert one.value == pytest.approx(other.value, abs=1e-12)
    assert one.observed_agreement == pytest.approx(other.observed_agreement, abs=1e-12)


def test_alpha_tends_to_the_coefficient_without_small_sample_correction() -> None:
    # Balanced shares: expected agreement is that of equally likely categories.
    rows = ["aa", "bb", "cc", "ab", "bc", "ca"] * 500
    alpha = krippendorff_alpha(matrix_of(*rows), level="nominal").value
    uniform = brennan_prediger(matrix_of(*rows)).value
    assert alpha == pytest.approx(uniform, abs=1e-3)
    assert not np.isclose(alpha or 0, uniform or 0, atol=1e-9)
