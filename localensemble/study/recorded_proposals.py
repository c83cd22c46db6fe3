"""What the labelers and adjudicators of a study proposed, derived from its labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from localensemble.consensus.methods.roles import Proposals, Roles, proposals
from localensemble.consensus.rules import DecisionRules, recorded_rules
from localensemble.core.label_matrix import LabelMatrix
from localensemble.study.study import Study


def roles_when_labeled(study: Study) -> Mapping[str, str]:
    """Return the roles of the raters other than labeler; empty if they had none."""
    rules = _rules_when_labeled(study)
    return rules.method.roles if rules and isinstance(rules.method, Roles) else {}


def recorded_proposals(study: Study) -> Mapping[str, Proposals]:
    """Return what was proposed for each variable, by its name; empty without roles."""
    rules = _rules_when_labeled(study)
    if rules is None or not isinstance(rules.method, Roles):
        return {}
    found = {}
    for variable in study.codebook.variables:
        labels = study.labeled.matrix(variable)
        fit = [place for place, name in enumerate(labels.raters) if name not in rules.unfit]
        counted = LabelMatrix(
            labels.indices[:, fit], labels.categories, tuple(labels.raters[one] for one in fit)
        )
        method = rules.method
        found[variable.name] = proposals(counted, roles=method.roles, accept=method.accept)
    return found


def _rules_when_labeled(study: Study) -> DecisionRules | None:
    # They may have been decided again since, by rules that know no roles.
    strategy = study.run.settings.strategy
    return None if strategy is None else recorded_rules(cast(Mapping[str, Any], strategy.rules))
