"""The label of the rater that is surest of an item relative to all that it labeled."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from localensemble.consensus.methods.chain import Chain
from localensemble.consensus.shares import log_probability_gaps
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import GAP, LabelMatrix

CATEGORIES = ("yes", "no")
NAN = np.nan


def surely(*shares: float) -> NDArray[np.float64]:
    """Distributions that give the first category these shares."""
    first = np.array(shares)
    return np.stack([first, 1 - first], axis=-1)


def test_the_higher_rank_decides_not_the_higher_probability() -> None:
    # The first rater is never as sure as the second; of its own labels, it is surest of item 0.
    first, second = surely(0.7, 0.55, 0.4), surely(0.2, 0.01, 0.001)
    labels = LabelMatrix(np.array([[0, 1], [0, 1], [1, 1]], dtype=np.int16), CATEGORIES, ("a", "b"))
    result = Chain().derive(labels, probabilities=np.stack([first, second], axis=1))
    assert result.categories.tolist() == [0, 1, 1]
    np.testing.assert_allclose(result.scores, [1, 2 / 3, 1])
    np.testing.assert_allclose(result.support, [0.5, 0.5, 1])


def test_the_first_of_two_equally_sure_raters_decides() -> None:
    labels = LabelMatrix(np.array([[0, 1]], dtype=np.int16), CATEGORIES, ("a", "b"))
    given = np.stack([surely(0.6), surely(0.01)], axis=1)
    assert Chain().derive(labels, probabilities=given).categories.tolist() == [0]
    turned = LabelMatrix(labels.indices[:, ::-1], CATEGORIES, ("b", "a"))
    assert Chain().derive(turned, probabilities=given[:, ::-1]).categories.tolist() == [1]


def test_a_rater_that_labeled_nothing_has_no_rank() -> None:
    labels = LabelMatrix(np.array([[GAP, 1], [GAP, GAP]], dtype=np.int16), CATEGORIES, ("a", "b"))
    given = np.stack([surely(NAN, NAN), surely(0.1, NAN)], axis=1)
    assert Chain().derive(labels, probabilities=given).categories.tolist() == [1, GAP]


def test_labels_without_raters_have_no_consensus() -> None:
    labels = LabelMatrix(np.empty((2, 0), dtype=np.int16), CATEGORIES, ())
    result = Chain().derive(labels, probabilities=np.empty((2, 0, 2)))
    assert result.categories.tolist() == [GAP, GAP]


def test_labels_without_probabilities_are_refused() -> None:
    labels = LabelMatrix(np.array([[0, 1]], dtype=np.int16), CATEGORIES, ("a", "b"))
    with pytest.raises(EnsembleError, match="needs probabilities"):
        Chain().derive(labels)


def test_a_rater_without_probabilities_is_refused_by_name() -> None:
    labels = LabelMatrix(np.array([[0, 1]], dtype=np.int16), CATEGORIES, ("a", "the rule"))
    given = np.stack([surely(0.6), surely(NAN)], axis=1)
    with pytest.raises(EnsembleError, match='"the rule"'):
        Chain().derive(labels, probabilities=given)


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([0.5, 0.25, 0.25], np.log(2)),
        ([0.25, 0.25, 0.5], np.log(2)),
        ([0.4, 0.4, 0.2], 0.0),
        ([1.0, 0.0, 0.0], np.inf),
        ([NAN, NAN, NAN], NAN),
        ([1.0], np.inf),
        ([NAN], NAN),
        ([], NAN),
    ],
)
def test_a_gap_is_between_the_two_largest_log_probabilities(
    shares: list[float], expected: float
) -> None:
    found = log_probability_gaps(np.array([shares]))
    np.testing.assert_allclose(found, [expected])
