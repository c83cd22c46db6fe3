"""Everything that may be reported about a study, as plain values.

Computes the numbers from the ledger once, so that the command line, the JSON file and the
report show the same ones. Holds no item texts.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Codebook, Variable
from localensemble.consensus.certificates.bounds import exact_interval
from localensemble.consensus.certificates.certificate import Certificate
from localensemble.consensus.pooling.gold_pool import GoldPool
from localensemble.consensus.probabilities.calibrated_raters import CalibratedRaters
from localensemble.consensus.setting_fields import Settings
from localensemble.core.identity import JsonValue
from localensemble.core.label_matrix import LabelMatrix
from localensemble.core.labels import NOT_CONFIRMED
from localensemble.core.words import listed
from localensemble.findings.agreement import Agreement, Coefficient, Verdict, variable_agreement
from localensemble.findings.certificates.promises import PromiseFindings, promise_findings
from localensemble.findings.confidence import VariableConfidence, variable_confidence
from localensemble.findings.expected_errors import ExpectedErrors, expected_errors
from localensemble.findings.fitted_pools import PoolFindings, pool_findings
from localensemble.findings.gold_comparison import GoldComparison, gold_comparison
from localensemble.findings.people.people_counts import PeopleCounts, people_counts
from localensemble.findings.people.people_findings import PeopleFindings
from localensemble.findings.position_bias import PositionBias, position_bias
from localensemble.findings.rater_fitness import RaterFitness, rater_fitness
from localensemble.findings.record import RecordFindings, record_findings
from localensemble.findings.strategy.strategy_findings import StrategyFindings, strategy_findings
from localensemble.findings.topics.topic_findings import (
    TopicFindings,
    scored_topics,
    topic_findings,
)
from localensemble.ledger.records import RaterKey
from localensemble.study.decisions import Decisions
from localensemble.study.gold import REVIEW_ONLY, GoldLabels
from localensemble.study.order_changes import OrderChangesByKey, order_changes
from localensemble.study.people.final_labels import FinalLabels
from localensemble.study.recorded_deidentification import RecordedDeidentification
from localensemble.study.required_verdict import required_verdict
from localensemble.study.study_labels import StudyLabels


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How often labels equal gold labels, with its exact (Clopper-Pearson) 95% interval.

    ``items`` counts items that have both a gold label and a label; ``unlabeled`` counts those
    with only a gold label. ``value`` and the interval are None when ``items`` is 0.
    """

    correct: int
    items: int
    unlabeled: int
    value: float | None
    interval_low: float | None
    interval_high: float | None


@dataclass(frozen=True, slots=True)
class RaterLabels:
    """The labels of one rater on one variable, counted.

    ``position_bias`` is None if each item was asked in one category order. ``left_out`` counts the
    items that a strategy did not ask the rater about; they are not ``missing``.
    """

    rater: str
    category_counts: tuple[int, ...]
    status_counts: tuple[tuple[str, int], ...]
    missing: int
    reason_counts: tuple[tuple[str, int], ...]
    accuracy: Accuracy | None
    position_bias: PositionBias | None = None
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class RequiredFindings:
    """Whether raters reach the agreement that the codebook requires.

    ``below`` is what the codebook asks for if they do not: ``review`` or ``warn``.
    """

    verdict: Verdict
    below: str


@dataclass(frozen=True, slots=True, eq=False)
class VariableFindings:
    """Everything about one variable.

    The consensus is the label of ``accepted`` items, ``escalated`` ones were sent to a person, and
    those counted as ``no_answer`` need no label; together they are all items. ``people`` counts
    what became of them once people decided; None while nobody has. ``accuracy_*`` and ``gold``
    compare the consensus with gold labels, if given.
    ``coefficients`` are those of ``agreement`` that a short table shows. ``required`` is
    None if the codebook requires no agreement. ``fitness`` has one entry per rater.
    ``expected_errors`` covers all
    escalated items and those of each budget. ``reason_counts`` overlap, because an item can have
    several reasons; its texts name the raters that cause a reason. ``reason_codes`` and
    ``reason_texts`` are the codes of the same reasons, and their texts without names.
    ``majorities`` counts the items with a consensus on which more than half of the labels agree,
    and ``overruled`` those of them whose consensus is another category.
    """

    name: str
    level: str
    categories: tuple[str, ...]
    coefficients: tuple[Coefficient, ...]
    accepted: int
    escalated: int
    no_answer: int
    reason_codes: tuple[str, ...]
    reason_texts: tuple[str, ...]
    reason_counts: tuple[tuple[str, int], ...]
    accepted_counts: tuple[int, ...]
    raters: tuple[RaterLabels, ...]
    accuracy_accepted: Accuracy | None
    accuracy_consensus: Accuracy | None
    agreement: Agreement
    required: RequiredFindings | None
    confidence: VariableConfidence
    gold: GoldComparison | None
    fitness: tuple[RaterFitness, ...]
    expected_errors: tuple[ExpectedErrors, ...] = ()
    people: PeopleCounts | None = None
    majorities: int = 0
    overruled: int = 0

    @property
    def final(self) -> int:
        """The number of items with a final label."""
        people = self.people
        return self.accepted if people is None else people.accepted + people.adjudicated

    @property
    def open(self) -> int:
        """The number of items that wait for a person."""
        return self.escalated if self.people is None else self.people.open

    @property
    def unresolved(self) -> int:
        """The number of items that people settled without a label."""
        return 0 if self.people is None else self.people.unresolved


