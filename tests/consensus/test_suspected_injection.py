"""A text with signs of prompt injection goes to a person, with all its signs in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from localensemble.consensus.methods.named_methods import method_named
from localensemble.consensus.policies.escalation import Evidence, escalate
from localensemble.consensus.policies.named_policies import policy_named
from localensemble.consensus.policies.suspected_injection import LABEL_DEPENDS_ON_SIGN
from localensemble.core.injection_signs import InjectionSign, as_bits
from localensemble.core.label_matrix import LabelMatrix

POLICY = policy_named("suspected_injection")


def agreed(items: int) -> LabelMatrix:
    """All three raters give the same category to every item."""
    return LabelMatrix(np.zeros((items, 3), np.int16), ("a", "b"), ("ann", "bo", "cy"))


def evidence(*signs: int, looked: bool = True, changed: Sequence[int] = ()) -> Evidence:
    """The rater "bo" gave another label to the texts at these places without their signs."""
    labels = agreed(len(signs))
    held = np.array(signs, dtype=np.int64) if looked else None
    masks = np.zeros((len(signs), 3), dtype=np.bool_)
    masks[list(changed), 1] = True
    return Evidence(
        labels,
        method_named("majority").derive(labels),
        injection_signs=held,
        changed_without_signs=masks,
    )


def test_only_items_with_a_sign_are_escalated() -> None:
    both = as_bits((InjectionSign.TURN_MARK, InjectionSign.HIDDEN_TEXT))
    found = escalate(evidence(0, InjectionSign.INSTRUCTION.bit, both), policies=[POLICY])
    assert found.mask.tolist() == [False, True, True]
    assert found.codes(1) == ("suspected_injection",)
    assert "an instruction to a model" in found.reasons(1)[0]


def test_all_signs_of_a_text_are_in_one_sentence_without_names_of_raters() -> None:
    every = as_bits(InjectionSign)
    found = escalate(evidence(every, 0), policies=[POLICY])
    (reason,) = found.reasons(0)
    assert reason.count("suspected prompt injection") == 1
    assert all(sign.words in reason for sign in InjectionSign)
    assert found.reasons_without_raters(0) == (reason,)
    assert found.reasons_without_raters(1) == ()


def test_signs_are_counted_in_one_line() -> None:
    given = (InjectionSign.TURN_MARK.bit, InjectionSign.INSTRUCTION.bit, 3)
    found = escalate(evidence(*given), policies=[POLICY])
    counts = {text: count for text, count in found.reason_counts() if count}
    ((line, count),) = counts.items()
    assert count == 3
    assert "turns of a chat with a model (2)" in line
    assert "an instruction to a model (2)" in line


def test_a_label_that_changes_without_the_signs_is_a_reason_that_comes_first() -> None:
    sign = InjectionSign.INSTRUCTION.bit
    found = escalate(evidence(255, sign, changed=[1]), policies=[POLICY])
    assert found.codes(1) == ("suspected_injection", LABEL_DEPENDS_ON_SIGN)
    assert found.reasons(1)[1].startswith("the label of bo changes when the suspicious sentence")
    assert found.reasons_without_raters(1)[1].startswith("the label changes when the suspicious")
    assert found.queue().tolist() == [1, 0]


def test_a_label_that_changes_is_no_reason_without_a_sign() -> None:
    assert not escalate(evidence(0, 0, changed=[1]), policies=[POLICY]).mask.any()
    assert not escalate(evidence(0, looked=False, changed=[0]), policies=[POLICY]).mask.any()


def test_changes_for_another_number_of_raters_are_refused() -> None:
    labels = agreed(2)
    with pytest.raises(ValueError, match="changed_without_signs"):
        Evidence(
            labels,
            method_named("majority").derive(labels),
            changed_without_signs=np.zeros((2, 1), np.bool_),
        )


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
