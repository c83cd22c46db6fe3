"""Prevalence and bias: the paradox is explained where it occurs, and only there."""

from __future__ import annotations

import pytest

from localensemble.agreement import prevalence
from tests.agreement.matrices import matrix_of

SKEWED = matrix_of(*["aaa"] * 18, "aab", "bba", categories=("a", "b"))


def test_the_kappa_paradox_is_explained_with_its_numbers() -> None:
    found = prevalence(SKEWED)
    assert found.paradox
    assert found.largest_category == "a"
    assert found.shares == pytest.approx((0.95, 0.05))
    for number in ("93.3%", "0.30", "95.0%", "90.5%", "0.93"):
        assert number in found.explanation


def test_balanced_labels_need_no_explanation() -> None:
    found = prevalence(matrix_of("aaa", "bbb", "ccc", "aab", "bbc", "cca"))
    assert not found.paradox
    assert found.explanation == ""


def test_a_single_category_is_a_paradox_of_its_own() -> None:
    found = prevalence(matrix_of("aa", "aa"))
    assert found.paradox
    assert 'Every label is "a"' in found.explanation
    assert found.bias == 0.0
    assert found.bias_raters is None


def test_bias_names_the_raters_and_the_category() -> None:
    found = prevalence(matrix_of("ab", "ab", "aa", "bb", categories=("a", "b")))
    assert found.bias == pytest.approx(0.5)
    assert found.bias_category == "a"
    assert found.bias_raters == ("rater-0", "rater-1")


def test_raters_who_use_categories_at_other_rates_are_explained() -> None:
    found = prevalence(matrix_of(*["ab"] * 9, "aa", categories=("a", "b")))
    assert not found.paradox
    assert "raters use the categories at different rates" in found.explanation


def test_one_rater_has_no_bias() -> None:
    found = prevalence(matrix_of("a-", "b-"))
    assert found.bias is None
    assert found.explanation == ""


def test_no_label_has_no_prevalence() -> None:
    found = prevalence(matrix_of("--"))
    assert found.shares == ()
    assert found.largest_category is None


def test_anonymous_raters_have_no_bias() -> None:
    biased = matrix_of("ab", "ab", "aa", "bb", categories=("a", "b"))
    found = prevalence(biased, anonymous=True)
    assert (found.bias, found.bias_category, found.bias_raters) == (None, None, None)
    assert found.shares == prevalence(biased).shares
    # Conger's kappa is above Fleiss' here, but it depends on who gave which label.
    apart = matrix_of(*["ab"] * 9, "aa", "bb", categories=("a", "b"))
    assert "rates" in prevalence(apart).explanation
    assert prevalence(apart, anonymous=True).explanation == ""


@pytest.mark.parametrize(
    ("declared", "rows"),
    [
        # Two even categories of twelve: AC1 expects 4.5 %, Fleiss' kappa 50 %.
        ("abcdefghijkl", ["aa", "bb", "ab", "aa", "bb", "bb", "ab", "aa"] * 3),
        ("abcdefghijkl", ["aa", "bb", "cc", "ab", "bc", "ca"] * 4),
    ],
)
def test_categories_that_never_occur_are_another_cause(declared: str, rows: list[str]) -> None:
    found = prevalence(matrix_of(*rows, categories=tuple(declared)))
    without = prevalence(matrix_of(*rows, categories=tuple(sorted(set("".join(rows))))))
    assert not found.paradox
    assert "declared categories never occur" in found.explanation
    assert without.explanation == ""


@pytest.mark.parametrize(
    "rows",
    [
        # One rater says "a" nearly always, the other half of the time.
        ["aa"] * 10 + ["ab"] * 9 + ["bb"],
        ["aaa"] * 15 + ["aab"] * 12 + ["aac"] * 3,
    ],
)
def test_raters_at_other_rates_are_another_cause(rows: list[str]) -> None:
    found = prevalence(matrix_of(*rows))
    assert not found.paradox
    assert "categories at different rates" in found.explanation
    assert "by chance alone" not in found.explanation


def test_uneven_categories_without_high_agreement_are_no_paradox() -> None:
    rows = ["aab", "aba", "baa"] * 8 + ["aaa"] * 10
    found = prevalence(matrix_of(*rows, categories=("a", "b")))
    assert not found.paradox
    assert "not equally frequent" in found.explanation


@pytest.mark.parametrize(
    ("rows", "warns"),
    [
        (["aaa"] * 55 + ["bbb"] * 3 + ["aab"] * 2, True),
        (["aa"] * 190 + ["ab"] * 10, True),
        (["aa"] * 20 + ["bb"] * 2, True),
        (["aa"] * 80 + ["bb"] * 20, False),
        (["aa"] * 6 + ["bb"] * 6, False),
        (["aa"] * 30, False),
    ],
)
def test_too_few_items_outside_the_commonest_category_bring_a_warning(
    rows: list[str], warns: bool
) -> None:
    warning = prevalence(matrix_of(*rows)).rare_warning
    assert bool(warning) == warns
    if warns:
        assert f"of {len(rows)} items" in warning
        assert "kappas and of alpha" in warning
