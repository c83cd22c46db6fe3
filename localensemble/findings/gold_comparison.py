"""Everything gold labels say about one variable: each rater, the consensus, their errors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from localensemble.agreement.dependence import DoubleFault, ErrorDependence, error_dependence
from localensemble.codebook.model import Variable
from localensemble.core.label_matrix import LabelMatrix
from localensemble.findings.decisions import BLOCK_ITEMS, Decisions, StudyLabels
from localensemble.findings.evaluation import (
    CategoryArray,
    CategoryEvaluation,
    Evaluation,
    Measure,
    OrdinalErrors,
    PairedComparison,
    SharedErrors,
    compare_accuracy,
    evaluate_labels,
    shared_errors,
)
from localensemble.findings.score_quality import (
    CalibrationBin,
    CalibrationQuality,
    calibration_quality,
)

__all__ = [
    "CalibrationBin",
    "CalibrationQuality",
    "CategoryEvaluation",
    "DoubleFault",
    "ErrorDependence",
    "Evaluation",
    "GoldComparison",
    "Measure",
    "NamedEvaluation",
    "OrdinalErrors",
    "PairedComparison",
    "RaterComparison",
    "SharedErrors",
    "gold_comparison",
]

CONSENSUS = "consensus, where there is one"
ACCEPTED = "accepted labels"
MOST_COMPARED = 12
"""Raters up to which every two are compared: 66 tests are already more than anyone reads."""


@dataclass(frozen=True, slots=True, eq=False)
class NamedEvaluation:
    """The evaluation of a rater, the consensus or the accepted labels.

    Attributes:
        who: a rater's name, or what else is evaluated.
        evaluation: against the gold labels.
        calibration: of its probabilities, for the consensus the mean of the raters'; None
            for the accepted labels, which are a part of the consensus.
    """

    who: str
    evaluation: Evaluation
    calibration: CalibrationQuality | None


@dataclass(frozen=True, slots=True)
class RaterComparison:
    """Whether two raters are equally often right."""

    first: str
    second: str
    comparison: PairedComparison


@dataclass(frozen=True, slots=True, eq=False)
class GoldComparison:
    """One variable against its gold labels.

    Attributes:
        gold_items: items with a gold label.
        evaluated: every rater, then the consensus, then the accepted labels.
        comparisons: every two raters; empty above ``MOST_COMPARED`` raters.
        shared_errors: items on which all raters are wrong.
        dependence: how far they err together.
    """

    gold_items: int
    evaluated: tuple[NamedEvaluation, ...]
    comparisons: tuple[RaterComparison, ...]
    shared_errors: SharedErrors
    dependence: ErrorDependence


def gold_comparison(
    labels: StudyLabels,
    *,
    variable: Variable,
    matrix: LabelMatrix,
    decided: Decisions,
    gold: CategoryArray,
) -> GoldComparison:
    """Compare every rater, the consensus and the accepted labels with the gold labels."""
    names = labels.rater_names
    given = [*matrix.indices.T, decided.categories, decided.final]
    calibrations = [*_calibrations(labels, variable=variable, gold=gold), None]
    return GoldComparison(
        gold_items=int(np.count_nonzero(gold >= 0)),
        evaluated=tuple(
            NamedEvaluation(
                who,
                evaluate_labels(
                    found,
                    gold=gold,
                    categories=variable.answers,
                    ordered=variable.level == "ordinal",
                ),
                calibration,
            )
            for who, found, calibration in zip(
                (*names, CONSENSUS, ACCEPTED), given, calibrations, strict=True
            )
        ),
        comparisons=tuple(
            RaterComparison(
                names[i],
                names[j],
                compare_accuracy(matrix.indices[:, i], second=matrix.indices[:, j], gold=gold),
            )
            for i, j in combinations(range(len(names)), 2)
            if len(names) <= MOST_COMPARED
        ),
        shared_errors=shared_errors(matrix, gold=gold),
        dependence=error_dependence(matrix, gold),
    )


def _calibrations(
    labels: StudyLabels, *, variable: Variable, gold: CategoryArray
) -> list[CalibrationQuality]:
    """Of every rater's distributions, then of their mean; only gold items are kept."""
    parts: list[NDArray[np.float64]] = []
    for start in range(0, labels.item_count, BLOCK_ITEMS):
        stop = min(start + BLOCK_ITEMS, labels.item_count)
        known = np.flatnonzero(gold[start:stop] >= 0)
        if len(known):
            block = labels.block(variable.name, start=start, stop=stop, probabilities=True)
            if block.probabilities is not None:
                parts.append(block.probabilities[known])
    shape = (0, len(labels.rater_names), len(variable.answers))
    held = np.concatenate(parts) if parts else np.empty(shape)
    there = ~np.isnan(held).any(axis=2, keepdims=True)
    count = there.sum(axis=1)
    total = np.where(there, held, 0.0).sum(axis=1)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    answers = gold[gold >= 0]
    each = [held[:, column] for column in range(held.shape[1])]
    return [calibration_quality(one, gold=answers) for one in (*each, mean)]
