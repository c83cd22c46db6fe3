"""A text with a sign of prompt injection goes to a person, each kind of sign in its own words."""

from __future__ import annotations

import numpy as np
import pytest

from localensemble.consensus.methods.named_methods import method_named
from localensemble.consensus.policies.escalation import Evidence, escalate
from localensemble.consensus.policies.named_policies import policy_named
from localensemble.core.injection_signs import InjectionSign, as_bits
from localensemble.core.label_matrix import LabelMatrix

POLICY = policy_named("suspected_injection")


def agreed(items: int) -> LabelMatrix:
    """All three raters give the same category to every item."""
    return LabelMatrix(np.zeros((items, 3), np.int16), ("a", "b"), ("ann", "bo", "cy"))


def evidence(*signs: int, looked: bool = True) -> Evidence:
    labels = agreed(len(signs))
    held = np.array(signs, dtype=np.int64) if looked else None
    return Evidence(labels, method_named("majority").derive(labels), injection_signs=held)


def test_only_items_with_a_sign_are_escalated() -> None:
    both = as_bits((InjectionSign.TURN_MARK, InjectionSign.HIDDEN_TEXT))
    found = escalate(evidence(0, InjectionSign.INSTRUCTION.bit, both), policies=[POLICY])
    assert found.mask.tolist() == [False, True, True]
    assert found.codes(1) == ("suspected_injection",)
    assert "an instruction to a model" in found.reasons(1)[0]
    assert len(found.reasons(2)) == 2


def test_suspected_items_come_before_merely_doubtful_ones() -> None:
    found = escalate(evidence(0, InjectionSign.INSTRUCTION.bit), policies=[POLICY])
    assert found.doubt[1] >= 300
    assert found.doubt[0] < 100


def test_texts_that_nobody_looked_at_are_not_escalated() -> None:
    assert not escalate(evidence(0, 0, looked=False), policies=[POLICY]).mask.any()


def test_the_codes_in_ledgers_and_their_places_stay() -> None:
    assert [(str(sign), sign.bit) for sign in InjectionSign] == [
        ("turn_mark", 1),
        ("instruction", 2),
        ("given_answer", 4),
        ("imitated_prompt", 8),
        ("repeated_category", 16),
        ("unseen_characters", 32),
        ("mixed_alphabets", 64),
        ("hidden_text", 128),
    ]
    assert all(sign.words for sign in InjectionSign)


def test_signs_for_another_number_of_items_are_refused() -> None:
    labels = agreed(2)
    with pytest.raises(ValueError, match="injection_signs"):
        Evidence(
            labels, method_named("majority").derive(labels), injection_signs=np.zeros(1, np.int64)
        )
