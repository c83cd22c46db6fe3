"""The agreement on a variable of a codebook, and what a text about it must cite.

Who shows findings takes the values of agreement from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from localensemble.agreement import (
    SCALES,
    Agreement,
    AgreementSettings,
    Benchmark,
    Coefficient,
    ErrorDependence,
    PairAgreement,
    RaterProfile,
    Requirement,
    ResampledCoefficient,
    Verdict,
    measure_agreement,
    method_named,
)
from localensemble.agreement.result import Level as AgreementLevel
from localensemble.codebook.model import Level, Variable
from localensemble.core.label_matrix import LabelMatrix

__all__ = [
    "BOOTSTRAP_RESAMPLES",
    "BOOTSTRAP_SEED",
    "Agreement",
    "Benchmark",
    "Coefficient",
    "CoefficientSource",
    "ErrorDependence",
    "PairAgreement",
    "RaterProfile",
    "Requirement",
    "ResampledCoefficient",
    "Verdict",
    "coefficient_sources",
    "required_verdict",
    "requirement_of",
    "scale_citation",
    "variable_agreement",
]

REQUIRED_CONFIDENCE = 0.95
BOOTSTRAP_RESAMPLES = 1000
BOOTSTRAP_SEED = 0

# Two categories have no order that a weight could use.
_AGREEMENT_LEVEL: dict[Level, AgreementLevel] = {
    "binary": "nominal",
    "nominal": "nominal",
    "ordinal": "ordinal",
}


@dataclass(frozen=True, slots=True)
class CoefficientSource:
    """What a methods paragraph says of a coefficient.

    Attributes:
        name: of the coefficient.
        chance: what it takes for chance agreement, as a clause.
        citation: the paper to cite.
    """

    name: str
    chance: str
    citation: str


def variable_agreement(matrix: LabelMatrix, *, level: Level) -> Agreement:
    """Measure the agreement on one variable of a study in every way there is."""
    return measure_agreement(
        matrix,
        level=_AGREEMENT_LEVEL[level],
        resamples=BOOTSTRAP_RESAMPLES,
        seed=BOOTSTRAP_SEED,
    )


def requirement_of(variable: Variable) -> Requirement | None:
    """Give the agreement that the codebook requires on a variable; None where it is silent."""
    required = variable.required_agreement
    return Requirement(required.coefficient, required.at_least) if required else None


def required_verdict(matrix: LabelMatrix, *, variable: Variable) -> Verdict | None:
    """Say whether raters agree as far as the codebook requires; None where it does not.

    The lower end of the analytic 95 % interval is compared. A coefficient without value or
    interval does not reach anything.
    """
    requirement = requirement_of(variable)
    if requirement is None:
        return None
    method = method_named(requirement.coefficient)
    settings = AgreementSettings(
        level=_AGREEMENT_LEVEL[variable.level],
        weights="ordinal" if method.name == "AC2" else "identity",
        confidence_level=REQUIRED_CONFIDENCE,
    )
    return requirement.check([method.compute(matrix, settings)])


def coefficient_sources(coefficients: Iterable[Coefficient]) -> tuple[CoefficientSource, ...]:
    """Say what each of the coefficients assumes and cites, each once, in their order."""
    names = dict.fromkeys(coefficient.name for coefficient in coefficients)
    methods = [method_named(name) for name in names]
    return tuple(CoefficientSource(one.name, one.chance, one.citation) for one in methods)


def scale_citation(name: str) -> str:
    """Give the source of a benchmark scale."""
    return next(scale.citation for scale in SCALES if scale.name == name)
