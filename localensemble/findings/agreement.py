"""The agreement on a variable of a codebook, and what a text about it must cite.

Packages that show findings take the values of agreement from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from localensemble.agreement import (
    SCALES,
    Agreement,
    Benchmark,
    Coefficient,
    ErrorDependence,
    PairAgreement,
    RaterProfile,
    Requirement,
    ResampledCoefficient,
    Scale,
    ScaleName,
    Verdict,
    measure_agreement,
    method_named,
    too_few_items,
)
from localensemble.agreement.cross_check import CrossCheck
from localensemble.agreement.small_sample import SMALL_SAMPLE_DIFFERING, SMALL_SAMPLE_ITEMS
from localensemble.codebook.model import Level
from localensemble.core.label_matrix import LabelMatrix
from localensemble.study.required_verdict import AGREEMENT_LEVEL

__all__ = [
    "BOOTSTRAP_RESAMPLES",
    "BOOTSTRAP_SEED",
    "SMALL_SAMPLE_DIFFERING",
    "SMALL_SAMPLE_ITEMS",
    "Agreement",
    "Benchmark",
    "Coefficient",
    "CoefficientSource",
    "CrossCheck",
    "ErrorDependence",
    "PairAgreement",
    "RaterProfile",
    "Requirement",
    "ResampledCoefficient",
    "ScaleName",
    "Verdict",
    "coefficient_sources",
    "interval_word",
    "scale_citation",
    "too_few_items",
    "variable_agreement",
]

BOOTSTRAP_RESAMPLES = 1000
BOOTSTRAP_SEED = 0


@dataclass(frozen=True, slots=True)
class CoefficientSource:
    """What a methods paragraph says about a coefficient.

    Attributes:
        possessive: its name as used in a sentence.
        chance: how it defines chance agreement, as a clause; empty if it is not corrected for
            chance.
        citation: the paper to cite.
    """

    possessive: str
    chance: str
    citation: str


def variable_agreement(matrix: LabelMatrix, *, level: Level) -> Agreement:
    """Measure the agreement on one variable of a study with every coefficient that applies."""
    return measure_agreement(
        matrix,
        level=AGREEMENT_LEVEL[level],
        resamples=BOOTSTRAP_RESAMPLES,
        seed=BOOTSTRAP_SEED,
    )


def coefficient_sources(coefficients: Iterable[Coefficient]) -> tuple[CoefficientSource, ...]:
    """Return the assumption and citation of each coefficient, each once, in their order."""
    names = dict.fromkeys(coefficient.name for coefficient in coefficients)
    methods = [method_named(name) for name in names]
    return tuple(CoefficientSource(one.possessive, one.chance, one.citation) for one in methods)


def scale_citation(name: ScaleName) -> str:
    """Return the source of a benchmark scale."""
    return _scale(name).citation


def interval_word(low: float, *, scale: ScaleName) -> str:
    """Return the best word of a scale that a whole interval reaches, given its lower end."""
    return _scale(scale).interval_word(low)


def _scale(name: ScaleName) -> Scale:
    return next(scale for scale in SCALES if scale.name == name)
