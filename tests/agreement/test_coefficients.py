"""The coefficients where there is nothing to compute, and where a number would mislead."""

from __future__ import annotations

import numpy as np
import pytest

from localensemble.agreement import (
    AgreementError,
    Analytic,
    Coefficient,
    brennan_prediger,
    cohen_kappa,
    conger_kappa,
    fleiss_kappa,
    gwet_ac1,
    percent_agreement,
    scott_pi,
)
from localensemble.core.label_matrix import LabelMatrix
from tests.agreement.matrices import matrix_of


def assert_undefined(result: Coefficient, reason: str) -> None:
    assert result.value is None
    assert result.standard_error is None
    assert result.interval_low is None
    assert result.interval_high is None
    assert result.p_value is None
    assert reason in result.undefined_because


def test_a_single_category_gives_an_ac1_of_one_and_no_fleiss_kappa() -> None:
    matrix = matrix_of(*["aaa"] * 10, categories=("a", "b"))
    ac1 = gwet_ac1(matrix)
    assert ac1.value == 1.0
    assert ac1.observed_agreement == 1.0
    assert ac1.expected_agreement == 0.0
    fleiss = fleiss_kappa(matrix)
    assert fleiss.observed_agreement == 1.0
    assert_undefined(fleiss, 'only the category "a" occurs')


def test_perfect_agreement_has_an_exact_bound_and_no_standard_error() -> None:
    result = gwet_ac1(matrix_of(*["aaa"] * 10, categories=("a", "b")))
    assert result.standard_error is None
    assert result.p_value is None
    assert result.interval_method == "exact bound"
    # None of ten items disagrees: at most 1 - 0.025^(1/10) of all items do.
    assert result.interval_low == pytest.approx(0.6915028921812392, abs=1e-12)
    assert result.interval_high == 1.0


def test_more_unanimous_items_raise_the_exact_bound() -> None:
    few = fleiss_kappa(matrix_of(*["aaa", "bbb"] * 5))
    many = fleiss_kappa(matrix_of(*["aaa", "bbb"] * 500))
    assert few.value == many.value == 1.0
    assert few.interval_low is not None
    assert many.interval_low is not None
    assert few.interval_low < many.interval_low < 1.0


def test_declared_categories_count_even_when_they_never_occur() -> None:
    rows = ("aab", "bbb", "aaa", "abb")
    two = gwet_ac1(matrix_of(*rows, categories=("a", "b")))
    three = gwet_ac1(matrix_of(*rows, categories=("a", "b", "c")))
    assert two.expected_agreement == pytest.approx(2 * (three.expected_agreement or 0))
    assert fleiss_kappa(matrix_of(*rows, categories=("a", "b"))) == fleiss_kappa(
        matrix_of(*rows, categories=("a", "b", "c"))
    )


@pytest.mark.parametrize(
    "function",
    [percent_agreement, gwet_ac1, fleiss_kappa, brennan_prediger, conger_kappa],
)
@pytest.mark.parametrize(
    "rows", [(), ("a", "b"), ("a-", "-b"), ("--", "--")], ids=["none", "one", "apart", "gaps"]
)
def test_without_two_labels_on_an_item_nothing_is_defined(
    function: object, rows: tuple[str, ...]
) -> None:
    assert callable(function)
    result = function(matrix_of(*rows))
    assert_undefined(result, "no item has labels from two raters")
    assert result.observed_agreement is None
    assert result.items_used == 0
    assert result.items_left_out == len(rows)


def test_one_declared_category_leaves_chance_without_meaning() -> None:
    matrix = matrix_of("aa", "aa", categories=("a",))
    assert percent_agreement(matrix).value == 1.0
    assert_undefined(gwet_ac1(matrix), "1 category is declared")
    assert_undefined(brennan_prediger(matrix), "1 category is declared")
    assert_undefined(fleiss_kappa(matrix), 'only the category "a" occurs')
    assert_undefined(conger_kappa(matrix), 'only the category "a" occurs')


def test_no_category_and_no_rater_are_undefined_too() -> None:
    nothing = LabelMatrix(np.zeros((3, 0), dtype=np.int16), (), ())
    assert_undefined(gwet_ac1(nothing), "no item has labels from two raters")
    assert_undefined(conger_kappa(nothing), "no item has labels from two raters")
    assert gwet_ac1(nothing).items_left_out == 3


@pytest.mark.parametrize("function", [cohen_kappa, scott_pi])
def test_two_rater_coefficients_refuse_three_raters(function: object) -> None:
    assert callable(function)
    assert_undefined(function(matrix_of("aab", "bba")), "3 gave labels")


def test_two_rater_coefficients_use_only_items_both_labeled() -> None:
    both = matrix_of("aa", "ab", "bb", "cc", "ca")
    more = matrix_of("aa", "ab", "bb", "cc", "ca", "a-", "-b", "--")
    for function in (cohen_kappa, scott_pi):
        assert function(more).value == function(both).value
        assert function(more).standard_error == function(both).standard_error
        assert function(more).items_left_out == 3


def test_two_raters_without_gaps_give_one_value_under_both_names() -> None:
    matrix = matrix_of("aa", "ab", "bb", "cc", "ca", "bb")
    assert cohen_kappa(matrix).value == conger_kappa(matrix).value
    assert scott_pi(matrix).value == fleiss_kappa(matrix).value


def test_an_item_with_one_label_counts_in_the_shares_and_is_reported() -> None:
    without = gwet_ac1(matrix_of("aa", "ab", "bb"))
    with_one = gwet_ac1(matrix_of("aa", "ab", "bb", "c-"))
    assert with_one.observed_agreement == without.observed_agreement
    assert with_one.expected_agreement != without.expected_agreement
    assert (with_one.items_used, with_one.items_left_out) == (3, 1)


def test_one_item_has_a_value_and_no_interval() -> None:
    result = gwet_ac1(matrix_of("aab"))
    assert result.value is not None
    assert result.interval_low is None
    assert result.interval_undefined_because == "only one item has labels"


def test_items_that_all_disagree_alike_have_no_analytic_interval() -> None:
    result = brennan_prediger(matrix_of(*["aab"] * 6), interval=Analytic())
    assert result.value == pytest.approx(0.0)
    assert result.standard_error is None
    assert result.p_value is None
    assert "every item contributes the same" in result.interval_undefined_because


def test_percent_agreement_has_no_p_value_and_no_expected_agreement() -> None:
    result = percent_agreement(matrix_of("aa", "ab", "bb"))
    assert result.value == pytest.approx(2 / 3)
    assert result.expected_agreement is None
    assert result.standard_error == pytest.approx(1 / 3)
    assert result.p_value is None


def test_a_confidence_level_of_one_is_refused() -> None:
    with pytest.raises(AgreementError, match=r"confidence_level: 1\.0 is not between 0 and 1"):
        gwet_ac1(matrix_of("aa", "ab"), confidence_level=1.0)


def test_a_higher_confidence_level_gives_a_wider_interval() -> None:
    matrix = matrix_of("aa", "ab", "bb", "cc", "ac", "bb", "aa")
    narrow, wide = gwet_ac1(matrix, confidence_level=0.9), gwet_ac1(matrix, confidence_level=0.99)
    assert (wide.interval_low or 0) < (narrow.interval_low or 0)
    assert wide.confidence_level == 0.99
