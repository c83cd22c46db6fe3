"""Escalation: every policy, its words, and the order of the queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from localensemble.consensus.methods.named_methods import method_named
from localensemble.consensus.policies.escalation import Escalation, Evidence, escalate
from localensemble.consensus.policies.named_policies import POLICY_NAMES, policy_named
from localensemble.consensus.policies.scores import acceptance_scores
from localensemble.consensus.policies.suspected_injection import LABEL_DEPENDS_ON_SIGN
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import LabelMatrix

CATEGORIES = ("a", "b", "c")
Floats = NDArray[np.float64]
Policies = Mapping[str, Mapping[str, object]]


def matrix_of(*rows: str) -> LabelMatrix:
    """One row is one item: a letter a rater, ``-`` for a gap."""
    return LabelMatrix.from_names(
        [[None if letter == "-" else letter for letter in row] for row in rows],
        categories=CATEGORIES,
        raters=[f"rater-{j}" for j in range(len(rows[0]))],
    )


def evidence_of(
    *rows: str, probabilities: Floats | None = None, off_codebook_mass: Floats | None = None
) -> Evidence:
    labels = matrix_of(*rows)
    return Evidence(
        labels,
        method_named("majority").derive(labels),
        probabilities=probabilities,
        off_codebook_mass=off_codebook_mass,
    )


def escalation_of(evidence: Evidence, policies: Policies | None = None) -> Escalation:
    return escalate(
        evidence,
        policies=[policy_named(name, settings=given) for name, given in (policies or {}).items()],
    )


def peaked(labels: LabelMatrix, top: Sequence[float]) -> Floats:
    """Every rater gives its own category the item's ``top``, the rest shared evenly."""
    shape = (labels.item_count, len(labels.raters), labels.category_count)
    spread = (1 - np.array(top)) / (labels.category_count - 1)
    probabilities = np.broadcast_to(spread[:, None, None], shape).copy()
    for i, j in np.argwhere(labels.mask):
        probabilities[i, j, labels.indices[i, j]] = top[i]
    probabilities[~labels.mask] = np.nan
    return probabilities


def test_without_policies_only_items_without_a_consensus_are_escalated() -> None:
    result = escalation_of(evidence_of("aaa", "ab-", "abc", "---", "aab"))
    assert result.mask.tolist() == [False, True, True, True, False]
    assert result.reasons(0) == ()
    assert result.reasons(1) == ("tie between categories",)
    assert result.reasons(3) == ("no rater labeled it",)


def test_a_rule_not_met_is_told_from_a_tie() -> None:
    result = escalation_of(evidence_of("aabc"))
    assert result.reasons(0) == ("no category met the consensus rule",)


def test_naming_no_consensus_adds_nothing_twice() -> None:
    evidence = evidence_of("ab-", "aaa")
    assert (
        escalation_of(evidence, {"no_consensus": {}}).reason_texts
        == escalation_of(evidence).reason_texts
    )


def test_support_below_is_strict_and_says_the_limit() -> None:
    evidence = evidence_of("aab", "aaa", "aa-")
    assert escalation_of(evidence, {"support_below": {"limit": 2 / 3}}).mask.sum() == 0
    assert escalation_of(evidence, {"support_below": {"limit": 0.6666666667}}).mask.sum() == 0
    result = escalation_of(evidence, {"support_below": {"limit": 0.7}})
    assert result.mask.tolist() == [True, False, False]
    assert result.reasons(0) == ("support below 0.7",)


def test_mean_probability_below_looks_at_the_consensus_category() -> None:
    labels = matrix_of("aab", "aaa", "aaa")
    evidence = evidence_of("aab", "aaa", "aaa", probabilities=peaked(labels, [0.9, 0.6, 0.8]))
    result = escalation_of(evidence, {"mean_probability_below": {"limit": 0.7}})
    # Item 0: (0.9 + 0.9 + 0.05) / 3 = 0.617.
    assert result.mask.tolist() == [True, True, False]
    assert result.reasons(0) == ("mean probability below 0.7, or unknown",)


