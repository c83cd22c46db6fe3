"""The decision on every item of one variable, derived from the ledger.

Reads probabilities block by block, so that memory grows by a few bytes per item and not by
its probabilities; only a method that fits all items at once gets the whole label matrix.
Decides nothing itself: the consensus method and the escalation policies do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from localensemble.agreement.coefficients import gwet_ac1
from localensemble.codebook.model import Variable
from localensemble.consensus.policies.causes import Causes, joined_causes
from localensemble.consensus.policies.escalation import (
    STAGE_EVIDENCE,
    Escalation,
    EscalationPolicy,
    Evidence,
    escalate,
    escalate_further,
)
from localensemble.consensus.policies.named_policies import policy_named
from localensemble.consensus.policies.required_agreement import RequiredAgreementMissed
from localensemble.consensus.policies.scores import ScoreName, acceptance_scores
from localensemble.consensus.protocol import Consensus, ConsensusMethod
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import LabelMatrix
from localensemble.study.required_verdict import required_verdict
from localensemble.study.study_labels import BLOCK_ITEMS, StudyLabels

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """The decisions on N items of one variable.

    Attributes:
        categories: int16 (N,); the consensus category, -1 without consensus.
        support: (N,); share of assigned labels for it, NaN without consensus.
        mean_probability: (N,); mean over raters of the probability each gave the consensus
            category, NaN without consensus or without probabilities. The raters' own
            confidence, not a probability of being right.
        margin: (N,); how far that mean exceeds the next best category's; NaN likewise.
        method_scores: (N,); the consensus method's own score, NaN without consensus.
        escalated: bool (N,); True where a person must look. Elsewhere the consensus is
            the final label, except for non-answers.
        no_answer: bool (N,); True for items that answer nothing: no label, and no question
            for a person.
        doubt: (N,); larger is more doubtful; comparable between variables.
        reason_bits: uint64 (N,); bit b is set where ``reason_texts[b]`` applies.
        reason_codes: the codes of the reasons.
        reason_texts: the same reasons in words, without the names of raters.
        reason_causes: what causes each reason; None if no single rater or sign does.
        converged: whether a method that iterates reached its tolerance; None for others.
        rater_estimates: the method's estimates for each rater, by name; often empty.
        majorities: items with a consensus on which more than half of the labels agree.
        overruled: those of them whose consensus is another category.
    """

    variable: Variable
    categories: NDArray[np.int16]
    support: FloatArray
    mean_probability: FloatArray
    margin: FloatArray
    method_scores: FloatArray
    escalated: NDArray[np.bool_]
    no_answer: NDArray[np.bool_]
    doubt: FloatArray
    reason_bits: NDArray[np.uint64]
    reason_codes: tuple[str, ...]
    reason_texts: tuple[str, ...]
    reason_causes: tuple[Causes | None, ...]
    converged: bool | None = None
    rater_estimates: tuple[tuple[str, float], ...] = ()
    majorities: int = 0
    overruled: int = 0

    def reasons(self, item: int) -> tuple[str, ...]:
        """Return in words why one item is escalated, and who caused it; empty if it is not."""
        return self._escalation.reasons(item)

    def reasons_without_raters(self, item: int) -> tuple[str, ...]:
        """Return the same reasons without the names of raters, for a reviewer."""
        return self._escalation.reasons_without_raters(item)

    def codes(self, item: int) -> tuple[str, ...]:
        """Return the codes of these reasons, each once."""
        return self._escalation.codes(item)

    def reason_counts(self) -> tuple[tuple[str, int], ...]:
        """Count the items to which each reason applies; one item can have several."""
        return self._escalation.reason_counts()

    def reason_patterns(self) -> NDArray[np.void]:
        """Return a value per item, (N,): equal for items with the same reasons in words."""
        return self._escalation.patterns()

    def with_code(self, code: str) -> dict[str, NDArray[np.bool_]]:
        """Return the reasons with one code in words, each with its items: bool (N,)."""
        return {
            text: (self.reason_bits >> np.uint64(bit) & np.uint64(1)).astype(np.bool_)
            for bit, text in enumerate(self.reason_texts)
            if self.reason_codes[bit] == code
        }

    @property
    def _escalation(self) -> Escalation:
        return Escalation(
            self.escalated,
            self.reason_bits,
            self.reason_codes,
            self.reason_texts,
            self.reason_causes,
            self.doubt,
        )

    def scores(self, by: ScoreName) -> FloatArray:
        """Return the score on which a threshold can be set: (N,), to the digit as applied."""
        held: Mapping[ScoreName, FloatArray] = {
            "support": self.support,
            "method": self.method_scores,
            "mean_probability": self.mean_probability,
            "margin": self.margin,
        }
        return held[by]

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """True where the consensus is the final label: bool (N,)."""
        return ~(self.escalated | self.no_answer)

    @property
    def final(self) -> NDArray[np.int16]:
        """The final label's category, int16 (N,); -1 where the item has none."""
        return np.where(self.accepted, self.categories, np.int16(-1))


