"""Everything gold labels show about one variable: each rater, the consensus, their errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from localensemble.agreement.shared_errors.dependence import (
    DoubleFault,
    ErrorDependence,
    error_dependence,
)
from localensemble.codebook.model import Variable
from localensemble.consensus.certificates.audit import AuditEstimate, estimate_accuracy
from localensemble.consensus.certificates.category_prevalence import (
    CorrectedPrevalence,
    corrected_prevalence,
)
from localensemble.consensus.certificates.frontier import FrontierPoint, cost_frontier
from localensemble.consensus.policies.random_audit import RandomAudit, audit_draw
from localensemble.consensus.policies.scores import SCORE_NAMES
from localensemble.core.label_matrix import LabelMatrix
from localensemble.findings.evaluation import (
    CategoryArray,
    CategoryEvaluation,
    Evaluation,
    Measure,
    OrdinalErrors,
    PairedComparison,
    SharedErrors,
    compare_accuracy,
    evaluate_groups,
    evaluate_labels,
    shared_errors,
)
from localensemble.findings.learned_baseline import LEARNED, LearnedLabels, learned_labels
from localensemble.findings.score_quality import (
    CalibrationBin,
    CalibrationQuality,
    RankingQuality,
    RiskPoint,
    calibration_quality,
    ranking_quality,
)
from localensemble.study.decisions import Decisions
from localensemble.study.gold import REVIEW_ONLY, Prices
from localensemble.study.study_labels import BLOCK_ITEMS, StudyLabels

__all__ = [
    "AuditEstimate",
    "CalibrationBin",
    "CalibrationQuality",
    "CategoryEvaluation",
    "CorrectedPrevalence",
    "DoubleFault",
    "ErrorDependence",
    "EscalationCoverage",
    "Evaluation",
    "FrontierPoint",
    "GoldComparison",
    "GroupEvaluation",
    "Measure",
    "NamedCalibration",
    "NamedEvaluation",
    "OrdinalErrors",
    "PairedComparison",
    "RankingQuality",
    "RaterComparison",
    "RiskPoint",
    "ScoreRanking",
    "SharedErrors",
    "gold_comparison",
]

CONSENSUS = "consensus"
ACCEPTED = "accepted labels"
_FRONTIER_STEPS = 10
MEAN = "mean of the raters"
MOST_COMPARED = 12
"""The most raters for which all pairs are compared: 66 tests are already more than anyone reads."""


@dataclass(frozen=True, slots=True, eq=False)
class NamedEvaluation:
    """The evaluation of a rater, the consensus or the accepted labels."""

    who: str
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class NamedCalibration:
    """How good the probabilities of a rater, or their mean over raters, are."""

    who: str
    quality: CalibrationQuality


@dataclass(frozen=True, slots=True)
class RaterComparison:
    """Whether two raters are equally often right."""

    first: str
    second: str
    comparison: PairedComparison


@dataclass(frozen=True, slots=True)
class ScoreRanking:
    """Whether one score of the consensus ranks right labels before wrong ones.

    ``score`` is one that a threshold can be set on: ``support``, ``method``,
    ``mean_probability`` or ``margin``.
    """

    score: str
    quality: RankingQuality


@dataclass(frozen=True, slots=True)
class EscalationCoverage:
    """The share of the wrong consensus labels that a person reviews.

    Attributes:
        gold_items: items with a gold label.
        escalated: gold items that are escalated.
        wrong: gold items whose consensus differs from the gold label.
        wrong_escalated: gold items that are both.
    """

    gold_items: int
    escalated: int
    wrong: int
    wrong_escalated: int


@dataclass(frozen=True, slots=True, eq=False)
class GroupEvaluation:
    """How often each is right in one group of the gold items, by a column of the gold table."""

    group: str
    evaluated: tuple[NamedEvaluation, ...]


@dataclass(frozen=True, slots=True, eq=False)
class GoldComparison:
    """One variable against its gold labels.

    Attributes:
        gold_items: items with a gold label.
        evaluated: every rater, then the consensus, then the accepted labels.
        baselines: what always answering with the most frequent gold category would get: on all
            gold items, then on those that were accepted. Labels that are not better than that
            may know nothing about the texts. If texts are given, a classifier trained on the
            gold labels comes third. Empty without gold labels.
        calibrations: every rater, then the mean of their probabilities; empty if no rater gave
            probabilities.
        comparisons: all pairs of raters; empty above ``MOST_COMPARED`` raters.
        shared_errors: items on which all raters are wrong.
        dependence: how far the raters err together.
        escalation: the share of the wrong consensus labels that is escalated.
        rankings: how well each score of the consensus ranks right labels before wrong ones.
        frontier: the errors left and the cost when everything below a score is reviewed; by
            mean probability, or by support if raters gave no probabilities.
        groups: the groups in name order; empty if no group column was given.
        prevalence: share of each category in the whole study, corrected for label error;
            empty unless the gold items are stated to be drawn at random.
        audit: accuracy of the accepted labels from a random audit; None if the rules have no
            audit.
        audit_unlabeled: items drawn for the audit that have no gold label yet.
        learned_sentence: how the classifier among the baselines was trained, or why there is
            none; empty if no texts were given.
        used_items: gold items that trained a rater or fitted the pool; they serve no certificate.
    """

    gold_items: int
    evaluated: tuple[NamedEvaluation, ...]
    baselines: tuple[NamedEvaluation, ...]
    calibrations: tuple[NamedCalibration, ...]
    comparisons: tuple[RaterComparison, ...]
    shared_errors: SharedErrors
    dependence: ErrorDependence
    escalation: EscalationCoverage
    rankings: tuple[ScoreRanking, ...] = ()
    frontier: tuple[FrontierPoint, ...] = ()
    groups: tuple[GroupEvaluation, ...] = ()
    prevalence: tuple[CorrectedPrevalence, ...] = ()
    audit: AuditEstimate | None = None
    audit_unlabeled: int = 0
    learned_sentence: str = ""
    used_items: int = 0


def gold_comparison(
    labels: StudyLabels,
    *,
    variable: Variable,
    matrix: LabelMatrix,
    decided: Decisions,
    gold: CategoryArray,
    groups: NDArray[np.object_] | None = None,
    texts: NDArray[np.object_] | None = None,
    taught: NDArray[np.bool_] | None = None,
    random_sample: bool = False,
    prices: Prices = REVIEW_ONLY,
) -> GoldComparison:
    """Compare every rater, the consensus and the accepted labels with the gold labels.

    A rater is held to the items that it was asked about.

    Args:
        labels: the labels of the study.
        variable: the variable.
        matrix: the variable's labels.
        decided: the decisions on the variable.
        gold: (N,) gold categories, -1 for items without one.
        groups: (N,) the group of each item with a gold row, None elsewhere.
        texts: (N,) the text of each item with a gold label; None leaves out the classifier.
        taught: (N,) whether the item's gold label trained a rater; None if none did.
        random_sample: whether the gold items were drawn at random from all items.
        prices: the prices of labels.
    """
    names = labels.rater_names
    given = [*matrix.indices.T, decided.categories, decided.final]
    held_to = [*labels.gold_of_raters(variable.name, gold).T, gold, gold]
    whose = dict(zip((*names, CONSENSUS, ACCEPTED), given, strict=True))
    audit, audit_unlabeled = _audit(decided, gold)
    learned = None
    if texts is not None and np.any(gold >= 0):
        learned = learned_labels(
            texts, gold=gold, categories=variable.answers, groups=groups, taught=taught
        )
    return GoldComparison(
        gold_items=int(np.count_nonzero(gold >= 0)),
        evaluated=tuple(
            NamedEvaluation(
                who,
                evaluate_labels(
                    found,
                    gold=known,
                    categories=variable.answers,
                    ordered=variable.level == "ordinal",
                ),
            )
            for who, found, known in zip((*names, CONSENSUS, ACCEPTED), given, held_to, strict=True)
        ),
        baselines=_baselines(variable, decided, gold, learned),
        calibrations=_calibrations(labels, variable=variable, gold=gold),
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
        escalation=_coverage(decided, gold),
        rankings=_rankings(decided, gold),
        frontier=_frontier(decided, gold, prices),
        groups=() if groups is None else _groups(whose, variable, gold, groups),
        prevalence=corrected_prevalence(decided.categories, gold=gold, categories=variable.answers)
        if random_sample and len(gold)
        else (),
        audit=audit,
        audit_unlabeled=audit_unlabeled,
        learned_sentence="" if learned is None else learned.sentence,
    )


def _baselines(
    variable: Variable, decided: Decisions, gold: CategoryArray, learned: LearnedLabels | None
) -> tuple[NamedEvaluation, ...]:
    known = gold >= 0
    if not known.any():
        return ()
    always = np.int16(np.bincount(gold[known], minlength=len(variable.answers)).argmax())
    answer = f'always "{variable.answers[always]}"'
    everywhere = np.full(len(gold), always, dtype=np.int16)
    # On the same items as the accepted labels: those may be the easy ones.
    accepted = np.where(decided.final >= 0, everywhere, np.int16(-1))
    rows = [(answer, everywhere), (f"{answer}, accepted items", accepted)]
    if learned is not None and learned.labels is not None:
        rows.append((LEARNED, learned.labels))
    return tuple(
        NamedEvaluation(
            who,
            evaluate_labels(
                labels,
                gold=gold,
                categories=variable.answers,
                ordered=variable.level == "ordinal",
            ),
        )
        for who, labels in rows
    )


def _coverage(decided: Decisions, gold: CategoryArray) -> EscalationCoverage:
    known = gold >= 0
    wrong = known & (decided.categories >= 0) & (decided.categories != gold)
    return EscalationCoverage(
        gold_items=int(np.count_nonzero(known)),
        escalated=int(np.count_nonzero(known & decided.escalated)),
        wrong=int(np.count_nonzero(wrong)),
        wrong_escalated=int(np.count_nonzero(wrong & decided.escalated)),
    )


def _rankings(decided: Decisions, gold: CategoryArray) -> tuple[ScoreRanking, ...]:
    known = (gold >= 0) & (decided.categories >= 0)
    wrong = decided.categories[known] != gold[known]
    return tuple(
        ScoreRanking(name, ranking_quality(decided.scores(name)[known], wrong=wrong))
        for name in SCORE_NAMES
    )


def _frontier(decided: Decisions, gold: CategoryArray, prices: Prices) -> tuple[FrontierPoint, ...]:
    known = gold >= 0
    scores = decided.mean_probability[known]
    if np.isnan(scores).all():
        scores = decided.support[known]
    if not len(scores):
        return ()
    return cost_frontier(
        scores,
        wrong=decided.categories[known] != gold[known],
        item_count=len(gold),
        model_cost=prices.models,
        person_cost=prices.person,
        steps=_FRONTIER_STEPS,
    )


def _groups(
    whose: Mapping[str, CategoryArray],
    variable: Variable,
    gold: CategoryArray,
    groups: NDArray[np.object_],
) -> tuple[GroupEvaluation, ...]:
    here = (gold >= 0) & np.array([group is not None for group in groups])
    found = {
        who: evaluate_groups(
            labels[here],
            gold=gold[here],
            groups=groups[here].tolist(),
            categories=variable.answers,
            ordered=variable.level == "ordinal",
        )
        for who, labels in whose.items()
    }
    names = [name for name, _ in next(iter(found.values()))]
    return tuple(
        GroupEvaluation(
            name,
            tuple(NamedEvaluation(who, of[place][1]) for who, of in found.items()),
        )
        for place, name in enumerate(names)
    )


def _audit(decided: Decisions, gold: CategoryArray) -> tuple[AuditEstimate | None, int]:
    """Estimate the accuracy of the accepted labels, and count drawn items without a gold label."""
    if RandomAudit.name not in decided.reason_codes:
        return None, 0
    draw = audit_draw(decided.reason_bits, reason_codes=decided.reason_codes)
    audited = draw.drawn & (gold >= 0)
    estimate = estimate_accuracy(
        accepted=int((draw.accepted & ~decided.no_answer).sum()),
        audited=int(audited.sum()),
        correct=int((audited & (decided.categories == gold)).sum()),
    )
    return estimate, int((draw.drawn & (gold < 0)).sum())


def _calibrations(
    labels: StudyLabels, *, variable: Variable, gold: CategoryArray
) -> tuple[NamedCalibration, ...]:
    """Measure the calibration of every rater, then of their mean, on the gold items."""
    if not labels.scored:
        return ()
    held = distributions_at(labels, variable=variable, known=gold >= 0)
    there = ~np.isnan(held).any(axis=2, keepdims=True)
    count = there.sum(axis=1)
    total = np.where(there, held, 0.0).sum(axis=1)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    answers = gold[gold >= 0]
    each = [held[:, column] for column in range(held.shape[1])]
    return tuple(
        NamedCalibration(who, calibration_quality(one, gold=answers))
        for who, one in zip((*labels.rater_names, MEAN), (*each, mean), strict=True)
    )


def distributions_at(
    labels: StudyLabels, *, variable: Variable, known: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Read the raters' distributions for some items: (n, R, K), NaN where missing."""
    parts: list[NDArray[np.float64]] = []
    for start in range(0, labels.item_count, BLOCK_ITEMS):
        stop = min(start + BLOCK_ITEMS, labels.item_count)
        wanted = np.flatnonzero(known[start:stop])
        if len(wanted):
            block = labels.block(variable.name, start=start, stop=stop, probabilities=True)
            if block.probabilities is not None:
                parts.append(block.probabilities[wanted])
    shape = (0, len(labels.rater_names), len(variable.answers))
    return np.concatenate(parts) if parts else np.empty(shape)
