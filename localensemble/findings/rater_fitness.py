"""What shows whether a rater is fit: whether it answers the question, and not always alike.

Nothing here leaves a rater out. A sign proves nothing: only a person declares a rater unfit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from localensemble.core.label_matrix import LabelMatrix
from localensemble.findings.agreement import Agreement
from localensemble.findings.confidence import VariableConfidence
from localensemble.study.decisions import Decisions
from localensemble.study.study_labels import BLOCK_ITEMS

UnfitSignName = Literal["no_label", "outside_codebook", "same_answer"]


@dataclass(frozen=True, slots=True)
class Disagreement:
    """How often a rater's label differs from the consensus of the other raters.

    The consensus of the others is the category that most of them chose; an item on which two
    categories lead is not compared. Raters that show signs of being unfit are not among the
    others: to differ from a rater that does not read the texts says nothing.

    Attributes:
        items: number of items compared.
        differing: number of these on which the rater chose another category.
        share: ``differing`` as a share of ``items``; None if no item could be compared.
    """

    items: int
    differing: int
    share: float | None


@dataclass(frozen=True, slots=True)
class RaterFitness:
    """What shows whether one rater is fit for one variable.

    Attributes:
        rater: the rater's name.
        inside_codebook: 1 minus the median off-codebook mass of its labels; None if unknown.
        distinct_answers: number of categories that it chose at least once.
        disagreement: how often it differs from the other raters.
        escalated: items that are escalated for a reason that this rater causes.
        signs: signs that it is unfit. ``no_label``: it gave no item a category.
            ``outside_codebook``: most of its probability is outside the codebook on most items.
            ``same_answer``: it gave every item the same answer, on enough items to report.
    """

    rater: str
    inside_codebook: float | None
    distinct_answers: int
    disagreement: Disagreement
    escalated: int
    signs: tuple[UnfitSignName, ...]


def rater_fitness(
    matrix: LabelMatrix,
    *,
    decided: Decisions,
    agreement: Agreement,
    confidence: VariableConfidence,
) -> tuple[RaterFitness, ...]:
    """Describe the fitness of each rater for one variable, in the raters' order."""
    asked = int(np.count_nonzero(~decided.no_answer))
    outside = confidence.mostly_outside(asked)
    alike = {one.rater for one in agreement.same_answer}
    answers: list[int] = []
    signs: list[tuple[UnfitSignName, ...]] = []
    for column, rater in enumerate(matrix.raters):
        given = matrix.indices[:, column]
        answers.append(len(np.unique(given[given >= 0])))
        there: tuple[tuple[UnfitSignName, bool], ...] = (
            ("no_label", asked > 0 and answers[-1] == 0),
            ("outside_codebook", rater in outside),
            ("same_answer", rater in alike),
        )
        signs.append(tuple(name for name, is_there in there if is_there))
    found = []
    compared = disagreements(matrix, without=[bool(one) for one in signs])
    for column, (rater, differs) in enumerate(zip(matrix.raters, compared, strict=True)):
        median = confidence.raters[column].median_off_codebook_mass
        found.append(
            RaterFitness(
                rater=rater,
                inside_codebook=None if median is None else 1.0 - median,
                distinct_answers=answers[column],
                disagreement=differs,
                escalated=_escalated_because_of(rater, decided),
                signs=signs[column],
            )
        )
    return tuple(found)


def disagreements(
    matrix: LabelMatrix, *, without: Sequence[bool] | None = None
) -> Sequence[Disagreement]:
    """Compare each rater with the most frequent category of the others, item by item.

    Args:
        matrix: N items by R raters.
        without: for each rater, whether it is left out of the others; None leaves out nobody.

    Undefined when: no item that the rater labeled has one leading category among the others'
        labels, as with a single rater; then ``share`` is None.
    """
    raters = len(matrix.raters)
    items, differing = np.zeros(raters, np.int64), np.zeros(raters, np.int64)
    among = ~np.array([False] * raters if without is None else without, dtype=np.bool_)
    for start in range(0, matrix.item_count, BLOCK_ITEMS):
        block = matrix.indices[start : start + BLOCK_ITEMS]
        counts = _label_counts(block[:, among], matrix.category_count)
        for column in range(raters):
            rows = np.flatnonzero(block[:, column] >= 0)
            given = block[rows, column]
            others = counts[rows]
            others[np.arange(len(rows)), given] -= int(among[column])
            most = others.max(axis=1)
            compared = (most > 0) & ((others == most[:, None]).sum(axis=1) == 1)
            items[column] += np.count_nonzero(compared)
            differing[column] += np.count_nonzero(compared & (others.argmax(axis=1) != given))
    return [
        Disagreement(int(n), int(k), int(k) / int(n) if n else None)
        for n, k in zip(items, differing, strict=True)
    ]


def _label_counts(block: NDArray[np.int16], categories: int) -> NDArray[np.int32]:
    """Count the labels of each item by category: (n, K)."""
    counts = np.zeros((len(block), categories), dtype=np.int32)
    for column in range(block.shape[1]):
        rows = np.flatnonzero(block[:, column] >= 0)
        counts[rows, block[rows, column]] += 1
    return counts


def _escalated_because_of(rater: str, decided: Decisions) -> int:
    caused = np.zeros(len(decided.escalated), dtype=np.bool_)
    for causes in decided.reason_causes:
        if causes is not None and causes.are_raters and rater in causes.names:
            caused |= causes.caused_by(rater)
    return int(np.count_nonzero(caused & decided.escalated))
