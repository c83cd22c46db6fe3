"""Every method and policy decides a whole study from its ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import localensemble.study.decisions as decisions_module
import localensemble.study.study_labels as labels_module
from localensemble.codebook.model import BelowRequired, RequiredAgreement
from localensemble.consensus.methods.named_methods import method_named
from localensemble.consensus.policies.named_policies import policy_named
from localensemble.core.errors import EnsembleError
from localensemble.ledger.read import LedgerReader
from localensemble.study.decisions import Decisions, check_rules, decide
from localensemble.study.study import Study
from tests.study.conftest import ITEMS


@pytest.fixture
def study(of_models: Path) -> Path:
    return of_models / "study.sqlite"


def decided(
    study: Path,
    method: str = "majority",
    policies: Mapping[str, Mapping[str, object]] | None = None,
    control: list[int] | None = None,
) -> Decisions:
    with LedgerReader.open(study) as reader:
        loaded = Study.load(reader)
        return decide(
            loaded.recorded,
            variable=loaded.codebook.variable("topic"),
            method=method_named(method),
            policies=[
                policy_named(name, settings=given) for name, given in (policies or {}).items()
            ],
            control=None if control is None else np.array(control, dtype=np.int16),
        )


def same(first: Decisions, second: Decisions) -> bool:
    return all(
        np.array_equal(getattr(first, name), getattr(second, name), equal_nan=True)
        for name in (
            *("categories", "support", "mean_probability", "margin", "method_scores"),
            *("escalated", "doubt", "reason_bits"),
        )
    )


@pytest.mark.parametrize(
    "method",
    [
        *("majority", "unanimous", "mean_probability"),
        *("one_coin_dawid_skene", "dawid_skene", "mace", "chain"),
    ],
)
@pytest.mark.parametrize(
    "policies",
    [
        {"support_below": {"limit": 0.9}, "budget": {"items": 20}},
        {"random_audit": {"share": 0.3, "seed": 4}, "disagreement": {}},
        {"agreement_below": {"required": 0.5}},
    ],
    ids=["budget", "audit", "agreement"],
)
def test_blocks_decide_as_the_whole(
    study: Path,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    policies: Mapping[str, Mapping[str, object]],
) -> None:
    whole = decided(study, method, policies)
    monkeypatch.setattr(decisions_module, "BLOCK_ITEMS", 32)
    monkeypatch.setattr(labels_module, "BLOCK_ITEMS", 32)
    assert same(decided(study, method, policies), whole)
    assert len(whole.categories) == ITEMS


@pytest.mark.parametrize("method", ["majority", "mean_probability", "dawid_skene", "mace"])
def test_the_order_of_the_raters_changes_nothing(study: Path, method: str) -> None:
    policies = [
        policy_named("budget", settings={"items": 30}),
        policy_named("random_audit", settings={"share": 0.2}),
    ]
    with LedgerReader.open(study) as reader:
        loaded = Study.load(reader)
        labels = loaded.recorded
        turned = replace(
            labels,
            rater_keys=labels.rater_keys[::-1],
            rater_names=labels.rater_names[::-1],
        )
        first, second = (
            decide(
                given,
                variable=loaded.codebook.variable("topic"),
                method=method_named(method),
                policies=policies,
            )
            for given in (labels, turned)
        )
    assert same(first, second)


def test_a_method_for_all_items_at_once_says_whether_it_converged(study: Path) -> None:
    found = decided(study, "one_coin_dawid_skene")
    assert found.converged is not None
    assert {rater for rater, _ in found.rater_estimates} == {"first", "second", "third"}


def test_a_budget_adds_the_most_doubtful_of_all_items(study: Path) -> None:
    without, with_budget = decided(study), decided(study, policies={"budget": {"items": 70}})
    assert without.escalated.sum() < with_budget.escalated.sum() == 70
    assert with_budget.escalated[without.escalated].all()
    accepted = without.doubt[~with_budget.escalated]
    added = without.doubt[with_budget.escalated & ~without.escalated]
    assert accepted.max() <= added.min()


def test_an_audit_draws_about_its_share_of_the_accepted_items(study: Path) -> None:
    without = decided(study)
    audited = decided(study, policies={"random_audit": {"share": 0.5}})
    drawn = audited.escalated & ~without.escalated
    accepted = (~without.escalated).sum()
    assert 0.2 * accepted < drawn.sum() < 0.8 * accepted
    assert np.array_equal(audited.escalated, without.escalated | drawn)


def test_raters_who_agree_too_little_escalate_the_whole_variable(study: Path) -> None:
    assert decided(study, policies={"agreement_below": {"required": 0.9}}).escalated.all()


def test_a_consensus_that_differs_from_a_control_label_is_escalated(study: Path) -> None:
    before = decided(study)
    item = int(np.flatnonzero(~before.escalated)[0])
    control = [-1] * ITEMS
    control[item] = (int(before.categories[item]) + 1) % 3
    found = decided(study, policies={"control_missed": {}}, control=control)
    assert found.escalated[item]
    assert found.escalated.sum() == before.escalated.sum() + 1


@pytest.mark.parametrize(
    ("method", "policies", "found"),
    [
        ("median", {}, '"topic": its level is nominal'),
        ("majority", {"control_missed": {}}, "control labels; there are none"),
        ("majority", {"disagreement": {"between": ["first", "fourth"]}}, '"fourth"'),
        ("majority", {"always_review": {"categories": {"stuff": None}}}, '"staff"'),
    ],
)
def test_rules_that_cannot_decide_are_refused_before_anything_is_labeled(
    tmp_path: Path,
    study: Path,
    method: str,
    policies: Mapping[str, Mapping[str, object]],
    found: str,
) -> None:
    with LedgerReader.open(study) as reader, pytest.raises(EnsembleError, match=found):
        check_rules(
            method_named(method),
            [policy_named(name, settings=given) for name, given in policies.items()],
            variables=Study.load(reader).codebook.variables[:1],
            raters=("first", "second", "third"),
        )


def test_the_median_is_refused_for_categories_without_an_order(study: Path) -> None:
    with pytest.raises(EnsembleError, match="nominal"):
        decided(study, "median")


def test_item_ids_are_read_as_they_stand_in_the_ledger(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions_module, "BLOCK_ITEMS", 32)
    monkeypatch.setattr(labels_module, "BLOCK_ITEMS", 32)
    with LedgerReader.open(study) as reader:
        ids = Study.load(reader).recorded.item_ids
        assert list(ids) == [f"i-{n}" for n in range(ITEMS)]
        assert ids[40:43] == ("i-40", "i-41", "i-42")
        with pytest.raises(IndexError):
            ids[ITEMS]


def test_an_item_is_escalated_for_reasons_with_codes_words_and_counts(study: Path) -> None:
    found = decided(study, policies={"support_below": {"limit": 0.9}, "missing_raters": {}})
    item = int(np.flatnonzero(found.escalated)[0])
    assert "support_below" in found.codes(item)
    assert len(found.reasons(item)) >= len(found.codes(item)) >= 1
    accepted = int(np.flatnonzero(~found.escalated)[0])
    assert (found.reasons(accepted), found.codes(accepted)) == ((), ())
    ((words, items),) = found.with_code("support_below").items()
    assert dict(found.reason_counts())[words] == items.sum() > 0
    assert found.escalated[items].all()
    assert found.final.tolist() == [
        -1 if escalated else category
        for escalated, category in zip(found.escalated, found.categories, strict=True)
    ]


def test_scores_are_those_on_which_a_threshold_can_be_set(study: Path) -> None:
    found = decided(study)
    assert found.scores("support") is found.support
    assert found.scores("method") is found.method_scores
    assert found.scores("mean_probability") is found.mean_probability
    assert found.scores("margin") is found.margin


@pytest.mark.parametrize(
    ("at_least", "below", "escalates"),
    [(0.99, "review", True), (0.99, "warn", False), (-1.0, "review", False)],
)
def test_a_required_agreement_that_is_missed_sends_every_item_to_a_person(
    study: Path, at_least: float, below: BelowRequired, escalates: bool
) -> None:
    with LedgerReader.open(study) as reader:
        loaded = Study.load(reader)
        variable = replace(
            loaded.codebook.variable("topic"),
            required_agreement=RequiredAgreement("AC1", at_least, below),
        )
        found = decide(
            loaded.recorded, variable=variable, method=method_named("majority"), policies=[]
        )
    assert found.escalated.all() == escalates
    codes = {code for item in range(ITEMS) for code in found.codes(item)}
    assert ("required_agreement" in codes) == escalates


def test_items_with_the_same_reasons_have_equal_patterns(study: Path) -> None:
    found = decided(study, policies={"support_below": {"limit": 0.9}})
    patterns = found.reason_patterns()
    assert len(patterns) == ITEMS
    by_pattern: dict[object, set[tuple[str, ...]]] = {}
    for item, pattern in enumerate(patterns.tolist()):
        by_pattern.setdefault(pattern, set()).add(found.reasons(item))
    assert all(len(reasons) == 1 for reasons in by_pattern.values())


def test_a_method_that_needs_the_probabilities_of_all_items_refuses_ratings(study: Path) -> None:
    with LedgerReader.open(study) as reader:
        loaded = Study.load(reader)
        with pytest.raises(EnsembleError, match=r'"chain" needs probabilities'):
            decide(
                replace(loaded.recorded, scored=False),
                variable=loaded.codebook.variable("topic"),
                method=method_named("chain"),
                policies=(),
            )
