"""Promises of the relevancy-scored ensemble (Qiu et al. 2025), on numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from localensemble.strategies.relevancy.ensemble_score import ensemble_score
from localensemble.strategies.relevancy.outlier_raters import topic_agreement
from localensemble.strategies.relevancy.relevancy_score import cosines_to, relevancy
from localensemble.strategies.relevancy.topic_ensemble import topic_ensemble
from localensemble.strategies.relevancy.topic_labels import topic_labels
from tests.strategies.relevancy.bag_of_words import bag_of_words

# Three raters, eight items, worked out by hand.
SCORES = np.array(
    [
        (0.45, 0.40, 0.30),
        (0.35, 0.00, 0.25),
        (0.60, 0.00, 0.00),
        (0.00, 0.30, 0.35),
        (0.00, 0.00, 0.06),
        (0.00, 0.00, 0.00),
        (0.50, 0.42, 0.38),
        (0.10, 0.12, 0.00),
    ]
)


def yes_of(scores: NDArray[np.float64]) -> NDArray[np.int8]:
    return (scores > 0).astype(np.int8)


@pytest.mark.parametrize(
    ("is_yes", "cosines", "baseline", "score"),
    [
        (True, (0.43, 0.22), 0.10, 0.33),
        (False, (0.43, 0.22), 0.10, 0.0),
        (True, (0.08,), 0.10, 0.0),
        (True, (), 0.10, 0.0),
        (True, (1.0,), -0.05, 1.0),
    ],
)
def test_the_best_passage_counts_over_the_empty_string_and_only_after_a_yes(
    is_yes: bool, cosines: tuple[float, ...], baseline: float, score: float
) -> None:
    assert relevancy(is_yes=is_yes, cosines=cosines, baseline=baseline) == pytest.approx(score)


def test_the_first_component_scores_the_items_from_0_to_1() -> None:
    expected = (0.877, 0.404, 0.240, 0.654, 0.063, 0.000, 1.000, 0.154)
    assert ensemble_score(SCORES).round(3).tolist() == list(expected)


def test_a_single_yes_with_a_high_score_is_kept_without_a_majority() -> None:
    found = topic_labels(yes_of(SCORES), ensemble_score(SCORES))
    assert found.union.astype(int).tolist() == [1, 1, 1, 1, 1, 0, 1, 1]
    assert found.majority.astype(int).tolist() == [1, 1, 0, 1, 0, 0, 1, 1]
    assert (found.threshold, round(found.f1 or 0, 4)) == (0.10, 0.9091)
    assert found.label.astype(int).tolist() == [1, 1, 1, 1, 0, 0, 1, 1]
    assert found.score[4] == 0.0
    assert found.score[2] == pytest.approx(0.240, abs=5e-4)


def test_the_smallest_threshold_that_matches_the_majority_best_is_chosen() -> None:
    scores = SCORES.copy()
    scores[2] = (0.05, 0, 0)
    scores[7] = (0, 0.12, 0)
    found = topic_labels(yes_of(scores), ensemble_score(scores))
    assert (found.threshold, found.f1) == (0.10, 1.0)
    assert found.label.astype(int).tolist() == [1, 1, 0, 1, 0, 0, 1, 0]


def test_two_of_four_votes_are_no_majority_and_one_of_ten_is_no_union() -> None:
    split = topic_labels(np.array([[1, 1, 0, 0], [1, 1, 1, 0]], dtype=np.int8), np.ones(2))
    assert split.majority.tolist() == [False, True]
    one_of_ten = np.array([[1] + [0] * 9], dtype=np.int8)
    assert topic_labels(one_of_ten, np.ones(1)).union.tolist() == [False]


def test_without_a_majority_anywhere_the_union_stands_and_there_is_no_f1() -> None:
    found = topic_labels(np.array([[1, 0, 0], [0, 0, 0]], dtype=np.int8), np.array([1.0, 0.0]))
    assert (found.threshold, found.f1, found.label.tolist()) == (0.0, None, [True, False])


def test_a_missing_label_lowers_the_number_of_raters_and_is_no_vote() -> None:
    found = topic_labels(
        np.array([[1, 1, 0, -1], [-1] * 4], dtype=np.int8), np.array([1.0, np.nan])
    )
    assert found.majority.tolist() == [True, False]
    assert found.label.tolist() == [True, False]


def test_an_item_without_a_score_has_none_after_the_threshold_either() -> None:
    labels = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 1], [1, 0, 0]], dtype=np.int8)
    found = topic_labels(labels, np.array([1.0, 0.02, 0.9, np.nan]))
    assert found.threshold == 0.05
    assert found.score[:3].tolist() == [1.0, 0.0, 0.9]
    assert np.isnan(found.score[3])
    assert found.label.tolist() == [True, False, True, False]


@pytest.mark.parametrize("constant", [0.0, 0.3])
def test_a_rater_whose_scores_are_all_equal_contributes_nothing(constant: float) -> None:
    with_constant = np.column_stack([SCORES, np.full(8, constant)])
    assert np.allclose(ensemble_score(with_constant), ensemble_score(SCORES))


def test_scores_without_any_difference_and_items_without_labels_do_not_fail() -> None:
    assert ensemble_score(np.zeros((3, 2))).tolist() == [0, 0, 0]
    assert ensemble_score(np.zeros((0, 2))).tolist() == []
    gaps = SCORES.copy()
    gaps[3] = np.nan
    gaps[0, 1] = np.nan
    scored = ensemble_score(gaps)
    assert np.isnan(scored).tolist() == [i == 3 for i in range(8)]
    assert (np.nanmin(scored), np.nanmax(scored)) == (0.0, 1.0)


def test_the_score_points_the_way_of_most_raters_and_not_of_the_first() -> None:
    turned = np.column_stack([0.6 - SCORES[:, :1], SCORES, SCORES[:, ::-1]])
    assert np.corrcoef(ensemble_score(turned), SCORES.mean(axis=1))[0, 1] > 0.9


def random_topic(seed: int) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Three raters that agree on 95% of 300 items, and one that answers at random."""
    draw = np.random.default_rng(seed)
    truth = draw.random(300) < 0.3
    columns = [np.where(draw.random(300) < 0.95, truth, ~truth) for _ in range(3)]
    columns.append(draw.random(300) < 0.5)
    labels = np.column_stack(columns)
    return labels.astype(np.int8), np.where(labels, 0.2 + 0.5 * draw.random((300, 4)), 0.0)