def decide(
    labels: StudyLabels,
    *,
    variable: Variable,
    method: ConsensusMethod,
    policies: Sequence[EscalationPolicy],
    control: NDArray[np.int16] | None = None,
) -> Decisions:
    """Derive consensus and escalation for every item of one variable.

    The codebook's ``always_review`` categories and its ``required_agreement`` are applied
    under any policies. The policy ``agreement_below`` compares Gwet's AC1 of all raters on
    the variable.

    Args:
        labels: the labels of the study.
        variable: the variable.
        method: the method that derives the consensus.
        policies: the policies that choose the items a person must see.
        control: (N,) known categories of control items, -1 elsewhere.

    Raises:
        EnsembleError: the method does not fit the variable, or evidence is missing that a
            policy needs.
    """
    refuse_wrong_level(method, variable)
    required = variable.required_agreement
    may_miss = required is not None and required.below == "review"
    compares_agreement = any("agreement" in policy.needs for policy in policies)
    needs_agreement = compares_agreement or may_miss
    later = tuple(policy for policy in policies if policy.stage != STAGE_EVIDENCE)
    needs_matrix = not method.per_item or later or needs_agreement
    matrix = labels.matrix(variable) if needs_matrix else None
    every = (*policies, *safety_policy(variable))
    if matrix is not None and may_miss:
        every = (*every, *_missed_policy(labels.compared_matrix(variable), variable))
    first = tuple(policy for policy in every if policy.stage == STAGE_EVIDENCE)
    agreement = None
    if matrix is not None and compares_agreement:
        value = gwet_ac1(labels.compared_matrix(variable)).value
        agreement = np.nan if value is None else value
    whole = None
    if matrix is not None and not method.per_item:
        given = _probabilities(labels, variable) if method.needs_probabilities else None
        whole = method.derive(matrix, probabilities=given)
    parts = [
        _decide_block(labels, variable, method if whole is None else whole, first, block)
        for block in (
            _Block(start, min(start + BLOCK_ITEMS, labels.item_count), control, agreement)
            for start in range(0, max(labels.item_count, 1), BLOCK_ITEMS)
        )
    ]
    consensus = _joined([part.consensus for part in parts]) if whole is None else whole
    escalation = _joined_escalation([part.escalation for part in parts])
    no_answer = np.concatenate([part.no_answer for part in parts])
    if matrix is not None and later:
        evidence = Evidence(matrix, consensus, item_ids=labels.item_ids)
        further = escalate_further(escalation, evidence=evidence, policies=later)
        escalation = further.without(no_answer)
    return Decisions(
        variable=variable,
        categories=consensus.categories,
        support=consensus.support,
        mean_probability=np.concatenate([part.mean_probability for part in parts]),
        margin=np.concatenate([part.margin for part in parts]),
        method_scores=consensus.scores,
        escalated=escalation.mask,
        no_answer=no_answer,
        doubt=escalation.doubt,
        reason_bits=escalation.reason_bits,
        reason_codes=escalation.reason_codes,
        reason_texts=escalation.reason_texts,
        reason_causes=escalation.reason_causes,
        converged=consensus.converged,
        rater_estimates=consensus.rater_estimates,
        majorities=consensus.majorities,
        overruled=consensus.overruled,
    )


def check_rules(
    method: ConsensusMethod,
    policies: Sequence[EscalationPolicy],
    *,
    variables: Sequence[Variable],
    raters: Sequence[str],
    control: bool = False,
    scored: bool = True,
) -> None:
    """Refuse rules that cannot decide these variables, before anything is labeled.

    Tries them on one item to which every rater gives the first category.

    Args:
        method: the consensus method.
        policies: the escalation policies.
        variables: the variables of the codebook.
        raters: names of the raters.
        control: whether there are control labels.
        scored: whether the raters give probabilities.

    Raises:
        EnsembleError: a rater, category or level does not fit, or evidence will be missing.
    """
    for variable in variables:
        refuse_wrong_level(method, variable)
        shape = (1, len(raters), len(variable.answers))
        probabilities = np.full(shape, 1.0 / shape[2]) if scored else None
        tried = LabelMatrix(np.zeros(shape[:2], np.int16), variable.answers, tuple(raters))
        evidence = Evidence(
            tried,
            method.derive(tried, probabilities=probabilities),
            probabilities,
            np.zeros(shape[:2]) if scored else None,
            item_ids=("tried",),
            control=np.zeros(1, np.int16) if control else None,
            agreement=0.0,
        )
        escalate(evidence, policies=(*policies, *safety_policy(variable)))


