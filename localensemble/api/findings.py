"""The values in which findings are given, gathered for those who show them."""

from __future__ import annotations

from localensemble.agreement.result import Coefficient
from localensemble.consensus.certificates.category_prevalence import PREVALENCE_ASSUMPTIONS
from localensemble.findings.evaluation import Evaluation, Measure
from localensemble.findings.gold import Prices
from localensemble.findings.gold_comparison import (
    CorrectedPrevalence,
    GoldComparison,
    NamedEvaluation,
    RankingQuality,
)
from localensemble.findings.study import (
    Accuracy,
    RaterFindings,
    RaterLabels,
    StudyFindings,
    VariableFindings,
)
from localensemble.report.wording import (
    agreement_verdict,
    coefficient_name,
    counted,
    required_sentences,
)

__all__ = [
    "PREVALENCE_ASSUMPTIONS",
    "Accuracy",
    "Coefficient",
    "CorrectedPrevalence",
    "Evaluation",
    "GoldComparison",
    "Measure",
    "NamedEvaluation",
    "Prices",
    "RankingQuality",
    "RaterFindings",
    "RaterLabels",
    "StudyFindings",
    "VariableFindings",
    "agreement_verdict",
    "coefficient_name",
    "counted",
    "required_sentences",
]
