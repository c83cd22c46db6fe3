"""Consensus methods side by side on the labels of one study: what each would decide."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Variable
from localensemble.consensus.methods.named_methods import method_named
from localensemble.consensus.policies.escalation import EscalationPolicy
from localensemble.consensus.protocol import ConsensusMethod
from localensemble.consensus.setting_fields import Settings
from localensemble.core.errors import EnsembleError
from localensemble.findings.evaluation import Evaluation, evaluate_labels
from localensemble.study.decisions import decide
from localensemble.study.study_labels import StudyLabels

CategoryArray = NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class MethodResult:
    """What one method decides about one variable.

    Attributes:
        method: the method's name.
        settings: its settings, as (name, canonical JSON).
        accepted: items with a final label, under the policies of the study.
        escalated: the items that a person decides.
        undecided: items without a consensus.
        converged: whether the method converged; None if it does not iterate.
        majorities: items with a consensus on which more than half of the labels agree.
        overruled: those of them on which the method names another category.
        consensus: the consensus against gold labels, if there are any.
        accepted_labels: final labels against gold labels.
        refused_because: why the method cannot decide this variable; then the rest is 0 or
            None.
    """

    method: str
    settings: Settings
    accepted: int
    escalated: int
    undecided: int
    converged: bool | None
    majorities: int
    overruled: int
    consensus: Evaluation | None
    accepted_labels: Evaluation | None
    refused_because: str


@dataclass(frozen=True, slots=True)
class MethodAgreement:
    """How far two methods agree: on ``same`` of the ``both`` items that both decide."""

    first: str
    second: str
    both: int
    same: int


@dataclass(frozen=True, slots=True, eq=False)
class MethodComparison:
    """Methods side by side on one variable."""

    variable: str
    results: tuple[MethodResult, ...]
    agreements: tuple[MethodAgreement, ...]


@dataclass(frozen=True, slots=True)
class MethodSource:
    """What a text about a consensus method must contain: its description and source."""

    clause: str
    citation: str


def method_source(rule: Mapping[str, object]) -> MethodSource:
    """Describe the consensus method of a study's rules, with its settings."""
    settings = {name: value for name, value in rule.items() if name != "method"}
    method = method_named(str(rule["method"]), settings=settings)
    return MethodSource(method.clause, method.citation)


def compare_methods(
    labels: StudyLabels,
    *,
    variable: Variable,
    methods: Sequence[ConsensusMethod],
    policies: Sequence[EscalationPolicy],
    gold: CategoryArray | None = None,
    control: CategoryArray | None = None,
) -> MethodComparison:
    """Decide one variable by several methods under the same policies.

    A method that cannot decide it reports why and is left out of the agreements.

    Args:
        labels: the labels of the study.
        variable: the variable.
        methods: the methods, in the order of the results.
        policies: the policies, the same for all methods.
        gold: (N,) gold categories to compare with, -1 elsewhere.
        control: (N,) known categories of control items, for the policy that needs them.
    """
    categories: dict[str, CategoryArray] = {}
    results = []
    for method in methods:
        try:
            decided = decide(
                labels, variable=variable, method=method, policies=policies, control=control
            )
        except EnsembleError as error:
            results.append(
                MethodResult(
                    method.name, method.settings, 0, 0, 0, None, 0, 0, None, None, error.message
                )
            )
            continue
        categories[method.name] = decided.categories
        escalated = int(np.count_nonzero(decided.escalated))
        results.append(
            MethodResult(
                method=method.name,
                settings=method.settings,
                accepted=int(np.count_nonzero(decided.accepted)),
                escalated=escalated,
                undecided=int(np.count_nonzero((decided.categories < 0) & ~decided.no_answer)),
                converged=decided.converged,
                majorities=decided.majorities,
                overruled=decided.overruled,
                consensus=_evaluated(decided.categories, gold, variable),
                accepted_labels=_evaluated(decided.final, gold, variable),
                refused_because="",
            )
        )
    return MethodComparison(
        variable.name,
        tuple(results),
        tuple(
            _agreement(first, second, categories) for first, second in combinations(categories, 2)
        ),
    )


def _evaluated(
    found: CategoryArray, gold: CategoryArray | None, variable: Variable
) -> Evaluation | None:
    if gold is None:
        return None
    ordered = variable.level == "ordinal"
    return evaluate_labels(found, gold=gold, categories=variable.answers, ordered=ordered)


def _agreement(first: str, second: str, categories: dict[str, CategoryArray]) -> MethodAgreement:
    both = (categories[first] >= 0) & (categories[second] >= 0)
    same = both & (categories[first] == categories[second])
    return MethodAgreement(first, second, int(both.sum()), int(same.sum()))
