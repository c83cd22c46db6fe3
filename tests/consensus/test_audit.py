"""The audit estimate: unbiased, with an interval that covers as often as it says."""

from __future__ import annotations

import numpy as np
import pytest

from localensemble.consensus.certificates.audit import estimate_accuracy
from localensemble.consensus.certificates.bounds import exact_interval
from localensemble.consensus.methods.named_methods import method_named
from localensemble.consensus.policies.escalation import Evidence, escalate
from localensemble.consensus.policies.named_policies import policy_named
from localensemble.consensus.policies.random_audit import audit_draw
from localensemble.core.label_matrix import LabelMatrix


def study(seed: int) -> tuple[LabelMatrix, np.ndarray]:
    """Three raters that share some of their errors, so that unanimous items can be wrong."""
    generator = np.random.default_rng(seed)
    truth = generator.integers(0, 3, 2_000)
    shared = np.where(generator.random(2_000) < 0.06, (truth + 1) % 3, truth)
    columns = [
        np.where(generator.random(2_000) < 0.85, shared, generator.integers(0, 3, 2_000))
        for _ in range(3)
    ]
    indices = np.stack(columns, axis=1).astype(np.int16)
    return LabelMatrix(indices, ("a", "b", "c"), ("x", "y", "z")), truth


@pytest.mark.slow  # simulates 200 studies
def test_the_interval_covers_the_true_accuracy_in_93_to_97_percent_of_200_studies() -> None:
    policies = [
        policy_named("support_below", settings={"limit": 0.9}),
        policy_named("random_audit", settings={"share": 0.2, "seed": 5}),
    ]
    covered, differences = [], []
    for seed in range(200):
        labels, truth = study(seed)
        consensus = method_named("majority").derive(labels)
        ids = [f"study-{seed}-item-{i}" for i in range(labels.item_count)]
        escalation = escalate(Evidence(labels, consensus, item_ids=ids), policies=policies)
        draw = audit_draw(escalation.reason_bits, reason_codes=escalation.reason_codes)
        right = consensus.categories == truth
        estimate = estimate_accuracy(
            accepted=int(draw.accepted.sum()),
            audited=int(draw.drawn.sum()),
            correct=int((draw.drawn & right).sum()),
        )
        assert estimate.accuracy is not None
        assert estimate.interval is not None
        true_accuracy = right[draw.accepted].mean()
        covered.append(estimate.interval.low <= true_accuracy <= estimate.interval.high)
        differences.append(estimate.accuracy - true_accuracy)
    assert 0.93 <= np.mean(covered) <= 0.97
    assert abs(np.mean(differences)) < 3 * np.std(differences) / np.sqrt(200)


@pytest.mark.slow  # computes the interval of every outcome
@pytest.mark.parametrize(
    ("accepted", "audited", "accuracy"), [(2_000, 200, 0.93), (800, 300, 0.97), (50_000, 400, 0.85)]
)
def test_the_coverage_is_close_to_95_percent_by_enumeration(
    accepted: int, audited: int, accuracy: float
) -> None:
    from scipy.stats import hypergeom

    total = int(accepted * accuracy)
    counts = np.arange(audited + 1)
    chances = hypergeom.pmf(counts, accepted, total, audited)
    coverage = 0.0
    for count in counts[chances > 1e-7]:
        interval = estimate_accuracy(
            accepted=accepted, audited=audited, correct=int(count)
        ).interval
        assert interval is not None
        if interval.low <= total / accepted <= interval.high:
            coverage += chances[count]
    assert coverage == pytest.approx(0.95, abs=0.015)


def test_auditing_everything_leaves_nothing_uncertain() -> None:
    found = estimate_accuracy(accepted=100, audited=100, correct=97)
    assert found.accuracy == 0.97
    assert found.interval is not None
    assert (found.interval.low, found.interval.high) == (0.97, 0.97)


def test_no_error_seen_is_not_no_error() -> None:
    found = estimate_accuracy(accepted=1_000, audited=50, correct=50)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(0.944, abs=0.002)
    assert found.interval.high == 1
    none = estimate_accuracy(accepted=1_000, audited=50, correct=0)
    assert none.interval is not None
    assert none.interval.low == 0
    assert none.interval.high == pytest.approx(1 - found.interval.low)


def test_the_interval_is_inside_the_exact_one_of_an_endless_file() -> None:
    found = estimate_accuracy(accepted=900_000, audited=500, correct=480)
    exact = exact_interval(480, items=500)
    assert found.interval is not None
    assert exact.low <= found.interval.low < 0.96 < found.interval.high <= exact.high


def test_an_audit_of_nothing_is_undefined_in_words() -> None:
    assert estimate_accuracy(accepted=5, audited=0, correct=0).undefined_because == (
        "no accepted item has been audited"
    )
    nothing = estimate_accuracy(accepted=0, audited=0, correct=0)
    assert nothing.undefined_because == "no item was accepted"
    assert nothing.accuracy is None
    assert nothing.interval is None


@pytest.mark.parametrize(("accepted", "audited", "correct"), [(5, 6, 1), (5, 3, 4), (5, 3, -1)])
def test_counts_that_do_not_fit_are_refused(accepted: int, audited: int, correct: int) -> None:
    with pytest.raises(ValueError, match="accepted items"):
        estimate_accuracy(accepted=accepted, audited=audited, correct=correct)
