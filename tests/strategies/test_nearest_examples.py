"""Nearest examples: the order is exact, ties go to the earlier id, and copies are recognized."""

from __future__ import annotations

import numpy as np
import pytest

from localensemble.strategies.near_duplicates import are_near_duplicates, words_of
from localensemble.strategies.nearest_examples import choose, choose_balanced, nearest_first


def anything(row: int) -> bool:
    return row >= 0


def test_five_vectors_are_ranked_by_their_cosine_with_a_text() -> None:
    # Angles of 90, 30, 0, 60 and 180 degrees with the text.
    vectors = np.array([[0, 1], [np.sqrt(3) / 2, 1 / 2], [1, 0], [1 / 2, np.sqrt(3) / 2], [-1, 0]])
    ranked = nearest_first(vectors @ np.array([1.0, 0.0]))
    assert ranked.tolist() == [2, 1, 3, 0, 4]
    assert choose(ranked.tolist(), count=2, allowed=anything) == (2, 1)


def test_ties_go_to_the_earlier_row_and_the_last_digits_decide_nothing() -> None:
    cosines = np.array([0.3, 0.5, 0.5 + 1e-9, 0.5 - 1e-9])
    assert nearest_first(cosines).tolist() == [1, 2, 3, 0]


def test_an_example_that_is_not_allowed_gives_its_place_to_the_next() -> None:
    assert choose([4, 2, 0, 1], count=2, allowed=lambda row: row != 4) == (2, 0)
    assert choose([4, 2], count=3, allowed=anything) == (4, 2)


def test_balanced_examples_have_as_many_categories_as_possible_and_stay_in_order() -> None:
    ranked = np.array([0, 1, 2, 3, 4, 5])
    categories = np.array([0, 0, 0, 1, 1, 2], dtype=np.int16)

    def chosen(count: int, without: int = -1) -> tuple[int, ...]:
        return choose_balanced(
            ranked, categories=categories, count=count, allowed=lambda row: row != without
        )

    assert chosen(1) == (0,)
    assert chosen(2) == (0, 3)
    assert chosen(3) == (0, 3, 5)
    assert chosen(4) == (0, 1, 3, 5)
    assert chosen(5) == (0, 1, 3, 4, 5)
    assert chosen(9) == (0, 1, 2, 3, 4, 5)
    assert chosen(3, without=0) == (1, 3, 5)


@pytest.mark.parametrize(
    ("one", "other", "copies"),
    [
        ("My card was declined.", "my   CARD was declined", True),
        ("Waited 3 hours, nobody came.", "nobody came; waited 3 hours!", True),
        ("\uff2dy card was declined", "My card was declined", True),
        # One of ten words differs: nine of eleven are in both.
        (
            "the nurse on ward two was kind and very patient",
            "the nurse on ward six was kind and very patient",
            True,
        ),
        ("My card was declined", "My card was stolen", False),
        ("", "My card was declined", False),
        ("?!", " ?! ", True),
        ("?!", "...", False),
    ],
)
def test_copies_are_recognized_whatever_their_case_and_marks(
    one: str, other: str, copies: bool
) -> None:
    assert are_near_duplicates(words_of(one), words_of(other)) is copies
    assert are_near_duplicates(words_of(other), words_of(one)) is copies