def test_a_consensus_whose_probabilities_are_unknown_is_escalated() -> None:
    probabilities = np.full((2, 3, 3), np.nan)
    probabilities[1, 0] = [0.98, 0.01, 0.01]
    evidence = evidence_of("aaa", "aaa", probabilities=probabilities)
    result = escalation_of(evidence, {"mean_probability_below": {"limit": 0.7}})
    assert result.mask.tolist() == [True, False]


def test_one_rater_outside_the_codebook_escalates() -> None:
    mass = np.array([[0.0, 0.3, 0.0], [np.nan, 0.2, 0.1], [np.nan, np.nan, np.nan]])
    evidence = evidence_of("aaa", "aaa", "aaa", off_codebook_mass=mass)
    result = escalation_of(evidence, {"off_codebook_mass_above": {"limit": 0.2}})
    assert result.mask.tolist() == [True, False, False]
    assert result.reasons(0) == ("rater-1 put a probability above 0.2 outside the codebook",)


def test_missing_raters_escalate_beyond_the_allowed_number() -> None:
    evidence = evidence_of("aaa", "aa-", "a--")
    result = escalation_of(evidence, {"missing_raters": {}})
    assert result.mask.tolist() == [False, True, True]
    assert result.reasons(1) == ("rater-2 gave no label",)
    result = escalation_of(evidence, {"missing_raters": {"allowed": 1}})
    assert result.mask.tolist() == [False, False, True]
    assert result.reasons(2) == ("rater-1 and rater-2 gave no label",)


def test_a_rater_that_was_not_asked_is_not_missing() -> None:
    asked = np.array([[True, True, False], [True, False, True], [False, False, False]])
    evidence = replace(evidence_of("aa-", "aa-", "---"), asked=asked)
    result = escalation_of(evidence, {"missing_raters": {}})
    assert "missing_raters" not in result.codes(0)
    assert result.reasons(1) == ("rater-2 gave no label",)
    assert result.codes(2) == ("no_labels",)


@pytest.mark.parametrize("holder", range(5))
def test_a_safety_category_held_by_one_rater_of_five_always_escalates(holder: int) -> None:
    row = ["a"] * 5
    row[holder] = "c"
    evidence = evidence_of("".join(row), "aaaaa")
    result = escalation_of(evidence, {"always_review": {"categories": {"c": None}}})
    assert result.mask.tolist() == [True, False]
    assert result.reasons(0) == (f'always review: rater-{holder} chose "c"',)


def test_a_safety_category_above_its_bound_escalates_whoever_gave_it() -> None:
    labels = matrix_of("aaa", "aaa")
    probabilities = peaked(labels, [0.98, 0.98])
    probabilities[0, 2] = [0.88, 0.02, 0.10]
    evidence = evidence_of("aaa", "aaa", probabilities=probabilities)
    result = escalation_of(evidence, {"always_review": {"categories": {"c": 0.05}}})
    assert result.mask.tolist() == [True, False]
    assert result.reasons(0) == ('always review: rater-2 gave "c" a probability above 0.05',)


def test_a_safety_bound_works_on_ratings_without_probabilities() -> None:
    evidence = evidence_of("aac", "aaa")
    result = escalation_of(evidence, {"always_review": {"categories": {"c": 0.05}}})
    assert result.mask.tolist() == [True, False]


def test_a_safety_category_the_variable_lacks_is_an_error_with_a_suggestion() -> None:
    labels = LabelMatrix.from_names([["harm"]], categories=["harm", "none"], raters=["x"])
    evidence = Evidence(labels, method_named("majority").derive(labels))
    with pytest.raises(EnsembleError, match='names the category "ham"') as raised:
        escalation_of(evidence, {"always_review": {"categories": {"ham": None}}})
    assert 'Did you mean "harm"?' in str(raised.value)


