"""Policies that look beyond one item."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from localensemble.consensus.methods.named_methods import method_named
from localensemble.consensus.policies.escalation import (
    Escalation,
    EscalationPolicy,
    Evidence,
    escalate,
)
from localensemble.consensus.policies.named_policies import policy_named
from localensemble.consensus.policies.random_audit import audit_draw
from localensemble.consensus.policies.required_agreement import RequiredAgreementMissed
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import LabelMatrix
from localensemble.core.random_draw import DrawPurpose, random_draw


def policy(name: str, **settings: object) -> EscalationPolicy:
    return policy_named(name, settings=settings)


def many(item_count: int, *, seed: int = 0) -> LabelMatrix:
    generator = np.random.default_rng(seed)
    indices = generator.choice([0, 0, 0, 0, 1], size=(item_count, 3)).astype(np.int16)
    return LabelMatrix(indices, ("a", "b"), ("x", "y", "z"))


def evidence_of(
    labels: LabelMatrix,
    *,
    control: NDArray[np.int16] | None = None,
    agreement: float | None = None,
    first: int = 0,
) -> Evidence:
    return Evidence(
        labels,
        method_named("majority").derive(labels),
        item_ids=[f"item-{first + i}" for i in range(labels.item_count)],
        control=control,
        agreement=agreement,
    )


@pytest.mark.parametrize(
    ("agreement", "escalated"), [(0.7, False), (0.69, True), (float("nan"), True)]
)
def test_too_little_agreement_escalates_the_whole_variable(
    agreement: float, escalated: bool
) -> None:
    evidence = evidence_of(many(5), agreement=agreement)
    result = escalate(evidence, policies=[policy("agreement_below", required=0.7)])
    assert result.mask.tolist() == [escalated] * 5
    if escalated:
        assert result.reasons(0) == ("agreement on the variable below 0.7, or undefined",)


def test_agreement_that_was_not_computed_is_an_error() -> None:
    with pytest.raises(EnsembleError, match="needs the agreement"):
        escalate(evidence_of(many(5)), policies=[policy("agreement_below", required=0.7)])


def test_a_control_item_with_another_consensus_is_escalated() -> None:
    labels = LabelMatrix(
        np.array([[0, 0], [0, 0], [1, 1], [0, 1]], dtype=np.int16), ("a", "b"), ("x", "y")
    )
    control = np.array([0, 1, -1, 0], dtype=np.int16)
    result = escalate(evidence_of(labels, control=control), policies=[policy("control_missed")])
    assert result.mask.tolist() == [False, True, False, True]
    assert result.reasons(1) == ("consensus differs from the control label",)
    assert result.reasons(3) == ("tie between categories",)
    with pytest.raises(EnsembleError, match="needs control labels"):
        escalate(evidence_of(labels), policies=[policy("control_missed")])


def test_a_budget_is_filled_with_the_least_certain_accepted_items() -> None:
    labels = LabelMatrix(
        np.array([[0, 0, 0], [0, 0, 1], [0, 1, -1], [0, 0, 1], [0, 0, 0]], dtype=np.int16),
        ("a", "b"),
        ("x", "y", "z"),
    )
    result = escalate(evidence_of(labels), policies=[policy("budget", items=2)])
    assert result.mask.tolist() == [False, True, True, False, False]
    assert result.queue().tolist() == [2, 1]
    assert result.reasons(1) == ("among the 2 most doubtful",)


def test_a_budget_never_drops_what_other_policies_escalate() -> None:
    labels = many(200)
    strict = [policy("support_below", limit=0.9)]
    without = escalate(evidence_of(labels), policies=strict)
    assert without.mask.sum() > 10
    budget = escalate(evidence_of(labels), policies=[policy("budget", items=10), *strict])
    np.testing.assert_array_equal(budget.mask, without.mask)
    counts = zip(budget.reason_codes, budget.reason_counts(), strict=True)
    assert [count for code, (_, count) in counts if code == "budget"] == [10]


def audited(labels: LabelMatrix, *, share: float, seed: int = 0, first: int = 0) -> Escalation:
    return escalate(
        evidence_of(labels, first=first),
        policies=[
            policy("random_audit", share=share, seed=seed),
            policy("support_below", limit=0.9),
        ],
    )


def test_the_audit_draws_its_share_from_accepted_items_only() -> None:
    labels = many(20_000)
    plain = escalate(evidence_of(labels), policies=[policy("support_below", limit=0.9)])
    result = audited(labels, share=0.1)
    draw = audit_draw(result.reason_bits, reason_codes=result.reason_codes)
    np.testing.assert_array_equal(draw.accepted, ~plain.mask)
    np.testing.assert_array_equal(result.mask, plain.mask | draw.drawn)
    assert not (draw.drawn & plain.mask).any()
    assert draw.drawn.sum() / draw.accepted.sum() == pytest.approx(0.1, abs=0.01)
    assert result.codes(int(np.flatnonzero(draw.drawn)[0])) == ("random_audit",)


def test_the_audit_draws_the_same_items_in_blocks_and_after_other_seeds() -> None:
    labels = many(1_000)
    whole = audited(labels, share=0.2)
    parts = [
        audited(
            LabelMatrix(labels.indices[i : i + 300], labels.categories, labels.raters),
            share=0.2,
            first=i,
        )
        for i in range(0, 1_000, 300)
    ]
    joined = np.concatenate([part.reason_bits for part in parts])
    np.testing.assert_array_equal(joined, whole.reason_bits)
    assert (audited(labels, share=0.2, seed=1).mask != whole.mask).any()
    np.testing.assert_array_equal(audited(labels, share=0.2).mask, whole.mask)


def test_the_audit_comes_last_in_the_queue_and_adds_no_doubt() -> None:
    labels = many(500)
    plain = escalate(evidence_of(labels), policies=[policy("support_below", limit=0.9)])
    result = audited(labels, share=0.3)
    np.testing.assert_array_equal(result.doubt, plain.doubt)
    queue = result.queue()
    assert plain.mask[queue[: plain.mask.sum()]].all()


def test_no_audit_means_nothing_drawn() -> None:
    result = escalate(evidence_of(many(10)), policies=[])
    draw = audit_draw(result.reason_bits, reason_codes=result.reason_codes)
    assert not draw.drawn.any()
    assert audited(many(10), share=0).mask.sum() <= 10
    everything = audited(many(50), share=1)
    assert everything.mask.all()


def test_an_audit_needs_item_ids() -> None:
    labels = many(3)
    evidence = Evidence(labels, method_named("majority").derive(labels))
    with pytest.raises(EnsembleError, match="needs the ids of the items"):
        escalate(evidence, policies=[policy("random_audit", share=0.1)])


@pytest.mark.parametrize("purpose", ["sample", "audit"])
def test_draws_are_even_and_differ_between_ids_and_seeds(purpose: DrawPurpose) -> None:
    draws = np.array([random_draw(f"item-{i}", seed=7, purpose=purpose) for i in range(5_000)])
    assert 0 <= draws.min() < draws.max() < 1
    counts, _ = np.histogram(draws, bins=10, range=(0, 1))
    assert counts.min() > 400
    first, second = (random_draw("item-1", seed=seed, purpose=purpose) for seed in (1, 2))
    assert first != second


def test_an_audit_does_not_find_the_items_of_a_worksheet_again() -> None:
    ids = [f"item-{i}" for i in range(5_000)]
    sampled = np.array([random_draw(one, seed=0, purpose="sample") for one in ids])
    audited = np.array([random_draw(one, seed=0, purpose="audit") for one in ids])
    assert abs(np.corrcoef(sampled, audited)[0, 1]) < 0.05
    # Of 500 items each, chance lets 50 be the same.
    both = set(np.argsort(sampled)[:500].tolist()) & set(np.argsort(audited)[:500].tolist())
    assert 25 < len(both) < 80


def test_less_agreement_than_the_codebook_requires_escalates_every_item() -> None:
    missed = RequiredAgreementMissed("AC1 >= 0.6")
    result = escalate(evidence_of(many(5)), policies=[missed])
    assert result.mask.all()
    assert "AC1 >= 0.6" in result.reasons(0)[0]
    assert result.codes(0)[-1] == "required_agreement"
    assert dict(missed.settings) == {"required": '"AC1 >= 0.6"'}


def test_the_reason_of_a_budget_is_known_by_its_code() -> None:
    policies = [policy("budget", items=2), policy("support_below", limit=0.9)]
    result = escalate(evidence_of(many(50)), policies=policies)
    counts = zip(result.reason_codes, result.reason_counts(), strict=True)
    ((text, count),) = [counted for code, counted in counts if code == "budget"]
    assert (count, "2" in text) == (2, True)
