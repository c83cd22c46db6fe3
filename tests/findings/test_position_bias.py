"""What the order of the categories changes: agreement with itself, and places that are favored."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from localensemble.codebook.model import Category, Variable
from localensemble.findings.position_bias import (
    PlaceShare,
    intra_rater_agreement,
    position_bias,
)
from localensemble.study.order_changes import OrderChanges


def variable(count: int = 3) -> Variable:
    categories = tuple(Category(f"c{n}", "") for n in range(count))
    return Variable("topic", "nominal", "Which?", categories)


def bias_of(
    answers: Mapping[tuple[int, ...], int], count: int = 3
) -> tuple[PlaceShare, PlaceShare]:
    total = sum(answers.values())
    found = position_bias(OrderChanges(total, 0, answers), variable=variable(count))
    assert found is not None
    assert found.first is not None
    assert found.last is not None
    return found.first, found.last


def test_agreement_with_itself_is_the_published_ac1_of_skewed_labels() -> None:
    # 20 items, three raters, 18 x (0,0,0), (0,0,1), (1,1,0).
    found = intra_rater_agreement({(0, 0, 0): 18, (0, 0, 1): 1, (1, 1, 0): 1}, categories="ab")
    assert found.name == "AC1"
    assert found.value == pytest.approx(0.92634, abs=5e-6)
    assert found.expected_agreement == pytest.approx(0.095)
    assert found.standard_error == pytest.approx(0.05577, abs=5e-6)
    assert found.interval_low is not None
    assert found.interval_low < 0.8


@pytest.mark.parametrize(
    ("answers", "categories", "value"),
    [
        # pa .8; shares .6, .4 and 0; pe (.24 + .24) / 2.
        ({(0, 0): 5, (1, 1): 3, (0, 1): 2}, "abc", 0.56 / 0.76),
        # The tie leaves nine items to compare, but its label counts: pa 8/9; shares .55 and .45.
        ({(0, 0): 4, (0, -1): 1, (0, 1): 1, (1, 1): 4}, "ab", (8 / 9 - 0.495) / 0.505),
    ],
)
def test_agreement_with_itself_is_ac1_by_hand(
    answers: Mapping[tuple[int, ...], int], categories: str, value: float
) -> None:
    found = intra_rater_agreement(answers, categories=categories)
    assert found.value == pytest.approx(value)


def test_a_rater_that_always_takes_the_first_place_is_measured() -> None:
    # The orders are 0 1 2, 2 1 0 and 1 2 0.
    first, last = bias_of({(0, 2, 1): 10})
    assert (first.chosen, first.expected) == pytest.approx((1.0, 1 / 3))
    assert (last.chosen, last.expected) == pytest.approx((0.0, 1 / 3))


def test_a_rater_that_keeps_its_answer_favors_no_place() -> None:
    first, last = bias_of({(0, 0, 0): 6, (2, 2, 2): 3, (1, 1, 1): 1})
    assert (first.chosen, first.expected) == pytest.approx((1 / 3, 1 / 3))
    # Category 0 stands last in two of three orders.
    assert (last.chosen, last.expected) == pytest.approx(((0.3 + 0.6 + 0.6) / 3,) * 2)


def test_a_rater_that_prefers_the_last_place_is_told_from_one_that_prefers_a_category() -> None:
    first, last = bias_of({(1, 0): 5, (1, 1): 5}, count=2)
    assert (last.chosen, last.expected) == pytest.approx((0.75, 0.5))
    assert (first.chosen, first.expected) == pytest.approx((0.25, 0.5))


def test_records_of_earlier_versions_have_no_agreement_with_itself() -> None:
    found = position_bias(OrderChanges(10, 4), variable=variable())
    assert found is not None
    assert (found.share, found.orders, found.intra_rater, found.first) == (0.4, 0, None, None)
    assert position_bias(None, variable=variable()) is None


def test_an_order_with_nothing_but_ties_favors_no_place() -> None:
    found = position_bias(OrderChanges(4, 0, {(0, -1, 1): 4}), variable=variable())
    assert found is not None
    assert found.first is None
    assert found.intra_rater is not None
