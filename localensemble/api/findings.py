"""The types of findings, re-exported for the code that shows them."""

from __future__ import annotations

from localensemble.agreement.result import Coefficient
from localensemble.consensus.certificates.category_prevalence import PREVALENCE_ASSUMPTIONS
from localensemble.core.words import counted
from localensemble.findings.evaluation import Evaluation, Measure
from localensemble.findings.fitted_pools import PoolFindings
from localensemble.findings.gold_comparison import (
    CorrectedPrevalence,
    GoldComparison,
    NamedEvaluation,
    RankingQuality,
)
from localensemble.findings.people.people_findings import PeopleFindings
from localensemble.findings.study_findings import (
    Accuracy,
    RaterFindings,
    RaterLabels,
    StudyFindings,
    VariableFindings,
)
from localensemble.report.agreement_wording import (
    agreement_statement,
    agreement_verdict,
    leading_coefficient,
)
from localensemble.report.strategy_wording import compared_items, strategy_sentence
from localensemble.report.wording import (
    coefficient_name,
    no_answer_sentences,
    off_codebook_verdict,
    position_sentences,
    required_sentences,
    unfit_sentences,
)
from localensemble.study.gold import Prices

__all__ = [
    "PREVALENCE_ASSUMPTIONS",
    "Accuracy",
    "Coefficient",
    "CorrectedPrevalence",
    "Evaluation",
    "GoldComparison",
    "Measure",
    "NamedEvaluation",
    "PeopleFindings",
    "PoolFindings",
    "Prices",
    "RankingQuality",
    "RaterFindings",
    "RaterLabels",
    "StudyFindings",
    "VariableFindings",
    "agreement_statement",
    "agreement_verdict",
    "coefficient_name",
    "compared_items",
    "counted",
    "leading_coefficient",
    "no_answer_sentences",
    "off_codebook_verdict",
    "position_sentences",
    "required_sentences",
    "strategy_sentence",
    "unfit_sentences",
]