def test_reasons_add_up_and_are_counted() -> None:
    evidence = evidence_of("aab", "a--", "ab-")
    result = escalation_of(
        evidence, {"support_below": {"limit": 0.9}, "missing_raters": {"allowed": 0}}
    )
    assert result.reasons(2) == ("tie between categories", "rater-2 gave no label")
    assert dict(zip(result.reason_codes, result.reason_counts(), strict=True)) == {
        "no_labels": ("no rater labeled it", 0),
        "tie": ("tie between categories", 1),
        "rule_not_met": ("no category met the consensus rule", 0),
        "support_below": ("support below 0.9", 1),
        "missing_raters": ("rater-1 (1) and rater-2 (2) gave no label", 2),
    }


def test_a_reason_names_its_raters_and_costs_no_doubt_for_each() -> None:
    mass = np.array([[0.9, 0.0, 0.0], [0.9, 0.0, 0.9], [0.0, 0.0, 0.0]])
    evidence = evidence_of("aaa", "aaa", "aaa", off_codebook_mass=mass)
    result = escalation_of(evidence, {"off_codebook_mass_above": {"limit": 0.5}})
    assert result.reasons(0)[0].startswith("rater-0 put")
    assert result.reasons(1)[0].startswith("rater-0 and rater-2 put")
    assert result.doubt[0] == result.doubt[1]
    assert result.codes(1) == ("off_codebook_mass_above",)
    ((summary, count),) = [one for one in result.reason_counts() if one[1]]
    assert summary.startswith("rater-0 (2) and rater-2 (1) put")
    assert count == 2
    assert result.reason_texts[-1].startswith("a rater put")
    assert len(set(result.patterns().tolist())) == 3


def test_a_reason_names_no_more_raters_than_anyone_reads() -> None:
    rows = ("a" + "-" * 29, "a" * 20 + "-" * 10)
    result = escalation_of(evidence_of(*rows), {"missing_raters": {}})
    assert result.reasons(0)[0].endswith("and 24 other raters gave no label")
    summary, count = result.reason_counts()[-1]
    assert summary.startswith("rater-20 (2), ")
    assert summary.endswith("and 24 other raters gave no label")
    assert count == 2


def test_a_category_that_only_the_method_chose_names_no_rater() -> None:
    labels = matrix_of("aab")
    consensus = replace(
        method_named("majority").derive(labels), categories=np.array([2], dtype=np.int16)
    )
    result = escalation_of(
        Evidence(labels, consensus), {"always_review": {"categories": {"c": None}}}
    )
    assert result.reasons(0) == ('always review: "c" was chosen',)


def test_codes_stand_beside_the_reasons_each_once() -> None:
    result = escalation_of(
        evidence_of("aab", "a--", "abc"),
        {"always_review": {"categories": {"b": None, "c": None}}, "missing_raters": {}},
    )
    assert [result.codes(item) for item in range(3)] == [
        ("always_review",),
        ("missing_raters",),
        ("tie", "always_review"),
    ]
    assert len(result.reasons(2)) == 3


def test_the_queue_is_gravest_first_then_most_reasons_then_least_certain() -> None:
    evidence = evidence_of("aab", "abc", "aac", "a--", "aab", "aaa", "ab-")
    result = escalation_of(
        evidence,
        {
            "support_below": {"limit": 0.9},
            "missing_raters": {"allowed": 0},
            "always_review": {"categories": {"c": None}},
        },
    )
    # Safety: 1 (a tie too), 2. Undecided: 6. Doubtful: 0 and 4 (less certain), then 3.
    assert result.queue().tolist() == [1, 2, 6, 0, 4, 3]
    assert result.doubt[5] == 0


def test_the_queue_prefers_the_item_its_raters_were_less_sure_of() -> None:
    labels = matrix_of("aab", "aab", "aab")
    evidence = evidence_of("aab", "aab", "aab", probabilities=peaked(labels, [0.9, 0.5, 0.7]))
    result = escalation_of(evidence, {"support_below": {"limit": 0.9}})
    assert result.queue().tolist() == [1, 2, 0]


def test_doubt_stays_below_the_next_reason_even_with_no_certainty_at_all() -> None:
    result = escalation_of(evidence_of("---", "-ab"), {"missing_raters": {"allowed": 0}})
    assert 202 < result.doubt[0] < 203