def test_a_rater_that_answers_at_random_is_left_out_of_that_topic_only() -> None:
    names = ("a", "b", "c", "random")
    noisy = topic_ensemble(*random_topic(1), raters=names)
    assert noisy.agreement.outliers == (3,)
    assert noisy.kept == (0, 1, 2)
    labels, scores = random_topic(2)
    labels[:, 3], scores[:, 3] = labels[:, 0], scores[:, 0]
    calm = topic_ensemble(labels, scores, raters=names)
    assert calm.agreement.outliers == ()
    assert calm.agreement.labels.value is not None
    assert calm.agreement.labels.value > 0.8


def test_nobody_is_left_out_of_two_raters_or_where_nobody_agrees() -> None:
    labels, scores = random_topic(3)
    two = topic_agreement(labels[:, 2:], scores[:, 2:], raters=("c", "random"))
    assert (two.outliers, two.excess) == ((), (None, None))
    opposite = np.tile(np.array([[0, 1], [1, 0]], dtype=np.int8), (20, 2))[:, :3]
    apart = topic_agreement(opposite, np.where(opposite, 0.95, 0.05), raters=("a", "b", "c"))
    assert apart.labels.value is not None
    assert apart.outliers == ()


def test_agreement_on_scores_is_agreement_on_ten_equal_bins() -> None:
    scores = np.array([[0.0, 0.099], [0.1, 0.199], [0.95, 1.0], [0.3, np.nan]])
    labels = np.where(np.isnan(scores), -1, 1).astype(np.int8)
    found = topic_agreement(labels, scores, raters=("a", "b"))
    assert (found.scores.observed_agreement, found.scores.items_used) == (1.0, 3)


def test_the_same_numbers_give_the_same_bits() -> None:
    labels, scores = random_topic(4)
    first, second = (topic_ensemble(labels, scores, raters=("a", "b", "c", "d")) for _ in range(2))
    assert first.score.tobytes() == second.score.tobytes()
    assert first.result.threshold == second.result.threshold


def test_cosines_are_those_of_the_embedder_whichever_it_is() -> None:
    cosines = cosines_to("long wait", ["a long wait", "kind staff", ""], embedder=bag_of_words)
    assert cosines == pytest.approx([2 / np.sqrt(6), 0.0, 0.0], abs=1e-6)