@dataclass(frozen=True, slots=True)
class RaterFindings:
    """Who a rater is and what its labels cost.

    ``labels`` counts labels of the run's items; the work covers the blocks in which they were
    made.
    """

    name: str
    identity_sha256: str
    model_name: str
    model_sha256: str
    engine: str
    engine_version: str
    chat_template_sha256: str
    prompt_template: str
    prompt_template_sha256: str
    layout: str
    settings: tuple[tuple[str, str], ...]
    labels: int
    seconds: float
    prompt_tokens: int
    evaluated_tokens: int
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True)
class RaterCalibrationFindings:
    """How the raters' probabilities on one variable were calibrated before deciding.

    ``settings`` names what was fitted, by rater; ``source_items`` counts gold labels, or
    content-free items for a contextual prior.
    """

    variable: str
    method: str
    source_items: int
    settings: tuple[tuple[str, Settings], ...]
    sentence: str


@dataclass(frozen=True, slots=True, eq=False)
class StudyFindings:
    """Everything about a study; ``unlabeled`` counts label cells without a category.

    Labels of non-answers are not among them: nobody expects a category there. Nor are labels
    that a strategy did not ask for, and proposals that a verifier did not confirm.

    ``cautions`` are sentences on why not to trust the numbers: those recorded with the labels, and
    those about an unfinished newer run, a method that did not converge, and gold labels that were
    left out.
    ``ratings_sha256`` is the hash of the table of ratings that the labels come from; None if
    models made them. ``unfit`` names raters that a person declared unfit: their labels are in the
    ledger and count in no number. ``review`` has the variables that people decided on.
    ``strategy`` counts the calls if a strategy left some out. ``topics`` has the variables that
    raters were asked for passages about.
    """

    item_count: int
    codebook: str
    codebook_version: str
    consensus_method: str
    policies: tuple[str, ...]
    raters: tuple[RaterFindings, ...]
    variables: tuple[VariableFindings, ...]
    unlabeled: int
    gold_not_in_study: int
    record: RecordFindings
    cautions: tuple[str, ...]
    promises: tuple[PromiseFindings, ...]
    ratings_sha256: str | None = None
    rater_calibrations: tuple[RaterCalibrationFindings, ...] = ()
    unfit: tuple[str, ...] = ()
    pools: tuple[PoolFindings, ...] = ()
    review: tuple[PeopleFindings, ...] = ()
    strategy: StrategyFindings | None = None
    topics: tuple[TopicFindings, ...] = ()
    deidentified: RecordedDeidentification | None = None

    @property
    def compared_raters(self) -> int:
        """The number of raters whose agreement is measured."""
        measured = [len(one.agreement.raters) for one in self.variables]
        return max(measured, default=len(self.raters))

    @property
    def decided_by(self) -> str:
        """The consensus method, and the variables that a pool decides in its place."""
        pooled = [pool.variable for pool in self.pools]
        if not pooled:
            return self.consensus_method
        if len(pooled) == len(self.variables):
            return "pool"
        return f"{self.consensus_method}; pool for {listed(pooled)}"

    @property
    def agreement_met(self) -> bool:
        """Whether every variable reaches the agreement that the codebook requires."""
        return all(one.required is None or one.required.verdict.met for one in self.variables)