def test_blocks_give_the_same_escalation_as_the_whole() -> None:
    generator = np.random.default_rng(11)
    indices = generator.integers(-1, 3, size=(1_000, 4)).astype(np.int16)
    probabilities = generator.dirichlet(np.ones(3), size=(1_000, 4))
    mass = generator.random((1_000, 4))
    settings: Policies = {
        "support_below": {"limit": 0.7},
        "mean_probability_below": {"limit": 0.5},
        "off_codebook_mass_above": {"limit": 0.9},
        "missing_raters": {"allowed": 1},
        "always_review": {"categories": {"b": 0.8}},
    }

    def run(block: slice) -> Escalation:
        labels = LabelMatrix(indices[block], CATEGORIES, ("w", "x", "y", "z"))
        evidence = Evidence(
            labels, method_named("majority").derive(labels), probabilities[block], mass[block]
        )
        return escalation_of(evidence, settings)

    whole = run(slice(None))
    parts = [run(slice(start, start + 300)) for start in range(0, 1_000, 300)]
    assert all(part.reason_texts == whole.reason_texts for part in parts)
    np.testing.assert_array_equal(
        np.concatenate([part.reason_bits for part in parts]), whole.reason_bits
    )
    np.testing.assert_array_equal(np.concatenate([part.doubt for part in parts]), whole.doubt)


def test_a_permuted_rater_order_changes_nothing() -> None:
    generator = np.random.default_rng(12)
    indices = generator.integers(-1, 3, size=(500, 5)).astype(np.int16)
    probabilities = generator.dirichlet(np.ones(3), size=(500, 5))
    raters = ("e", "b", "d", "a", "c")
    results = []
    for order in ([0, 1, 2, 3, 4], [3, 1, 4, 2, 0]):
        labels = LabelMatrix(indices[:, order], CATEGORIES, tuple(raters[j] for j in order))
        evidence = Evidence(
            labels, method_named("majority").derive(labels), probabilities[:, order]
        )
        results.append(escalation_of(evidence, {"mean_probability_below": {"limit": 0.4}}))
    np.testing.assert_array_equal(results[0].reason_bits, results[1].reason_bits)
    np.testing.assert_array_equal(results[0].doubt, results[1].doubt)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("mean_probability_below", {"limit": 0.5}, "needs probabilities"),
        ("off_codebook_mass_above", {"limit": 0.5}, "needs off-codebook mass"),
    ],
)
def test_a_policy_without_its_evidence_is_an_error(
    name: str, settings: Mapping[str, object], message: str
) -> None:
    with pytest.raises(EnsembleError, match=message):
        escalation_of(evidence_of("aaa"), {name: settings})


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("support_belw", {}, 'Did you mean "support_below"?'),
        ("support_below", {}, 'needs the setting "limit"'),
        ("support_below", {"limit": 2}, "expected a number from 0 to 1"),
        ("missing_raters", {"allowed": -1}, "whole number of at least 0"),
        ("missing_raters", {"allowed": True}, "whole number of at least 0"),
        ("missing_raters", {"alowed": 1}, 'Did you mean "allowed"?'),
        ("always_review", {"categories": "c"}, "expected names, each with a number"),
        ("always_review", {"categories": {"c": 3}}, 'categories["c"] = 3; expected names, each'),
        ("always_review", {"categories": {7: None}}, "categories[7] = 7; expected names"),
        ("missing_raters", {"allowed": -1}, 'The escalation policy "missing_raters"'),
    ],
)
def test_a_wrong_policy_is_an_error_that_says_what_to_write(
    name: str, settings: Mapping[str, object], message: str
) -> None:
    with pytest.raises(EnsembleError) as raised:
        policy_named(name, settings=settings)
    assert message in str(raised.value)