def refuse_wrong_level(method: ConsensusMethod, variable: Variable) -> None:
    """Refuse a method on a variable whose level it cannot decide.

    Raises:
        EnsembleError: the method cannot decide the level; the message names the variable.
    """
    if variable.level not in method.levels:
        raise EnsembleError(
            f'The consensus method "{method.name}" cannot decide "{variable.name}": '
            f"its level is {variable.level}; expected {' or '.join(sorted(method.levels))}.",
            hint="Choose another method, for example majority.",
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    start: int
    stop: int
    control: NDArray[np.int16] | None
    agreement: float | None


@dataclass(frozen=True, slots=True, eq=False)
class _DecidedBlock:
    consensus: Consensus
    escalation: Escalation
    no_answer: NDArray[np.bool_]
    mean_probability: FloatArray
    margin: FloatArray


def _decide_block(
    labels: StudyLabels,
    variable: Variable,
    method: ConsensusMethod | Consensus,
    policies: Sequence[EscalationPolicy],
    block: _Block,
) -> _DecidedBlock:
    read = labels.block(variable.name, start=block.start, stop=block.stop, probabilities=True)
    matrix = LabelMatrix(read.category, variable.answers, labels.rater_names)
    if isinstance(method, Consensus):
        consensus = _part(method, block.start, block.stop)
    else:
        consensus = method.derive(matrix, probabilities=read.probabilities)
    evidence = Evidence(
        matrix,
        consensus,
        read.probabilities,
        read.off_codebook_mass if labels.scored else None,
        control=None if block.control is None else block.control[block.start : block.stop],
        agreement=block.agreement,
        own_probabilities=_own_probabilities(labels, variable, block),
        injection_signs=(
            None
            if labels.injection_signs is None
            else labels.injection_signs[block.start : block.stop]
        ),
        asked=labels.asked(read),
        changed_without_signs=labels.changed_block(
            variable.name, start=block.start, stop=block.stop
        ),
    )
    no_answer = labels.non_answers(read)
    return _DecidedBlock(
        consensus,
        escalate(evidence, policies=policies).without(no_answer),
        no_answer,
        _probability_score(evidence, by="mean_probability"),
        _probability_score(evidence, by="margin"),
    )


def _probabilities(labels: StudyLabels, variable: Variable) -> FloatArray | None:
    """Read the probabilities of all items, eight bytes for each; None if nobody gave any."""
    parts = [
        labels.block(
            variable.name,
            start=start,
            stop=min(start + BLOCK_ITEMS, labels.item_count),
            probabilities=True,
        ).probabilities
        for start in range(0, max(labels.item_count, 1), BLOCK_ITEMS)
    ]
    given = [part for part in parts if part is not None]
    return np.concatenate(given) if given else None


def _own_probabilities(labels: StudyLabels, variable: Variable, block: _Block) -> FloatArray | None:
    """Read the raters' uncalibrated probabilities; return None if nothing is calibrated."""
    if not labels.calibrations.get(variable.name):
        return None
    own = replace(labels, calibrations={})
    read = own.block(variable.name, start=block.start, stop=block.stop, probabilities=True)
    return read.probabilities


def _probability_score(evidence: Evidence, *, by: ScoreName) -> FloatArray:
    if evidence.probabilities is None:
        return np.full(evidence.labels.item_count, np.nan)
    return acceptance_scores(evidence, by=by)


def _part(whole: Consensus, start: int, stop: int) -> Consensus:
    return replace(
        whole,
        categories=whole.categories[start:stop],
        support=whole.support[start:stop],
        scores=whole.scores[start:stop],
        tie=whole.tie[start:stop],
        labels_used=whole.labels_used[start:stop],
        majority=whole.majority[start:stop],
    )


def _joined(parts: Sequence[Consensus]) -> Consensus:
    return replace(
        parts[0],
        categories=np.concatenate([part.categories for part in parts]),
        support=np.concatenate([part.support for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        tie=np.concatenate([part.tie for part in parts]),
        labels_used=np.concatenate([part.labels_used for part in parts]),
        majority=np.concatenate([part.majority for part in parts]),
    )


def _joined_escalation(parts: Sequence[Escalation]) -> Escalation:
    return Escalation(
        mask=np.concatenate([part.mask for part in parts]),
        reason_bits=np.concatenate([part.reason_bits for part in parts]),
        reason_codes=parts[0].reason_codes,
        reason_texts=parts[0].reason_texts,
        reason_causes=tuple(
            joined_causes(of_reason)
            for of_reason in zip(*(part.reason_causes for part in parts), strict=True)
        ),
        doubt=np.concatenate([part.doubt for part in parts]),
    )


def _missed_policy(matrix: LabelMatrix, variable: Variable) -> tuple[EscalationPolicy, ...]:
    verdict = required_verdict(matrix, variable=variable)
    if verdict is None or verdict.met:
        return ()
    return (RequiredAgreementMissed(str(verdict.requirement)),)


def safety_policy(variable: Variable) -> tuple[EscalationPolicy, ...]:
    """Return the policy for the variable's ``always_review`` categories; empty without any."""
    bounds = {
        category.name: category.always_review.above
        for category in variable.categories
        if category.always_review is not None
    }
    return (policy_named("always_review", settings={"categories": bounds}),) if bounds else ()
