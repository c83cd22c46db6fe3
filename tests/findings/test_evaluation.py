"""Labels against gold labels."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from localensemble.core.label_matrix import LabelMatrix
from localensemble.findings.evaluation import (
    compare_accuracy,
    evaluate_groups,
    evaluate_labels,
    shared_errors,
)

NAMES = ("a", "b", "c")


def indices(letters: str) -> NDArray[np.int16]:
    return np.array([-1 if letter == "-" else NAMES.index(letter) for letter in letters], np.int16)


def test_accuracy_counts_items_with_both_labels_and_says_how_many_have_none() -> None:
    found = evaluate_labels(indices("aabbc-ab"), gold=indices("aabbbb-c"), categories=NAMES)
    assert (found.items, found.correct, found.unlabeled) == (6, 4, 1)
    assert found.accuracy.value == pytest.approx(4 / 6)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(0.22278, abs=1e-5)
    assert found.interval.high == pytest.approx(0.95673, abs=1e-5)
    assert found.confusion.tolist() == [[2, 0, 0, 0], [0, 2, 1, 1], [0, 1, 0, 0]]


def test_precision_recall_and_f1_per_category() -> None:
    found = evaluate_labels(indices("aabbcb"), gold=indices("aabbbc"), categories=NAMES)
    a, b, c = found.categories
    assert (a.precision.value, a.recall.value, a.f1.value) == (1, 1, 1)
    assert (b.precision.value, b.recall.value, b.f1.value) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert (c.precision.value, c.recall.value, c.f1.value) == (0, 0, 0)
    assert found.macro_f1.value == pytest.approx((1 + 2 / 3) / 3)
    assert found.weighted_f1.value == pytest.approx((2 * 1 + 3 * 2 / 3) / 6)


def test_categories_that_do_not_occur_are_undefined_and_not_zero() -> None:
    found = evaluate_labels(indices("aab"), gold=indices("aaa"), categories=NAMES)
    _, b, c = found.categories
    assert b.precision.value == 0
    assert b.recall.value is None
    assert b.recall.undefined_because == "no item has this gold label"
    assert c.precision.undefined_because == "no item has this label"
    assert c.f1.undefined_because == "no item has this label or gold label"
    assert found.macro_f1.value == pytest.approx((0.8 + 0) / 2)


def test_nothing_to_compare_is_undefined_in_words() -> None:
    found = evaluate_labels(indices("-a"), gold=indices("a-"), categories=NAMES, ordered=True)
    assert found.accuracy.undefined_because == "no item has both a label and a gold label"
    assert found.interval is None
    assert found.macro_f1.undefined_because == "no category occurs"
    assert found.weighted_f1.value is None
    assert found.ordinal is not None
    assert found.ordinal.mean_distance.value is None
    assert found.unlabeled == 1


def test_ordinal_errors_count_steps() -> None:
    found = evaluate_labels(indices("abcc"), gold=indices("abba"), categories=NAMES, ordered=True)
    assert found.ordinal is not None
    assert found.ordinal.mean_distance.value == pytest.approx(3 / 4)
    assert found.ordinal.mean_shift.value == pytest.approx(3 / 4)
    assert found.ordinal.within_one.value == pytest.approx(3 / 4)
    assert evaluate_labels(indices("a"), gold=indices("a"), categories=NAMES).ordinal is None


def test_groups_are_evaluated_apart_in_name_order() -> None:
    found = evaluate_groups(
        indices("abca"), gold=indices("abaa"), groups=["de", "en", "en", "de"], categories=NAMES
    )
    assert [(name, entry.correct, entry.items) for name, entry in found] == [
        ("de", 2, 2),
        ("en", 1, 2),
    ]
    with pytest.raises(ValueError, match="3 groups for 4 items"):
        evaluate_groups(indices("abca"), gold=indices("abaa"), groups=["x"] * 3, categories=NAMES)


def test_mcnemar_is_the_exact_binomial_test_of_the_items_that_differ() -> None:
    gold = indices("a" * 20)
    first = indices("a" * 18 + "bb")
    second = indices("a" * 10 + "b" * 9 + "-")
    found = compare_accuracy(first, second=second, gold=gold)
    assert (found.items, found.only_first, found.only_second) == (19, 8, 0)
    assert found.p_value.value == pytest.approx(2 * 0.5**8)
    reverse = compare_accuracy(second, second=first, gold=gold)
    assert (reverse.only_first, reverse.only_second) == (0, 8)
    assert reverse.p_value == found.p_value


def test_mcnemar_is_never_above_one_and_undefined_without_differences() -> None:
    gold = indices("aaaa")
    even = compare_accuracy(indices("abaa"), second=indices("baaa"), gold=gold)
    assert even.p_value.value == 1
    same = compare_accuracy(indices("abaa"), second=indices("acaa"), gold=gold)
    assert same.p_value.undefined_because == "both are right and wrong on the same items"


def test_shared_errors_are_those_no_disagreement_reveals() -> None:
    labels = LabelMatrix(
        np.array([[0, 0], [1, 1], [1, 2], [0, 1], [1, -1], [0, 0]], dtype=np.int16),
        NAMES,
        ("x", "y"),
    )
    found = shared_errors(labels, gold=indices("aaaaa-"))
    assert (found.items, found.all_wrong, found.same_wrong) == (4, 2, 1)
    assert found.expected_all_wrong == pytest.approx(4 * 0.5 * 0.75)
    nothing = shared_errors(labels, gold=indices("------"))
    assert (nothing.items, nothing.all_wrong, nothing.expected_all_wrong) == (0, 0, 0)


def test_arrays_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 labels for 1 gold labels"):
        evaluate_labels(indices("ab"), gold=indices("a"), categories=NAMES)
