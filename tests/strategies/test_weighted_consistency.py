"""Weighted consistency: what agrees with the others is chosen, whatever the order of raters."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray

from localensemble.strategies.weighted_consistency import (
    NO_ANSWER,
    WeightedConsistency,
    weigh_by_consistency,
    word_f1,
)


def item(*pairs: float) -> list[list[float]]:
    """Make the similarities of three answers: of 0 and 1, 0 and 2, 1 and 2."""
    first, second, third = pairs
    return [[1.0, first, second], [first, 1.0, third], [second, third, 1.0]]


def weighed(
    *items: list[list[float]], answered: list[list[bool]] | None = None
) -> WeightedConsistency:
    similarity = np.array(items)
    given = (
        np.ones(similarity.shape[:2], dtype=np.bool_) if answered is None else np.array(answered)
    )
    return weigh_by_consistency(similarity, answered=given)


def by_loops(similarity: NDArray[np.float64]) -> tuple[list[float], list[list[float]]]:
    """Follow the definition with plain loops, for items with all answers."""
    items, raters = similarity.shape[:2]
    weights = [1.0] * raters
    for _ in range(100):
        found = [
            [
                sum(weights[j] * similarity[i][k][j] for j in range(raters) if j != k)
                / sum(weights[j] for j in range(raters) if j != k)
                for k in range(raters)
            ]
            for i in range(items)
        ]
        updated = [sum(found[i][k] for i in range(items)) / items for k in range(raters)]
        change = max(abs(a - b) for a, b in zip(updated, weights, strict=True))
        weights = updated
        if change < 1e-6:
            break
    return weights, found


def test_of_two_alike_and_one_off_topic_the_pair_is_chosen_from_and_the_outlier_weighs_least() -> (
    None
):
    found = weighed(item(0.95, 0.10, 0.12))
    assert found.chosen.tolist() == [1]
    assert found.weights.argmin() == 2
    assert found.converged
    # At the fixed point with one item, a weight is the consistency.
    assert found.consistency[0] == pytest.approx(found.weights, abs=1e-5)
    a, b, c = found.weights
    assert a == pytest.approx((0.95 * b + 0.10 * c) / (b + c), abs=1e-5)
    assert c == pytest.approx((0.10 * a + 0.12 * b) / (a + b), abs=1e-5)


def test_many_items_give_what_the_definition_gives() -> None:
    random = np.random.default_rng(3)
    vectors = np.abs(random.normal(size=(12, 4, 5)))
    vectors /= np.linalg.norm(vectors, axis=2, keepdims=True)
    similarity = vectors @ vectors.transpose(0, 2, 1)
    found = weigh_by_consistency(similarity, answered=np.ones((12, 4), dtype=np.bool_))
    weights, consistency = by_loops(similarity)
    assert found.weights == pytest.approx(weights, abs=1e-6)
    assert found.consistency == pytest.approx(np.array(consistency), abs=1e-5)
    assert found.chosen.tolist() == found.consistency.argmax(axis=1).tolist()


def test_the_order_of_raters_and_items_changes_nothing() -> None:
    items = np.array([item(0.9, 0.2, 0.3), item(0.4, 0.8, 0.1), item(0.7, 0.6, 0.5)])
    plain = weigh_by_consistency(items, answered=np.ones((3, 3), dtype=np.bool_))
    for order in permutations(range(3)):
        rows = list(order)
        turned = items[::-1][:, rows][:, :, rows]
        found = weigh_by_consistency(turned, answered=np.ones((3, 3), dtype=np.bool_))
        assert found.weights == pytest.approx(plain.weights[rows])
        assert [rows[one] for one in found.chosen] == plain.chosen.tolist()[::-1]


def test_a_single_answer_is_chosen_without_a_consistency() -> None:
    found = weighed(item(0.9, 0.1, 0.1), item(0, 0, 0), answered=[[True] * 3, [False, True, False]])
    assert found.chosen.tolist() == [0, 1]
    assert np.isnan(found.consistency[1]).all()
    alone = weighed(item(0, 0, 0), answered=[[True, False, False]])
    assert np.isnan(alone.weights).all()
    assert alone.chosen.tolist() == [0]


def test_an_item_without_answers_has_none_chosen() -> None:
    found = weighed(item(1, 1, 1), item(0, 0, 0), answered=[[True] * 3, [False] * 3])
    assert found.chosen.tolist() == [0, NO_ANSWER]


def test_two_raters_that_differ_are_a_tie_and_two_that_do_not_are_not() -> None:
    similarity = np.array([[[1.0, 0.4], [0.4, 1.0]], [[1.0, 1.0], [1.0, 1.0]]])
    found = weigh_by_consistency(similarity, answered=np.ones((2, 2), dtype=np.bool_))
    assert found.chosen.tolist() == [NO_ANSWER, 0]


@pytest.mark.parametrize(("alike", "chosen"), [(0.9, 0), (0.2, 0), (0.1, NO_ANSWER)])
def test_of_a_pair_that_is_apart_from_the_rest_either_stands_for_both(
    alike: float, chosen: int
) -> None:
    assert weighed(item(alike, 0.1, 0.1)).chosen.tolist() == [chosen]


def test_two_pairs_that_differ_are_a_tie() -> None:
    votes = np.array([0, 0, 1, 1])
    similarity = (votes[:, None] == votes)[None].astype(np.float64)
    found = weigh_by_consistency(similarity, answered=np.ones((1, 4), dtype=np.bool_))
    assert found.chosen.tolist() == [NO_ANSWER]


def test_of_two_equally_consistent_answers_the_weightier_rater_decides() -> None:
    # On the last item, only two answer; the first of them is the more consistent elsewhere.
    found = weighed(
        item(0.9, 0.2, 0.2),
        item(0.9, 0.3, 0.2),
        item(0, 0.5, 0),
        answered=[[True] * 3, [True] * 3, [True, False, True]],
    )
    assert found.weights[0] > found.weights[2]
    assert found.chosen[2] == 0


def test_answers_that_share_nothing_weigh_nothing_and_are_a_tie() -> None:
    found = weighed(item(0, 0, 0))
    assert found.weights.tolist() == [0, 0, 0]
    assert found.chosen.tolist() == [NO_ANSWER]
    assert found.converged


def test_equal_categories_become_weighted_votes() -> None:
    votes = [[0, 0, 1], [1, 1, 1], [0, 0, 1], [2, 2, 0]]
    similarity = np.array([[[float(a == b) for b in row] for a in row] for row in votes])
    found = weigh_by_consistency(similarity, answered=np.ones((4, 3), dtype=np.bool_))
    assert [votes[row][one] for row, one in enumerate(found.chosen)] == [0, 1, 0, 2]
    assert found.weights[2] < found.weights[0]


@pytest.mark.parametrize(
    ("one", "other", "value"),
    [
        ("the ward was clean", "the ward was clean", 1.0),
        ("the ward was clean", "the ward was dirty", 0.75),
        ("pain pain", "pain", 2 / 3),
        ("staff", "food", 0.0),
        ("", "", 1.0),
        ("", "food", 0.0),
    ],
)
def test_shared_words_are_counted_with_repetitions(one: str, other: str, value: float) -> None:
    assert word_f1(one.split(), other.split()) == pytest.approx(value)
    assert word_f1(other.split(), one.split()) == pytest.approx(value)
