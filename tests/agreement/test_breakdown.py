"""Where agreement comes from: categories, items, raters, pairs, and who drags it down."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from localensemble.agreement import (
    category_agreement,
    cohen_kappa,
    conger_kappa,
    gwet_ac1,
    item_agreement,
    leave_one_rater_out,
    rater_pairs,
    rater_profiles,
)
from localensemble.core.label_matrix import LabelMatrix
from tests.agreement.matrices import matrix_of, random_matrix


def test_specific_agreement_is_the_chance_that_a_second_rater_says_the_same() -> None:
    matrix = random_matrix(9)
    pairs = [
        (int(one), int(other))
        for row in matrix.indices
        for one, other in permutations([k for k in row if k >= 0], 2)
    ]
    # Every ordered pair of an item counts once, as in Fleiss (1971) and Uebersax.
    for k, found in enumerate(category_agreement(matrix)):
        of_category = [other for one, other in pairs if one == k]
        assert found.specific_agreement.value == pytest.approx(
            of_category.count(k) / len(of_category)
        )
        assert found.labels == int((matrix.indices == k).sum())


def test_specific_agreement_of_two_raters_is_the_published_ratio() -> None:
    # 40 both positive, 50 both negative, 10 split: 2a / (2a + b + c), 2d / (2d + b + c).
    matrix = matrix_of(*["aa"] * 40, *["bb"] * 50, *["ab"] * 4, *["ba"] * 6, categories="ab")
    positive, negative = category_agreement(matrix)
    assert positive.specific_agreement.value == pytest.approx(80 / 90)
    assert negative.specific_agreement.value == pytest.approx(100 / 110)
    assert positive.share == pytest.approx(0.45)
    assert positive.specific_agreement.interval_low is not None
    assert 0 < positive.specific_agreement.interval_low < 80 / 90


def test_kappa_against_the_rest_treats_all_other_categories_as_one() -> None:
    matrix = random_matrix(12, category_count=3)
    merged = LabelMatrix(
        np.where(matrix.indices > 1, 1, matrix.indices).astype(np.int16),
        ("c0", "rest"),
        matrix.raters,
    )
    first = category_agreement(matrix)[0].against_rest
    assert first.value == pytest.approx(category_agreement(merged)[0].against_rest.value)
    assert first.value == pytest.approx(category_agreement(merged)[1].against_rest.value)


def test_a_category_that_never_occurs_is_undefined_in_words() -> None:
    found = category_agreement(matrix_of("aa", "ab"))[2]
    assert found.labels == 0
    assert found.share == 0.0
    assert found.specific_agreement.value is None
    assert 'has the category "c"' in found.specific_agreement.undefined_because
    assert found.against_rest.value is None


def test_without_any_label_a_category_has_no_share() -> None:
    found = category_agreement(matrix_of("--"))[0]
    assert found.share is None
    assert found.specific_agreement.value is None


def test_perfect_specific_agreement_has_no_standard_error() -> None:
    found = category_agreement(matrix_of("aa", "aa", "bb"))[0].specific_agreement
    assert found.value == 1.0
    assert found.interval_low is None
    assert "every item contributes the same" in found.interval_undefined_because


def test_item_agreement_leaves_out_items_with_fewer_than_two_labels() -> None:
    found = item_agreement(matrix_of("aab", "a--", "bbb", "---", "abc"))
    assert found.items.tolist() == [0, 2, 4]
    np.testing.assert_allclose(found.agreement, [1 / 3, 1.0, 0.0])
    assert found.labels.tolist() == [3, 3, 3]


def test_item_agreement_gives_near_categories_partial_credit() -> None:
    found = item_agreement(matrix_of("ab", "ac"), weights="linear")
    np.testing.assert_allclose(found.agreement, [0.5, 0.0])


def test_item_agreement_averages_to_observed_agreement() -> None:
    matrix = random_matrix(33, items=80)
    assert item_agreement(matrix).agreement.mean() == pytest.approx(
        gwet_ac1(matrix).observed_agreement
    )


def test_item_agreement_of_no_items_is_empty() -> None:
    found = item_agreement(LabelMatrix(np.zeros((0, 2), np.int16), ("a",), ("x", "y")))
    assert found.items.size == 0


def test_rater_profiles_count_labels_and_gaps() -> None:
    first, second = rater_profiles(matrix_of("a-", "ab", "cb"))
    assert (first.labels, first.gaps, first.category_labels) == (3, 0, (2, 0, 1))
    assert (second.labels, second.gaps, second.category_labels) == (2, 1, (0, 2, 0))


def test_pairs_use_the_items_both_labeled() -> None:
    matrix = random_matrix(14, raters=3, gaps=0.4)
    for pair in rater_pairs(matrix):
        g, h = matrix.raters.index(pair.first), matrix.raters.index(pair.second)
        columns = matrix.indices[:, [g, h]]
        both = columns[(columns >= 0).all(axis=1)]
        alone = LabelMatrix(both, matrix.categories, (pair.first, pair.second))
        for found, expected in ((pair.cohen, cohen_kappa(alone)), (pair.ac1, gwet_ac1(alone))):
            assert found.value == pytest.approx(expected.value, abs=1e-12)
            assert found.standard_error == pytest.approx(expected.standard_error, abs=1e-12)
        assert pair.percent.items_used == len(both)


def test_a_pair_without_common_items_is_undefined() -> None:
    (pair,) = rater_pairs(matrix_of("a-", "-b"))
    assert pair.percent.value is None
    assert pair.cohen.value is None


def test_leaving_out_the_rater_who_guesses_raises_agreement_most() -> None:
    matrix = random_matrix(5, items=200, raters=4, gaps=0.1, copied=0.9)
    indices = matrix.indices.copy()
    indices[:, 2] = np.random.default_rng(1).integers(0, 4, size=200)
    found = leave_one_rater_out(LabelMatrix(indices, matrix.categories, matrix.raters))
    changes = [influence.change or 0.0 for influence in found]
    assert found[2].rater == "rater-2"
    assert changes[2] == max(changes) > 0.1
    assert all(change < 0 for j, change in enumerate(changes) if j != 2)


def test_leaving_one_out_equals_computing_without_that_column() -> None:
    matrix = random_matrix(6)
    for j, found in enumerate(leave_one_rater_out(matrix, compute=conger_kappa)):
        rest = [g for g in range(4) if g != j]
        alone = LabelMatrix(
            matrix.indices[:, rest], matrix.categories, tuple(matrix.raters[g] for g in rest)
        )
        assert found.without.value == pytest.approx(conger_kappa(alone).value)


def test_leaving_out_one_of_two_raters_leaves_nothing_to_compare() -> None:
    found = leave_one_rater_out(matrix_of("ab", "aa"))
    assert [influence.change for influence in found] == [None, None]
    assert found[0].without.undefined_because
