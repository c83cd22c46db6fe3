"""Coefficients of agreement between raters: pure functions of a label matrix."""

from localensemble.agreement.benchmark import SCALES, Benchmark, Scale, ScaleName, benchmark
from localensemble.agreement.breakdown import (
    CategoryAgreement,
    ItemAgreement,
    PairAgreement,
    RaterInfluence,
    RaterProfile,
    SameAnswer,
    category_agreement,
    item_agreement,
    leave_one_rater_out,
    rater_pairs,
    rater_profiles,
)
from localensemble.agreement.coefficients import (
    ALL_COEFFICIENTS,
    brennan_prediger,
    coefficient_named,
    cohen_kappa,
    conger_kappa,
    fleiss_kappa,
    gwet_ac1,
    gwet_ac2,
    method_named,
    percent_agreement,
    scott_pi,
)
from localensemble.agreement.dependence import (
    DoubleFault,
    ErrorDependence,
    ExcessAgreement,
    error_dependence,
    excess_agreement,
)
from localensemble.agreement.intervals import Analytic, Bootstrap, Interval, Jackknife
from localensemble.agreement.krippendorff import LEVELS, krippendorff_alpha
from localensemble.agreement.measure import (
    Agreement,
    ItemCounts,
    ResampledCoefficient,
    measure_agreement,
)
from localensemble.agreement.methods import AgreementSettings, CoefficientMethod
from localensemble.agreement.prepared import Labels, PreparedMatrix, prepare
from localensemble.agreement.prevalence import Prevalence, prevalence
from localensemble.agreement.requirement import Requirement, Verdict
from localensemble.agreement.result import (
    AgreementError,
    Coefficient,
    IntervalMethod,
    Level,
    LevelError,
)
from localensemble.agreement.weights import WEIGHT_SCHEMES, WeightScheme, agreement_weights

__all__ = [
    "ALL_COEFFICIENTS",
    "LEVELS",
    "SCALES",
    "WEIGHT_SCHEMES",
    "Agreement",
    "AgreementError",
    "AgreementSettings",
    "Analytic",
    "Benchmark",
    "Bootstrap",
    "CategoryAgreement",
    "Coefficient",
    "CoefficientMethod",
    "DoubleFault",
    "ErrorDependence",
    "ExcessAgreement",
    "Interval",
    "IntervalMethod",
    "ItemAgreement",
    "ItemCounts",
    "Jackknife",
    "Labels",
    "Level",
    "LevelError",
    "PairAgreement",
    "PreparedMatrix",
    "Prevalence",
    "RaterInfluence",
    "RaterProfile",
    "Requirement",
    "ResampledCoefficient",
    "SameAnswer",
    "Scale",
    "ScaleName",
    "Verdict",
    "WeightScheme",
    "agreement_weights",
    "benchmark",
    "brennan_prediger",
    "category_agreement",
    "coefficient_named",
    "cohen_kappa",
    "conger_kappa",
    "error_dependence",
    "excess_agreement",
    "fleiss_kappa",
    "gwet_ac1",
    "gwet_ac2",
    "item_agreement",
    "krippendorff_alpha",
    "leave_one_rater_out",
    "measure_agreement",
    "method_named",
    "percent_agreement",
    "prepare",
    "prevalence",
    "rater_pairs",
    "rater_profiles",
    "scott_pi",
]
