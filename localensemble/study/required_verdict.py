"""The agreement that a codebook requires on a variable, and whether the raters reach it."""

from __future__ import annotations

from localensemble.agreement import AgreementSettings, Requirement, Verdict, method_named
from localensemble.agreement.result import Level as AgreementLevel
from localensemble.codebook.model import Level, Variable
from localensemble.core.label_matrix import LabelMatrix

REQUIRED_CONFIDENCE = 0.95

# Two categories have no order that weights could use.
AGREEMENT_LEVEL: dict[Level, AgreementLevel] = {
    "binary": "nominal",
    "nominal": "nominal",
    "ordinal": "ordinal",
}


def requirement_of(variable: Variable) -> Requirement | None:
    """Return the agreement that the codebook requires on a variable; None if it requires none."""
    required = variable.required_agreement
    return Requirement(required.coefficient, required.at_least) if required else None


def required_verdict(matrix: LabelMatrix, *, variable: Variable) -> Verdict | None:
    """Return whether raters reach the required agreement; None if the codebook requires none.

    The lower end of the default 95% interval is compared. A coefficient without a value or an
    interval does not reach it.
    """
    requirement = requirement_of(variable)
    if requirement is None:
        return None
    method = method_named(requirement.coefficient)
    settings = AgreementSettings(
        level=AGREEMENT_LEVEL[variable.level],
        weights="ordinal" if method.uses_weights == "required" else "identity",
        confidence_level=REQUIRED_CONFIDENCE,
    )
    return requirement.check([method.compute(matrix, settings)])
