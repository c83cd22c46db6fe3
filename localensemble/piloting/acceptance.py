"""What share of labels the ensemble's rules would accept, from the answers to a few items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from localensemble.agreement import gwet_ac1
from localensemble.consensus.certificates.bounds import Interval, exact_interval
from localensemble.consensus.policies.escalation import (
    STAGE_BUDGET,
    EscalationPolicy,
    Evidence,
    escalate,
)
from localensemble.consensus.rules import DecisionRules
from localensemble.piloting.variable_answers import VariableAnswers
from localensemble.study.decisions import safety_policy


@dataclass(frozen=True, slots=True)
class Acceptance:
    """How many items of the pilot would be accepted on one variable.

    Attributes:
        raters: the raters whose labels count.
        accepted: items whose label would be accepted.
        items: all items of the pilot.
        interval: exact 95% interval of the share.
        left_out: names of the rules that need the whole study and were not applied.
    """

    raters: tuple[str, ...]
    accepted: int
    items: int
    interval: Interval
    left_out: tuple[str, ...]


def expected_acceptance(
    answers: VariableAnswers, *, rules: DecisionRules, without: Sequence[str] = ()
) -> Acceptance:
    """Apply the rules to the pilot's items.

    A budget, control items and a required agreement are left out by name: they concern the
    whole study.

    Args:
        answers: what the raters said.
        rules: the ensemble's rules.
        without: raters that are treated as unfit, besides those of the rules.

    Raises:
        EnsembleError: no rater would be left, or a rule names a rater that is left out.
    """
    variable = answers.variable
    rules = rules.with_unfit((*rules.unfit, *without))
    kept = rules.fit(answers.labels.raters)
    places = [answers.column(name) for name in kept]
    matrix = answers.among(kept)
    probabilities = answers.probabilities[:, places]
    policies = (*rules.policies_for(variable.name), *safety_policy(variable))
    applied = [policy for policy in policies if _applies(policy)]
    left_out = [policy.name for policy in policies if policy not in applied]
    if variable.required_agreement is not None:
        left_out.append("required_agreement")
    agreement = gwet_ac1(matrix).value
    evidence = Evidence(
        matrix,
        rules.method.derive(matrix, probabilities=probabilities),
        probabilities,
        answers.off_codebook_mass[:, places],
        item_ids=answers.item_ids,
        agreement=np.nan if agreement is None else agreement,
        injection_signs=answers.injection_signs,
    )
    found = escalate(evidence, policies=applied)
    items = matrix.item_count
    accepted = items - int(np.count_nonzero(found.mask))
    interval = exact_interval(accepted, items=items)
    return Acceptance(kept, accepted, items, interval, tuple(left_out))


def _applies(policy: EscalationPolicy) -> bool:
    return policy.stage != STAGE_BUDGET and "control" not in policy.needs
