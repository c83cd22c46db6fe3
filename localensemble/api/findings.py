"""The values in which findings are given, gathered for those who show them."""

from __future__ import annotations

from localensemble.agreement.result import Coefficient
from localensemble.findings.evaluation import Evaluation, Measure
from localensemble.findings.study import (
    Accuracy,
    RaterFindings,
    RaterLabels,
    StudyFindings,
    VariableFindings,
)

__all__ = [
    "Accuracy",
    "Coefficient",
    "Evaluation",
    "Measure",
    "RaterFindings",
    "RaterLabels",
    "StudyFindings",
    "VariableFindings",
]
