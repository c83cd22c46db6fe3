"""The list of all coefficients: what each is called, assumes and cites, and how to compute it.

Tables, methods paragraphs and the contract tests read this list; a coefficient that is not
here is not offered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from numpy.typing import ArrayLike

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
from localensemble.agreement.intervals import ANALYTIC, Interval
from localensemble.agreement.krippendorff import krippendorff_alpha
from localensemble.agreement.prepared import Labels
from localensemble.agreement.result import Coefficient, Level
from localensemble.agreement.weights import WeightScheme


@dataclass(frozen=True, slots=True, eq=False)
class AgreementSettings:
    """How all coefficients of one variable are computed.

    Attributes:
        level: of measurement; only Krippendorff's alpha reads it.
        weights: agreement weights of the coefficients that take them.
        values: the categories' increasing numbers; 1..K when None.
        interval: how to find intervals.
        confidence_level: of the intervals.
    """

    level: Level
    weights: WeightScheme | ArrayLike = "identity"
    values: Sequence[float] | None = None
    interval: Interval = ANALYTIC
    confidence_level: float = 0.95


@dataclass(frozen=True, slots=True)
class CoefficientMethod:
    """One coefficient of the list.

    Attributes:
        name: as in ``Coefficient.name``.
        compute: the coefficient under given settings.
        takes_weights: whether ``AgreementSettings.weights`` changes it.
        two_raters: whether it is defined for exactly two raters only.
        chance: what it takes for chance agreement, as a clause for a methods paragraph.
        citation: the paper to cite.
    """

    name: str
    compute: Callable[[Labels, AgreementSettings], Coefficient]
    takes_weights: bool
    two_raters: bool
    chance: str
    citation: str


class _Weighted(Protocol):
    def __call__(
        self,
        labels: Labels,
        *,
        weights: WeightScheme | ArrayLike,
        values: Sequence[float] | None,
        interval: Interval,
        confidence_level: float,
    ) -> Coefficient: ...


def _weighted(function: _Weighted) -> Callable[[Labels, AgreementSettings], Coefficient]:
    def compute(labels: Labels, settings: AgreementSettings) -> Coefficient:
        return function(
            labels,
            weights=settings.weights,
            values=settings.values,
            interval=settings.interval,
            confidence_level=settings.confidence_level,
        )

    return compute


def _ac1(labels: Labels, settings: AgreementSettings) -> Coefficient:
    return gwet_ac1(labels, interval=settings.interval, confidence_level=settings.confidence_level)


def _alpha(labels: Labels, settings: AgreementSettings) -> Coefficient:
    return krippendorff_alpha(
        labels,
        level=settings.level,
        values=settings.values,
        interval=settings.interval,
        confidence_level=settings.confidence_level,
    )


ALL_COEFFICIENTS: tuple[CoefficientMethod, ...] = (
    CoefficientMethod(
        "percent agreement",
        _weighted(percent_agreement),
        takes_weights=True,
        two_raters=False,
        chance="no correction for chance",
        citation="Gwet KL (2014). Handbook of Inter-Rater Reliability, 4th ed. Advanced Analytics.",
    ),
    CoefficientMethod(
        "AC1",
        _ac1,
        takes_weights=False,
        two_raters=False,
        chance="guessing on the items that are hard to label",
        citation="Gwet KL (2008). Computing inter-rater reliability and its variance in the "
        "presence of high agreement. Br J Math Stat Psychol 61:29-48.",
    ),
    CoefficientMethod(
        "AC2",
        _weighted(gwet_ac2),
        takes_weights=True,
        two_raters=False,
        chance="guessing on the items that are hard to label",
        citation="Gwet KL (2014). Handbook of Inter-Rater Reliability, 4th ed. Advanced Analytics.",
    ),
    CoefficientMethod(
        "Fleiss kappa",
        _weighted(fleiss_kappa),
        takes_weights=True,
        two_raters=False,
        chance="all raters drawing from the same category shares",
        citation="Fleiss JL (1971). Measuring nominal scale agreement among many raters. "
        "Psychol Bull 76:378-382.",
    ),
    CoefficientMethod(
        "Conger kappa",
        _weighted(conger_kappa),
        takes_weights=True,
        two_raters=False,
        chance="each rater drawing from its own category shares",
        citation="Conger AJ (1980). Integration and generalization of kappas for multiple "
        "raters. Psychol Bull 88:322-328.",
    ),
    CoefficientMethod(
        "Brennan-Prediger",
        _weighted(brennan_prediger),
        takes_weights=True,
        two_raters=False,
        chance="all declared categories being equally likely",
        citation="Brennan RL, Prediger DJ (1981). Coefficient kappa: some uses, misuses, and "
        "alternatives. Educ Psychol Meas 41:687-699.",
    ),
    CoefficientMethod(
        "Krippendorff alpha",
        _alpha,
        takes_weights=False,
        two_raters=False,
        chance="shuffling the labels among the items",
        citation="Krippendorff K (2011). Computing Krippendorff's alpha-reliability. "
        "University of Pennsylvania, Departmental Papers (ASC) 43.",
    ),
    CoefficientMethod(
        "Cohen kappa",
        _weighted(cohen_kappa),
        takes_weights=True,
        two_raters=True,
        chance="each rater drawing from its own category shares",
        citation="Cohen J (1960). A coefficient of agreement for nominal scales. Educ Psychol "
        "Meas 20:37-46.",
    ),
    CoefficientMethod(
        "Scott pi",
        _weighted(scott_pi),
        takes_weights=True,
        two_raters=True,
        chance="both raters drawing from the same category shares",
        citation="Scott WA (1955). Reliability of content analysis: the case of nominal scale "
        "coding. Public Opin Q 19:321-325.",
    ),
)
"""Every coefficient, in the order of a table."""


def method_named(name: str) -> CoefficientMethod:
    """Return the coefficient of this exact name.

    Raises:
        KeyError: there is none; names that people type are read by ``Requirement.parse``.
    """
    return {method.name: method for method in ALL_COEFFICIENTS}[name]
