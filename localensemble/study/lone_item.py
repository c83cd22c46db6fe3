"""The decision on an item that belongs to no study, from its labels alone.

Applies the rules that need nothing but the item. What compares items with each other, such as a
budget, is left out by name; it is never imitated.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from localensemble.codebook.model import Variable
from localensemble.consensus.policies.escalation import (
    STAGE_EVIDENCE,
    EscalationPolicy,
    Evidence,
    escalate,
)
from localensemble.consensus.rules import DecisionRules
from localensemble.core.label_matrix import GAP, LabelMatrix
from localensemble.core.labels import Label, is_without_answer
from localensemble.study.decisions import safety_policy

_OF_THE_STUDY = frozenset({"item_ids", "control", "agreement"})


@dataclass(frozen=True, slots=True)
class LoneDecision:
    """The decision on one item and variable.

    Attributes:
        method: the consensus method.
        category: the consensus category; None without a consensus.
        support: share of the assigned labels that chose it; None without a consensus.
        labels_used: number of assigned labels that count.
        escalated: whether a person would have to look; None if the method needs a study.
        reasons: why, in words.
        no_answer: whether the text answers nothing, so that nobody was asked.
        left_out: names of the rules that need a whole study and were not applied.
    """

    method: str
    category: str | None
    support: float | None
    labels_used: int
    escalated: bool | None
    reasons: tuple[str, ...]
    left_out: tuple[str, ...]
    no_answer: bool = False


def decide_alone(
    labels: Mapping[str, Label],
    *,
    variable: Variable,
    rules: DecisionRules,
    sets_non_answers_apart: bool = False,
    injection_signs: int = 0,
    changed_without_signs: Collection[str] = (),
) -> LoneDecision:
    """Derive the consensus on one item, and whether a person would have to look.

    Args:
        labels: each rater's label on the variable, by the rater's name; unfit raters included.
        variable: the variable.
        rules: the rules; `check_rules` accepts them.
        sets_non_answers_apart: whether the codebook lists non-answers.
        injection_signs: the bits of the signs of prompt injection in the text.
        changed_without_signs: the raters that gave another label without the sentences that
            have signs.
    """
    raters = rules.fit(list(labels))
    counted = [labels[name] for name in raters]
    policies = (*rules.policies_for(variable.name), *safety_policy(variable))
    applied = tuple(policy for policy in policies if _needs_one_item(policy))
    left_out = [policy.name for policy in policies if policy not in applied]
    required = variable.required_agreement
    if required is not None and required.below == "review":
        left_out.append("required_agreement")
    method = rules.method_for(variable.name)
    if sets_non_answers_apart and all(is_without_answer(label.reason) for label in counted):
        return LoneDecision(method.name, None, None, 0, False, (), (), no_answer=True)
    used = sum(label.category is not None for label in counted)
    if not method.per_item:
        names = (method.name, *(policy.name for policy in applied), *left_out)
        return LoneDecision(method.name, None, None, used, None, (), names)
    found = _evidence(counted, raters, variable, rules)
    evidence = replace(
        found,
        injection_signs=np.array([injection_signs], dtype=np.int64),
        changed_without_signs=np.array([[name in changed_without_signs for name in raters]]),
    )
    consensus = evidence.consensus
    escalation = escalate(evidence, policies=applied)
    decided = bool(consensus.decided[0])
    return LoneDecision(
        method=method.name,
        category=variable.answers[int(consensus.categories[0])] if decided else None,
        support=float(consensus.support[0]) if decided else None,
        labels_used=used,
        escalated=bool(escalation.mask[0]),
        reasons=escalation.reasons(0),
        left_out=tuple(left_out),
    )


def _needs_one_item(policy: EscalationPolicy) -> bool:
    alone = policy.per_item and policy.stage == STAGE_EVIDENCE
    return alone and not _OF_THE_STUDY & set(policy.needs)


def _evidence(
    labels: list[Label], raters: tuple[str, ...], variable: Variable, rules: DecisionRules
) -> Evidence:
    indices = np.array(
        [[GAP if label.category is None else label.category for label in labels]], dtype=np.int16
    )
    unknown = (np.nan,) * len(variable.answers)
    probabilities = np.array(
        [[unknown if label.probabilities is None else label.probabilities for label in labels]],
        dtype=np.float64,
    )
    outside = np.array(
        [
            [
                np.nan if label.off_codebook_mass is None else label.off_codebook_mass
                for label in labels
            ]
        ],
        dtype=np.float64,
    )
    matrix = LabelMatrix(indices, variable.answers, raters)
    consensus = rules.method_for(variable.name).derive(matrix, probabilities=probabilities)
    return Evidence(matrix, consensus, probabilities, outside)
