"""Early stop asks less and changes no final label."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from localensemble.codebook.load import load_codebook
from localensemble.codebook.model import Variable
from localensemble.consensus.policies.escalation import Evidence, escalate
from localensemble.consensus.policies.named_policies import POLICY_NAMES, policy_named
from localensemble.consensus.rules import DecisionRules, decision_rules
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import GAP, LabelMatrix
from localensemble.strategies.early_stop import EarlyStop
from localensemble.strategies.protocol import EarlierLabels
from tests.studies import CODEBOOK

RATERS = ("a", "b", "c", "d")
ACCURACIES = {"a": 0.9, "b": 0.8, "c": 0.7, "d": 0.6}
RULES = (
    {"method": "majority"},
    {"method": "majority", "minimum_share": 0.6},
    {"method": "majority", "minimum_share": 0.3},
    {"method": "unanimous"},
    {"method": "median"},
    {"method": "weighted", "accuracies": ACCURACIES},
)
# Policies that may stand beside the strategy; each must be proven here.
POLICIES: list[dict[str, object]] = [
    {"policy": "no_consensus"},
    {"policy": "control_missed"},
    {"policy": "suspected_injection"},
    {"policy": "random_audit", "share": 0.3},
]


@pytest.fixture(scope="module")
def variable(tmp_path_factory: pytest.TempPathFactory) -> Variable:
    path = tmp_path_factory.mktemp("codebook") / "codebook.yaml"
    path.write_text(CODEBOOK, encoding="utf-8")
    return load_codebook(path).variables[0]


def routed(
    strategy: EarlyStop, labels: NDArray[np.int16], *, variable: Variable, rules: DecisionRules
) -> NDArray[np.bool_]:
    """Let raters with these labels have their turns; return who was asked about what: (N, R)."""
    asked = np.zeros(labels.shape, dtype=np.bool_)
    for turn in range(labels.shape[1]):
        earlier = EarlierLabels(
            variable=variable,
            rules=rules,
            raters=RATERS[: labels.shape[1]],
            item_ids=[f"i-{n}" for n in range(len(labels))],
            asked=asked[:, :turn],
            categories=np.where(asked, labels, np.int16(GAP))[:, :turn],
            gaps=np.ones((len(labels), turn)),
        )
        asked[:, turn] = strategy.asked(turn, earlier)
    return asked


def outcome(
    labels: NDArray[np.int16], *, variable: Variable, rules: DecisionRules
) -> tuple[list[int], list[bool]]:
    """The consensus of every item, and whether it goes to a person."""
    names = RATERS[: labels.shape[1]]
    counting = [column for column, name in enumerate(names) if name not in rules.unfit]
    counted = labels[:, counting]
    matrix = LabelMatrix(counted, variable.answers, tuple(names[column] for column in counting))
    evidence = Evidence(
        matrix,
        rules.method.derive(matrix),
        item_ids=[f"i-{n}" for n in range(len(labels))],
        control=(np.arange(len(labels)) % 3).astype(np.int16),
        injection_signs=np.arange(len(labels)) % 5,
    )
    escalated = escalate(evidence, policies=rules.policies).mask
    return evidence.consensus.categories.tolist(), escalated.tolist()


@pytest.mark.parametrize("consensus", RULES, ids=str)
@pytest.mark.parametrize("unfit", [(), ("b",)], ids=["all fit", "one unfit"])
@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.lists(st.integers(GAP, 2), min_size=4, max_size=4), min_size=1, max_size=8),
    audit=st.sampled_from([0.0, 0.2]),
)
def test_the_final_label_and_its_status_are_those_of_the_full_run(
    consensus: dict[str, object],
    unfit: tuple[str, ...],
    rows: list[list[int]],
    audit: float,
    variable: Variable,
) -> None:
    rules = decision_rules(consensus, POLICIES, unfit=unfit)
    labels = np.array(rows, dtype=np.int16)
    asked = routed(EarlyStop(audit), labels, variable=variable, rules=rules)
    partly = np.where(asked, labels, np.int16(GAP))
    whole = outcome(labels, variable=variable, rules=rules)
    assert outcome(partly, variable=variable, rules=rules) == whole


def test_two_of_three_that_agree_are_enough(variable: Variable) -> None:
    rules = decision_rules({"method": "majority"}, [])
    labels = np.array([[0, 0, 1], [0, 1, 1], [GAP, 1, 1], [2, 2, 2]], dtype=np.int16)
    asked = routed(EarlyStop(0.0), labels, variable=variable, rules=rules)
    assert asked.tolist() == [
        [True, True, False],
        [True, True, True],
        [True, True, True],
        [True, True, False],
    ]


def test_the_audit_share_is_labeled_by_all_and_drawn_by_id(variable: Variable) -> None:
    rules = decision_rules({"method": "majority"}, [])
    labels = np.zeros((2000, 3), dtype=np.int16)
    asked = routed(EarlyStop(0.1), labels, variable=variable, rules=rules)
    ids = [f"i-{n}" for n in range(2000)]
    assert np.array_equal(asked.all(axis=1), EarlyStop(0.1).audited(ids))
    assert 150 < asked.all(axis=1).sum() < 250
    other = EarlyStop(0.1, seed=1).audited(ids)
    assert not np.array_equal(other, asked.all(axis=1))


def test_an_unfit_rater_is_asked_about_the_audit_share_only(variable: Variable) -> None:
    rules = decision_rules({"method": "majority"}, [], unfit=["c"])
    labels = np.array([[0, 1, 1]] * 50, dtype=np.int16)
    asked = routed(EarlyStop(0.2), labels, variable=variable, rules=rules)
    assert asked[:, 2].tolist() == EarlyStop(0.2).audited([f"i-{n}" for n in range(50)]).tolist()


def test_a_variable_that_looks_at_every_rater_is_asked_of_every_rater(tmp_path: Path) -> None:
    path = tmp_path / "codebook.yaml"
    safe = CODEBOOK.replace(
        "definition: Somebody has to act today.",
        "definition: Somebody has to act today.\n        always_review: true",
    )
    path.write_text(safe, encoding="utf-8")
    variables = load_codebook(path).variables
    rules = decision_rules({"method": "majority"}, [])
    (message,) = EarlyStop().check(raters=RATERS, variables=variables, rules=rules)
    assert "urgent" in message
    assert "topic" not in message
    labels = np.zeros((20, 3), dtype=np.int16)
    assert routed(EarlyStop(0.0), labels, variable=variables[1], rules=rules).all()
    assert not routed(EarlyStop(0.0), labels, variable=variables[0], rules=rules).all()


@pytest.mark.parametrize("method", ["mace", "dawid_skene", "mean_probability"])
def test_a_method_that_cannot_tell_what_is_certain_is_refused_by_name(
    method: str, variable: Variable
) -> None:
    rules = decision_rules({"method": method}, [])
    with pytest.raises(EnsembleError, match=f'"early_stop".*"{method}"'):
        EarlyStop().check(raters=RATERS, variables=(variable,), rules=rules)


PROVEN = {str(policy["policy"]) for policy in POLICIES}
REQUIRED: dict[str, dict[str, object]] = {
    "support_below": {"limit": 0.5},
    "mean_probability_below": {"limit": 0.5},
    "off_codebook_mass_above": {"limit": 0.5},
    "always_review": {"categories": {}},
    "entropy_above": {"limit": 0.5},
    "margin_below": {"limit": 0.5},
    "score_below": {"limit": 0.5, "by": "support"},
    "agreement_below": {"required": 0.5},
    "budget": {"items": 5},
    "random_audit": {"share": 0.5},
}


@pytest.mark.parametrize("name", sorted(set(POLICY_NAMES) - PROVEN))
def test_a_policy_that_looks_at_every_rater_is_refused_by_name(
    name: str, variable: Variable
) -> None:
    policies: list[dict[str, object]] = [
        {"policy": name, **REQUIRED.get(name, {})},
        {"policy": "no_consensus"},
    ]
    rules = decision_rules({"method": "majority"}, policies)
    with pytest.raises(EnsembleError, match=name) as caught:
        EarlyStop().check(raters=RATERS, variables=(variable,), rules=rules)
    assert "{policy: no_consensus}" in (caught.value.hint or "")


def test_only_policies_that_are_proven_here_may_stand_beside_it() -> None:
    blind = {
        name
        for name in POLICY_NAMES
        if not policy_named(name, settings=REQUIRED.get(name)).looks_at_every_rater
    }
    assert blind == PROVEN


def test_a_certified_threshold_is_refused(variable: Variable) -> None:
    rules = decision_rules({"method": "majority"}, [])
    held = replace(rules, certificates=(object(),))  # type: ignore[arg-type]
    with pytest.raises(EnsembleError, match="certificate"):
        EarlyStop().check(raters=RATERS, variables=(variable,), rules=held)
