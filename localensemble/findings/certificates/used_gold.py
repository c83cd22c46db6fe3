"""Count the gold labels that a study has used: they trained a rater, or fitted a pool."""

from __future__ import annotations

from dataclasses import replace

from localensemble.findings.fitted_pools import is_pooled_on
from localensemble.findings.study_findings import StudyFindings, VariableFindings
from localensemble.study.gold import GoldLabels
from localensemble.study.study import Study


def with_used_gold(
    findings: StudyFindings, *, loaded: Study, gold: GoldLabels | None
) -> StudyFindings:
    """Count the gold items of each variable that trained a rater or fitted its pool."""
    if gold is None:
        return findings
    trained = loaded.is_trained_on()

    def counted_in(one: VariableFindings) -> VariableFindings:
        answers = gold.categories.get(one.name)
        if one.gold is None or answers is None:
            return one
        known = answers >= 0
        used = known & (trained | is_pooled_on(loaded, variable=one.name, known=known))
        return replace(one, gold=replace(one.gold, used_items=int(used.sum())))

    return replace(findings, variables=tuple(counted_in(one) for one in findings.variables))