def study_findings(
    labels: StudyLabels,
    *,
    codebook: Codebook,
    decisions: Sequence[Decisions],
    consensus_method: str,
    policies: Sequence[str],
    rules: JsonValue,
    gold: GoldLabels | None,
    cautions: tuple[str, ...],
    certificates: Sequence[Certificate],
    ratings_sha256: str | None = None,
    calibrations: Sequence[CalibratedRaters] = (),
    unfit: tuple[str, ...] = (),
    pools: Sequence[GoldPool] = (),
    finals: Sequence[FinalLabels] = (),
    foreign: Collection[str] = (),
) -> StudyFindings:
    """Gather the findings of a study; ``foreign`` names variables with a foreign certificate."""
    changes = order_changes(labels.reader.runs())
    people = {one.variable.name: people_counts(one) for one in finals}
    variables = tuple(
        replace(
            _variable_findings(labels, variable, decided, gold, changes),
            people=people.get(variable.name),
        )
        for variable, decided in zip(codebook.variables, decisions, strict=True)
    )
    by_name = {decided.variable.name: decided for decided in decisions}
    by_person = {one.variable.name: one for one in finals}
    cells = len(variables) * len(labels.rater_names) * labels.item_count
    assigned = sum(sum(rater.category_counts) for found in variables for rater in found.raters)
    without_answer = len(labels.rater_names) * sum(found.no_answer for found in variables)
    reasons = (one.reason_counts for found in variables for one in found.raters)
    not_confirmed = sum(dict(counts).get(NOT_CONFIRMED, 0) for counts in reasons)
    left_out = sum(rater.left_out for found in variables for rater in found.raters)
    return StudyFindings(
        item_count=labels.item_count,
        codebook=codebook.name,
        codebook_version=codebook.version,
        consensus_method=consensus_method,
        policies=tuple(policies),
        raters=tuple(
            _rater_findings(labels, key, name)
            for key, name in zip(labels.rater_keys, labels.rater_names, strict=True)
        ),
        variables=variables,
        unlabeled=cells - assigned - without_answer - not_confirmed - left_out,
        gold_not_in_study=gold.items_not_in_study if gold else 0,
        record=record_findings(labels, codebook=codebook, rules=rules),
        cautions=cautions,
        promises=tuple(
            promise_findings(
                one,
                labels=labels,
                decided=by_name[one.variable],
                gold=gold.categories.get(one.variable) if gold else None,
                foreign=one.variable in foreign,
                final=by_person.get(one.variable),
            )
            for one in certificates
        ),
        ratings_sha256=ratings_sha256,
        rater_calibrations=tuple(
            RaterCalibrationFindings(
                one.variable,
                one.method,
                one.source_items,
                tuple((rater.name, rater.calibration.settings) for rater in one.raters),
                one.sentence(),
            )
            for one in calibrations
        ),
        unfit=unfit,
        pools=tuple(map(pool_findings, pools)),
        strategy=strategy_findings(labels, decisions),
        topics=topic_findings(scored_topics(labels, codebook)),
    )


def accuracy(found: NDArray[np.int16], *, gold: NDArray[np.int16]) -> Accuracy:
    """Compare category indices with gold indices; in both, -1 means none.

    Undefined when: no item has both; then ``value`` is None.
    Source: Clopper & Pearson (1934), exact binomial interval.
    """
    has_gold = gold >= 0
    both = has_gold & (found >= 0)
    items = int(np.count_nonzero(both))
    correct = int(np.count_nonzero(both & (found == gold)))
    unlabeled = int(np.count_nonzero(has_gold)) - items
    if not items:
        return Accuracy(0, 0, unlabeled, None, None, None)
    interval = exact_interval(correct, items=items)
    return Accuracy(correct, items, unlabeled, correct / items, interval.low, interval.high)


