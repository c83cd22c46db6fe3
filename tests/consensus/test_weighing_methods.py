"""Weighted majority, pooled probabilities and the median."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from localensemble.consensus.methods.mean_probability import MeanProbability
from localensemble.consensus.methods.named_methods import method_named
from localensemble.consensus.methods.weighted import accuracy_weight
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import LabelMatrix

CATEGORIES = ("a", "b", "c")


def matrix_of(*rows: str) -> LabelMatrix:
    return LabelMatrix.from_names(
        [[None if letter == "-" else letter for letter in row] for row in rows],
        categories=CATEGORIES,
        raters=[f"rater-{j}" for j in range(len(rows[0]))],
    )


def names(categories: NDArray[np.int16]) -> list[str | None]:
    return [None if k < 0 else CATEGORIES[k] for k in categories]


def test_one_good_rater_outweighs_two_poor_ones() -> None:
    method = method_named(
        "weighted", settings={"accuracies": {"rater-0": 0.95, "rater-1": 0.6, "rater-2": 0.6}}
    )
    result = method.derive(matrix_of("abb", "-bb", "abc"))
    assert names(result.categories) == ["a", "b", "a"]
    np.testing.assert_allclose(result.support, [1 / 3, 1.0, 1 / 3])
    # Naive Bayes over three categories: odds 38, 3 and 3 against 1.
    np.testing.assert_allclose(result.scores[0], 38 / (38 + 9 + 1))


def test_rater_weights_are_reported_as_log_odds() -> None:
    method = method_named("weighted", settings={"accuracies": {"rater-0": 0.75, "rater-1": 0.9}})
    binary = LabelMatrix.from_names([["a", "b"]], categories="ab", raters=["rater-0", "rater-1"])
    estimates = dict(method.derive(binary).rater_estimates)
    # Half of each is the published 0.54931 and 1.09861 of the two-sided form.
    assert estimates["rater-0"] == pytest.approx(2 * 0.54931, abs=1e-5)
    assert estimates["rater-1"] == pytest.approx(2 * 1.09861, abs=1e-5)


def test_a_rater_no_better_than_chance_is_ignored_and_not_believed_in_reverse() -> None:
    assert accuracy_weight(0.5, category_count=2) == 0
    assert accuracy_weight(0.2, category_count=2) == 0
    assert accuracy_weight(1 / 3, category_count=3) == pytest.approx(0, abs=1e-12)
    method = method_named("weighted", settings={"accuracies": {"rater-0": 0.1, "rater-1": 0.2}})
    result = method.derive(matrix_of("aa"))
    assert names(result.categories) == [None]
    assert result.tie.tolist() == [True]


def test_a_perfect_evaluation_does_not_weigh_infinitely() -> None:
    assert np.isfinite(accuracy_weight(1.0, category_count=2))
    assert accuracy_weight(0.0, category_count=2) == 0
    assert accuracy_weight(0.9, category_count=1) == 0


def test_equal_weights_on_both_sides_are_a_tie() -> None:
    method = method_named("weighted", settings={"accuracies": {"rater-0": 0.8, "rater-1": 0.8}})
    assert method.derive(matrix_of("ab")).tie.tolist() == [True]


def test_a_rater_without_accuracy_is_an_error() -> None:
    method = method_named("weighted", settings={"accuracies": {"rater-0": 0.9}})
    with pytest.raises(EnsembleError, match='has no accuracy for "rater-1"'):
        method.derive(matrix_of("ab"))


@pytest.mark.parametrize(
    ("accuracies", "message"),
    [(0.9, "expected names"), ({"rater-0": 1.2}, '"rater-0"')],
)
def test_accuracies_that_are_none_are_refused(accuracies: object, message: str) -> None:
    with pytest.raises(EnsembleError, match=message):
        method_named("weighted", settings={"accuracies": accuracies})


def test_linear_pooling_takes_the_mean_and_log_pooling_the_geometric_mean() -> None:
    labels = matrix_of("aab")
    probabilities = np.array([[[0.6, 0.4, 0.0], [0.6, 0.4, 0.0], [0.01, 0.99, 0.0]]])
    linear = method_named("mean_probability").derive(labels, probabilities=probabilities)
    assert names(linear.categories) == ["b"]
    assert linear.scores[0] == pytest.approx(1.79 / 3)
    assert linear.support[0] == pytest.approx(1 / 3)
    log = method_named("mean_probability", settings={"pooling": "log"})
    pooled = log.derive(labels, probabilities=probabilities)
    assert names(pooled.categories) == ["b"]
    weights = np.array([0.6 * 0.6 * 0.01, 0.4 * 0.4 * 0.99]) ** (1 / 3)
    assert pooled.scores[0] == pytest.approx(weights[1] / weights.sum(), abs=1e-6)


def test_an_exact_zero_of_one_rater_does_not_rule_out_a_category() -> None:
    probabilities = np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 1.0, 0.0]]])
    log = method_named("mean_probability", settings={"pooling": "log"})
    assert names(log.derive(matrix_of("abb"), probabilities=probabilities).categories) == ["b"]


def test_only_raters_with_a_label_and_a_distribution_are_pooled() -> None:
    labels = matrix_of("a-b", "---", "aa-")
    probabilities = np.full((3, 3, 3), np.nan)
    probabilities[0] = [[0.8, 0.1, 0.1], [0.0, 0.0, 1.0], [0.4, 0.5, 0.1]]
    probabilities[1, 0] = [0.9, 0.1, 0.0]
    result = method_named("mean_probability").derive(labels, probabilities=probabilities)
    assert names(result.categories) == ["a", None, None]
    assert result.scores[0] == pytest.approx(0.6)
    assert not result.tie.any()


def test_pooling_without_probabilities_is_an_error() -> None:
    with pytest.raises(EnsembleError, match="needs probabilities"):
        method_named("mean_probability").derive(matrix_of("aab"))
    with pytest.raises(ValueError, match="probabilities has shape"):
        MeanProbability().derive(matrix_of("aab"), probabilities=np.zeros((1, 3, 2)))
    with pytest.raises(EnsembleError, match="cannot take pooling = 'linar'") as raised:
        method_named("mean_probability", settings={"pooling": "linar"})
    assert 'Did you mean "linear"?' in str(raised.value)


def test_the_median_is_the_middle_label_and_two_middles_are_a_tie() -> None:
    result = method_named("median").derive(
        matrix_of("abc", "aac", "acc", "ac-", "bb-", "--c", "---")
    )
    assert names(result.categories) == ["b", "a", "c", None, "b", "c", None]
    assert result.tie.tolist() == [False, False, False, True, False, False, False]
    np.testing.assert_allclose(
        result.scores, [1 - 2 / 6, 1 - 2 / 6, 1 - 2 / 6, np.nan, 1, 1, np.nan]
    )
    np.testing.assert_allclose(result.support, [1 / 3, 2 / 3, 2 / 3, np.nan, 1, 1, np.nan])