UNDECIDED = {"no_labels", "tie", "rule_not_met"}
REQUIRED_SETTINGS: Policies = {
    "support_below": {"limit": 0.5},
    "mean_probability_below": {"limit": 0.5},
    "off_codebook_mass_above": {"limit": 0.5},
    "always_review": {"categories": {"c": None}},
    "entropy_above": {"limit": 0.5},
    "margin_below": {"limit": 0.5},
    "score_below": {"limit": 0.5},
    "agreement_below": {"required": 0.7},
    "budget": {"items": 2},
    "random_audit": {"share": 0.1},
}


# Codes that a policy gives beside the one of its name.
MORE_CODES = {"suspected_injection": (LABEL_DEPENDS_ON_SIGN,)}


@pytest.mark.parametrize("name", POLICY_NAMES)
def test_every_policy_describes_itself_and_always_gives_the_same_reasons(name: str) -> None:
    settings = REQUIRED_SETTINGS.get(name, {})
    policy = policy_named(name, settings=settings)
    assert policy.name == name
    assert set(dict(policy.settings)) >= set(settings)
    texts = set()
    for rows in (("aaa", "abc"), ("---",)):
        labels = matrix_of(*rows)
        evidence = Evidence(
            labels,
            method_named("majority").derive(labels),
            probabilities=np.full((len(rows), 3, 3), 1 / 3),
            off_codebook_mass=np.zeros((len(rows), 3)),
            item_ids=[str(i) for i in range(len(rows))],
            control=np.full(len(rows), -1, dtype=np.int16),
            agreement=0.8,
        )
        found = escalate(evidence, policies=[policy])
        texts.add(found.reason_texts)
        assert set(found.reason_codes) - UNDECIDED <= {name, *MORE_CODES.get(name, ())}
        assert len(found.reason_codes) == len(found.reason_texts)
    assert len(texts) == 1


@pytest.mark.parametrize("name", POLICY_NAMES)
def test_a_policy_without_the_evidence_it_states_is_an_error(name: str) -> None:
    policy = policy_named(name, settings=REQUIRED_SETTINGS.get(name, {}))
    if policy.needs:
        with pytest.raises(EnsembleError, match=f'"{name}" needs'):
            escalate(evidence_of("aaa"), policies=[policy])
    else:
        escalate(evidence_of("aaa"), policies=[policy])


def test_evidence_that_no_policy_stated_is_an_error_of_the_program() -> None:
    with pytest.raises(ValueError, match="needs"):
        acceptance_scores(evidence_of("aaa"), by="margin")


def test_more_reasons_than_fit_is_an_error() -> None:
    categories = tuple(f"category-{k}" for k in range(70))
    labels = LabelMatrix(np.zeros((1, 3), dtype=np.int16), categories, ("x", "y", "z"))
    evidence = Evidence(labels, method_named("majority").derive(labels))
    with pytest.raises(EnsembleError, match="73 reasons; at most 64"):
        escalation_of(evidence, {"always_review": {"categories": dict.fromkeys(categories)}})


def test_evidence_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="item_ids has 1 entries for 2 items"):
        Evidence(
            matrix_of("aaa", "aab"),
            method_named("majority").derive(matrix_of("aaa", "aab")),
            item_ids=["x"],
        )
    labels = matrix_of("aaa", "aab")
    consensus = method_named("majority").derive(labels)
    with pytest.raises(ValueError, match="consensus covers 2 items; the labels cover 1"):
        Evidence(matrix_of("aaa"), consensus)
    with pytest.raises(ValueError, match="probabilities has shape"):
        Evidence(labels, consensus, probabilities=np.zeros((2, 3, 2)))
    with pytest.raises(ValueError, match="asked has shape"):
        Evidence(labels, consensus, asked=np.ones((2, 2), dtype=np.bool_))
    with pytest.raises(ValueError, match="off_codebook_mass has shape"):
        Evidence(labels, consensus, off_codebook_mass=np.zeros((2, 2)))


def test_items_of_a_variable_without_categories_are_all_escalated() -> None:
    labels = LabelMatrix(np.full((2, 2), -1, dtype=np.int16), (), ("x", "y"))
    evidence = Evidence(labels, method_named("majority").derive(labels))
    assert escalation_of(evidence).mask.all()
