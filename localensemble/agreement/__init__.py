"""Coefficients of agreement between raters: pure functions of a label matrix."""

from localensemble.agreement.coefficients import (
    brennan_prediger,
    cohen_kappa,
    conger_kappa,
    fleiss_kappa,
    gwet_ac1,
    gwet_ac2,
    percent_agreement,
    scott_pi,
)
from localensemble.agreement.intervals import Analytic, Bootstrap, Interval, Jackknife
from localensemble.agreement.krippendorff import LEVELS, krippendorff_alpha
from localensemble.agreement.methods import (
    ALL_COEFFICIENTS,
    AgreementSettings,
    CoefficientMethod,
    method_named,
)
from localensemble.agreement.prepared import Labels, PreparedMatrix, prepare
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
    "WEIGHT_SCHEMES",
    "AgreementError",
    "AgreementSettings",
    "Analytic",
    "Bootstrap",
    "Coefficient",
    "CoefficientMethod",
    "Interval",
    "IntervalMethod",
    "Jackknife",
    "Labels",
    "Level",
    "LevelError",
    "PreparedMatrix",
    "WeightScheme",
    "agreement_weights",
    "brennan_prediger",
    "cohen_kappa",
    "conger_kappa",
    "fleiss_kappa",
    "gwet_ac1",
    "gwet_ac2",
    "krippendorff_alpha",
    "method_named",
    "percent_agreement",
    "prepare",
    "scott_pi",
]
