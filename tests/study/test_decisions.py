"""Every method and policy decides a whole study from its ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import localensemble.study.decisions as decisions_module
import localensemble.study.study_labels as labels_module
from localensemble.api.label import LabelOptions, label
from localensemble.consensus.methods.named_methods import method_named
from localensemble.consensus.policies.named_policies import policy_named
from localensemble.core.errors import EnsembleError
from localensemble.ledger.read import LedgerReader
from localensemble.study.decisions import Decisions, check_rules, decide
from localensemble.study.study import Study
from tests.studies import study_files

ITEMS = 90


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    files = study_files(tmp_path_factory.mktemp("decided"), [f"comment {n}" for n in range(ITEMS)])
    label(
        files.items,
        codebook=files.codebook,
        study=files.study,
        options=LabelOptions(ensemble=files.ensemble),
    )
    return files.study / "study.sqlite"


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
    ["majority", "unanimous", "mean_probability", "one_coin_dawid_skene", "dawid_skene", "mace"],
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