def _variable_findings(
    labels: StudyLabels,
    variable: Variable,
    decided: Decisions,
    gold: GoldLabels | None,
    changes: OrderChangesByKey,
) -> VariableFindings:
    matrix = labels.matrix(variable)
    compared = labels.compared_matrix(variable)
    agreement = variable_agreement(compared, level=variable.level)
    confidence = variable_confidence(labels, variable=variable, decided=decided)
    truth = gold.categories.get(variable.name) if gold else None
    held_to = None if truth is None else labels.gold_of_raters(variable.name, truth)
    escalated = int(np.count_nonzero(decided.escalated))
    return VariableFindings(
        name=variable.name,
        level=variable.level,
        categories=variable.answers,
        coefficients=_short_table(agreement),
        accepted=int(np.count_nonzero(decided.accepted)),
        escalated=escalated,
        no_answer=int(np.count_nonzero(decided.no_answer)),
        reason_codes=decided.reason_codes,
        reason_texts=decided.reason_texts,
        reason_counts=decided.reason_counts(),
        accepted_counts=_category_counts(decided.final, len(variable.answers)),
        raters=tuple(
            _rater_labels(labels, matrix, variable, column, held_to, changes)
            for column in range(len(labels.rater_keys))
        ),
        accuracy_accepted=None if truth is None else accuracy(decided.final, gold=truth),
        accuracy_consensus=None if truth is None else accuracy(decided.categories, gold=truth),
        agreement=agreement,
        required=_required(compared, variable),
        confidence=confidence,
        gold=None
        if truth is None
        else gold_comparison(
            labels,
            variable=variable,
            matrix=matrix,
            decided=decided,
            gold=truth,
            groups=gold.groups if gold else None,
            texts=gold.texts if gold else None,
            taught=gold.taught if gold else None,
            random_sample=gold.random_sample if gold else False,
            prices=gold.prices if gold else REVIEW_ONLY,
        ),
        fitness=rater_fitness(matrix, decided=decided, agreement=agreement, confidence=confidence),
        expected_errors=expected_errors(decided),
        majorities=decided.majorities,
        overruled=decided.overruled,
    )


def _short_table(agreement: Agreement) -> tuple[Coefficient, ...]:
    """Choose the coefficients to print, with the level's weights, as in the report's verdict."""
    return (
        agreement.coefficient(agreement.leading),
        agreement.coefficient("Fleiss kappa", weights=agreement.weights),
        agreement.coefficient("Krippendorff alpha"),
    )


def _required(matrix: LabelMatrix, variable: Variable) -> RequiredFindings | None:
    required = variable.required_agreement
    verdict = required_verdict(matrix, variable=variable)
    if required is None or verdict is None:
        return None
    return RequiredFindings(verdict, required.below)


def _rater_labels(
    labels: StudyLabels,
    matrix: LabelMatrix,
    variable: Variable,
    column: int,
    truth: NDArray[np.int16] | None,
    changes: OrderChangesByKey,
) -> RaterLabels:
    counts = labels.reader.label_counts(
        labels.item_set,
        variable=labels.variable_keys[variable.name],
        rater=labels.rater_keys[column],
        stop=labels.item_count,
    )
    given = matrix.indices[:, column]
    return RaterLabels(
        rater=labels.rater_names[column],
        category_counts=_category_counts(given, len(variable.answers)),
        status_counts=tuple((status.value, count) for status, count in counts.statuses.items()),
        missing=0 if labels.strategy else counts.missing,
        left_out=counts.missing if labels.strategy else 0,
        reason_counts=tuple(counts.reasons.items()),
        accuracy=None if truth is None else accuracy(given, gold=truth[:, column]),
        position_bias=position_bias(
            changes.get((labels.rater_keys[column], labels.variable_keys[variable.name])),
            variable=variable,
        ),
    )


def _category_counts(indices: NDArray[np.int16], category_count: int) -> tuple[int, ...]:
    found = np.bincount(indices[indices >= 0], minlength=category_count)
    return tuple(int(count) for count in found)


def _rater_findings(labels: StudyLabels, key: RaterKey, name: str) -> RaterFindings:
    rater = next(record.rater for record in labels.reader.raters() if record.key == key)
    usage = labels.reader.usage(
        key,
        item_set=labels.item_set,
        variables=tuple(labels.variable_keys.values()),
        stop=labels.item_count,
    )
    return RaterFindings(
        name=name,
        identity_sha256=rater.identity.sha256,
        model_name=rater.identity.model_name,
        model_sha256=rater.identity.model_sha256,
        engine=rater.identity.engine,
        engine_version=rater.identity.engine_version,
        chat_template_sha256=rater.identity.chat_template_sha256,
        prompt_template=rater.identity.prompt_template,
        prompt_template_sha256=rater.identity.prompt_template_sha256,
        layout=rater.identity.layout,
        settings=rater.identity.settings,
        labels=usage.labels,
        seconds=usage.seconds,
        prompt_tokens=usage.prompt_tokens,
        evaluated_tokens=usage.evaluated_tokens,
        peak_memory_bytes=usage.peak_memory_bytes,
    )
