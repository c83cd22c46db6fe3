"""Raters that err together are fewer than they seem."""

from __future__ import annotations

import numpy as np
import pytest

from localensemble.agreement import (
    AgreementError,
    error_dependence,
    excess_agreement,
    rater_pairs,
)
from localensemble.core.label_matrix import LabelMatrix
from tests.agreement.matrices import matrix_of


def with_errors(wrong: np.ndarray[tuple[int, int], np.dtype[np.bool_]]) -> LabelMatrix:
    """Gold is category 0 and 1 in turn; an error is the other one."""
    labels = (gold_of(len(wrong))[:, None] + wrong) % 2
    return LabelMatrix(
        labels.astype(np.int16), ("even", "odd"), tuple(f"r{j}" for j in range(wrong.shape[1]))
    )


def gold_of(items: int) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return (np.arange(items) % 2).astype(np.int16)


def test_independent_errors_leave_as_many_raters_as_there_are() -> None:
    wrong = np.random.default_rng(0).random((20000, 4)) < 0.3
    found = error_dependence(with_errors(wrong), gold_of(20000))
    assert found.effective_raters == pytest.approx(4, rel=0.03)
    assert found.raters == 4


def test_equal_errors_leave_one_rater() -> None:
    wrong = np.repeat(np.random.default_rng(0).random((100, 1)) < 0.3, 4, axis=1)
    found = error_dependence(with_errors(wrong), gold_of(100))
    assert found.effective_raters == pytest.approx(1.0)
    assert found.pairs[0].correlation == pytest.approx(1.0)


def test_two_equal_raters_and_one_independent_are_fewer_than_three() -> None:
    wrong = np.random.default_rng(0).random((20000, 3)) < 0.3
    wrong[:, 1] = wrong[:, 0]
    found = error_dependence(with_errors(wrong), gold_of(20000))
    # Mean of the error variances over the variance of the mean error: 9 / (3 + 2).
    assert found.effective_raters == pytest.approx(9 / 5, rel=0.03)


def test_double_fault_counts_items_on_which_both_are_wrong() -> None:
    matrix = matrix_of("bb", "bc", "ab", "aa", "b-", "aa")
    (pair,) = error_dependence(matrix, [0, 0, 0, 0, 0, -1]).pairs
    assert pair.items == 4
    assert pair.rate == 0.5
    assert pair.same_wrong == 0.25
    assert pair.if_independent == pytest.approx(0.5 * 0.75)
    assert pair.correlation == pytest.approx((0.5 - 0.375) / np.sqrt(0.25 * 0.1875))


def test_without_errors_or_gold_there_is_no_effective_number() -> None:
    matrix = matrix_of("aa", "aa")
    nobody = error_dependence(matrix, [0, 0])
    assert nobody.effective_raters is None
    assert "no rater is wrong" in nobody.undefined_because
    assert nobody.pairs[0].correlation is None
    no_gold = error_dependence(matrix, [-1, -1])
    assert "fewer than two raters" in no_gold.undefined_because
    assert no_gold.pairs[0].rate is None
    apart = error_dependence(matrix_of("a-", "-b"), [0, 0])
    assert "in common" in apart.undefined_because


def test_a_crowd_is_not_taken_apart_into_pairs_and_it_is_said() -> None:
    found = error_dependence(with_errors(np.zeros((5, 41), dtype=bool)), gold_of(5))
    assert found.pairs == ()
    assert found.effective_raters is None
    for key_words in ("41 raters", "820 pairs", "at most 40 raters"):
        assert key_words in found.undefined_because


def test_errors_that_cancel_have_no_effective_number() -> None:
    found = error_dependence(matrix_of("ab", "ba"), [0, 0])
    assert found.effective_raters is None
    assert "cancel" in found.undefined_because


@pytest.mark.parametrize(
    "wrong",
    [
        # No item on which two raters err: 4.37 "independent raters" of 3, and more.
        [[k % 10 == j for j in range(3)] for k in range(100)],
        [[k % 5 == j for j in range(4)] for k in range(100)],
        [[k % 3 == 0, k % 3 == 1] for k in range(99)],
    ],
)
def test_no_number_of_raters_exceeds_those_there_are(wrong: list[list[bool]]) -> None:
    cells = np.array(wrong)
    found = error_dependence(with_errors(cells), gold_of(len(cells)))
    assert found.effective_raters == cells.shape[1]


@pytest.mark.parametrize(
    ("errors", "gold"),
    [
        # 62 % of the gold labels are 0; r1 is right on 60 %.
        (40, [0] * 62 + [1] * 38),
        (25, [1] * 80 + [0] * 20),
    ],
)
def test_a_rater_below_the_commonest_category_leaves_no_number(
    errors: int, gold: list[int]
) -> None:
    truth = np.array(gold)
    other = truth.copy()
    other[:errors] = 1 - other[:errors]
    good = truth.copy()
    good[[3, 95]] = 1 - good[[3, 95]]
    absent = np.full(100, -1)
    cells = np.column_stack([absent, good, other]).astype(np.int16)
    found = error_dependence(LabelMatrix(cells, ("a", "b"), ("r2", "r0", "r1")), gold)
    assert found.effective_raters is None
    assert found.undefined_because.startswith('"r1" is right on')


@pytest.mark.parametrize(
    ("gold", "message"), [([0], "1 entries for 2 items"), ([0, 3], "run from 0 to 3")]
)
def test_gold_that_does_not_fit_is_refused(gold: list[int], message: str) -> None:
    with pytest.raises(AgreementError, match=message):
        error_dependence(matrix_of("ab", "aa"), gold)


def test_raters_that_copy_each_other_show_excess_agreement() -> None:
    generator = np.random.default_rng(2)
    cells = generator.integers(0, 3, size=(300, 4))
    cells[:, 1] = cells[:, 0]
    matrix = LabelMatrix(cells.astype(np.int16), ("a", "b", "c"), ("p", "q", "r", "s"))
    found = {(one.first, one.second): one.excess for one in excess_agreement(rater_pairs(matrix))}
    copied = found["p", "q"]
    assert copied is not None
    assert copied > 0.5
    assert all(abs(other or 1) < 0.3 for pair, other in found.items() if pair != ("p", "q"))


def test_two_raters_have_nobody_to_exceed() -> None:
    (found,) = excess_agreement(rater_pairs(matrix_of("ab", "aa")))
    assert found.excess is None
    assert found.undefined_because == "there is no third rater to compare with"


def test_raters_without_common_items_have_no_excess() -> None:
    found = excess_agreement(rater_pairs(matrix_of("aa-", "-bb", "aa-")))
    assert [one.excess for one in found] == [None, None, None]
    assert all("in common" in one.undefined_because for one in found)
