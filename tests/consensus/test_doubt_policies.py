"""Policies that doubt a consensus, and the scores they share."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from localensemble.consensus.methods.named_methods import method_named
from localensemble.consensus.policies.entropy_above import normalized_entropy
from localensemble.consensus.policies.escalation import Escalation, Evidence, escalate
from localensemble.consensus.policies.named_policies import policy_named
from localensemble.consensus.policies.scores import acceptance_scores
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import LabelMatrix

CATEGORIES = ("a", "b", "c")
Floats = NDArray[np.float64]


def evidence_of(*rows: str, probabilities: Floats | None = None) -> Evidence:
    labels = LabelMatrix.from_names(
        [[None if letter == "-" else letter for letter in row] for row in rows],
        categories=CATEGORIES,
        raters=[f"rater-{j}" for j in range(len(rows[0]))],
    )
    return Evidence(labels, method_named("majority").derive(labels), probabilities=probabilities)


def escalation_of(evidence: Evidence, name: str, **settings: object) -> Escalation:
    return escalate(evidence, policies=[policy_named(name, settings=settings)])


def same_for_all(distributions: Mapping[int, list[float]], rater_count: int = 3) -> Floats:
    rows = [[distributions[i]] * rater_count for i in range(len(distributions))]
    return np.array(rows, dtype=np.float64)


def test_raters_that_name_different_categories_disagree() -> None:
    result = escalation_of(evidence_of("aaa", "aab", "aa-", "a--"), "disagreement")
    assert result.mask.tolist() == [False, True, False, False]
    assert result.reasons(1) == ("raters disagree",)


def test_a_disagreement_of_two_named_raters_ignores_the_third() -> None:
    evidence = evidence_of("aab", "aba", "a-a", "aaa")
    result = escalation_of(evidence, "disagreement", between=["rater-0", "rater-1"])
    assert result.mask.tolist() == [False, True, False, False]
    assert result.reasons(1) == ('raters "rater-0" and "rater-1" disagree',)


@pytest.mark.parametrize("between", ["rater-0", ["rater-0"], ["rater-0", "rater-0"]])
def test_a_disagreement_is_between_two_raters(between: object) -> None:
    with pytest.raises(EnsembleError, match="expected two raters"):
        policy_named("disagreement", settings={"between": between})
    with pytest.raises(EnsembleError, match=r'"rater-11".* not a rater') as raised:
        escalation_of(evidence_of("aab"), "disagreement", between=["rater-0", "rater-11"])
    assert 'Did you mean "rater-1"?' in str(raised.value)


def test_entropy_of_the_mean_distribution_escalates_strictly_above_the_limit() -> None:
    probabilities = same_for_all({0: [1, 0, 0], 1: [0.5, 0.5, 0], 2: [1 / 3, 1 / 3, 1 / 3]})
    evidence = evidence_of("aaa", "aaa", "aaa", probabilities=probabilities)
    half = np.log(2) / np.log(3)
    assert escalation_of(evidence, "entropy_above", limit=0.6).mask.tolist() == [False, True, True]
    result = escalation_of(evidence, "entropy_above", limit=half + 1e-12)
    assert result.mask.tolist() == [False, False, True]
    assert result.reasons(2) == ("entropy of the probabilities above 0.63093, or unknown",)


def test_entropy_and_margin_can_be_taken_of_the_labels() -> None:
    evidence = evidence_of("aaa", "aab", "a--")
    assert escalation_of(evidence, "entropy_above", limit=0.5, of="labels").mask.tolist() == [
        False,
        True,
        False,
    ]
    for limit, expected in ((1 / 3, False), (0.3333333334, False), (0.34, True)):
        result = escalation_of(evidence, "margin_below", limit=limit, of="labels")
        assert result.mask.tolist() == [False, expected, False]


def test_entropy_is_that_of_the_published_example() -> None:
    # Probability 0.76852 of two categories: 0.54105 nats.
    entropy = normalized_entropy(np.array([[0.76852, 0.23148], [0.5, 0.5]]))
    np.testing.assert_allclose(entropy * np.log(2), [0.54105, 0.69315], atol=1e-5)
    assert normalized_entropy(np.ones((2, 1))).tolist() == [0, 0]
    assert np.isnan(normalized_entropy(np.empty((2, 0)))).all()


def test_margin_is_between_the_two_best_categories() -> None:
    probabilities = same_for_all({0: [0.7, 0.2, 0.1], 1: [0.45, 0.1, 0.45]})
    evidence = evidence_of("aaa", "aaa", probabilities=probabilities)
    result = escalation_of(evidence, "margin_below", limit=0.5)
    assert result.mask.tolist() == [False, True]
    assert result.reasons(1) == ("margin of the probabilities below 0.5, or unknown",)


@pytest.mark.parametrize("name", ["entropy_above", "margin_below", "score_below"])
def test_what_is_not_known_is_escalated(name: str) -> None:
    probabilities = same_for_all({0: [1, 0, 0], 1: [np.nan] * 3})
    evidence = evidence_of("aaa", "aaa", probabilities=probabilities)
    assert escalation_of(evidence, name, limit=0.5).mask.tolist() == [False, True]
    with pytest.raises(EnsembleError, match="needs probabilities"):
        escalation_of(evidence_of("aaa"), name, limit=0.5)


def test_a_variable_of_one_category_has_no_entropy_and_full_margin() -> None:
    labels = LabelMatrix(np.array([[0, 0], [0, -1]], dtype=np.int16), ("only",), ("x", "y"))
    evidence = Evidence(labels, method_named("majority").derive(labels))
    for name in ("entropy_above", "margin_below"):
        assert not escalation_of(evidence, name, limit=0.5, of="labels").mask.any()


def test_a_threshold_applies_to_the_named_score() -> None:
    probabilities = same_for_all({0: [0.9, 0.1, 0.0], 1: [0.6, 0.2, 0.2]})
    evidence = evidence_of("aab", "aaa", probabilities=probabilities)
    assert escalation_of(evidence, "score_below", limit=0.6).mask.tolist() == [False, False]
    assert escalation_of(evidence, "score_below", limit=0.61).mask.tolist() == [False, True]
    for by, expected in (
        ("support", [True, False]),
        ("method", [True, False]),
        ("margin", [False, True]),
    ):
        result = escalation_of(evidence, "score_below", limit=0.7, by=by)
        assert result.mask.tolist() == expected
    assert result.reasons(1) == ("margin below 0.7, or unknown",)


def test_without_a_certified_threshold_nothing_is_accepted() -> None:
    result = escalation_of(evidence_of("aaa"), "score_below", limit=None)
    assert result.reasons(0) == ("no certified threshold on mean probability",)


@pytest.mark.parametrize("limit", ["0.5", True, float("nan"), float("inf")])
def test_a_threshold_is_a_number_or_null(limit: object) -> None:
    with pytest.raises(EnsembleError, match="expected a number or null"):
        policy_named("score_below", settings={"limit": limit})


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("score_below", {"limit": 0.5, "by": "suport"}, 'Did you mean "support"?'),
        ("entropy_above", {"limit": 0.5, "of": "label"}, 'Did you mean "labels"?'),
        ("margin_below", {"limit": 2}, "expected a number from 0 to 1"),
    ],
)
def test_wrong_settings_are_errors(name: str, settings: Mapping[str, object], message: str) -> None:
    with pytest.raises(EnsembleError) as raised:
        policy_named(name, settings=settings)
    assert message in str(raised.value)


def test_scores_are_nan_without_a_consensus() -> None:
    probabilities = same_for_all({0: [0.5, 0.5, 0], 1: [0.9, 0.1, 0]}, rater_count=2)
    evidence = evidence_of("ab", "aa", probabilities=probabilities)
    np.testing.assert_array_equal(acceptance_scores(evidence, by="support"), [np.nan, 1])
    np.testing.assert_allclose(acceptance_scores(evidence, by="mean_probability"), [np.nan, 0.9])
    np.testing.assert_allclose(acceptance_scores(evidence, by="margin"), [np.nan, 0.8])


def test_the_margin_of_a_single_category_is_its_probability() -> None:
    labels = LabelMatrix(np.zeros((1, 2), dtype=np.int16), ("only",), ("x", "y"))
    evidence = Evidence(
        labels, method_named("majority").derive(labels), probabilities=np.ones((1, 2, 1))
    )
    assert acceptance_scores(evidence, by="margin").tolist() == [1.0]


def test_a_margin_can_be_negative_where_raters_are_outvoted_by_a_sure_one() -> None:
    probabilities = np.array([[[0.5, 0.4, 0.1], [0.5, 0.4, 0.1], [0.0, 1.0, 0.0]]])
    evidence = evidence_of("aab", probabilities=probabilities)
    assert acceptance_scores(evidence, by="margin")[0] == pytest.approx(1 / 3 - 0.6)
