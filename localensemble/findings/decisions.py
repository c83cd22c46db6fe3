"""What was decided for every item of one variable, worked out from the ledger.

Reads the ledger block by block, so that memory grows by a few bytes per item and not by
its probabilities. Decides nothing itself: the consensus method and the escalation policies
do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Variable
from localensemble.consensus.escalation import EscalationPolicy, Evidence, escalate
from localensemble.consensus.policies import policy_named
from localensemble.consensus.protocol import Consensus, ConsensusMethod
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import LabelMatrix
from localensemble.core.labels import LabelStatus
from localensemble.ledger.read import LedgerReader
from localensemble.ledger.records import MISSING, ItemSetKey, LabelBlock, RaterKey, VariableKey
from localensemble.ledger.schema import STATUS_CODES

BLOCK_ITEMS = 8192
_WORD_OF_CODE = {code: f"<{status.value}>" for status, code in STATUS_CODES.items()} | {
    MISSING: "<missing>"
}

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StudyLabels:
    """Where the labels of a study are: one item set, and the raters that count.

    ``item_count`` may be smaller than the item set when only its first items were labeled.
    """

    reader: LedgerReader
    item_set: ItemSetKey
    item_count: int
    rater_keys: tuple[RaterKey, ...]
    rater_names: tuple[str, ...]
    variable_keys: Mapping[str, VariableKey]

    def block(
        self, variable: str, *, start: int, stop: int, probabilities: bool = False
    ) -> LabelBlock:
        """Read the labels of one variable for the items from start to stop."""
        return self.reader.label_block(
            self.item_set,
            variable=self.variable_keys[variable],
            raters=self.rater_keys,
            start=start,
            stop=stop,
            probabilities=probabilities,
        )

    def words(self, variable: Variable, *, start: int, stop: int) -> list[list[str]]:
        """Say what each rater gave each item: a category, or its status in angle brackets."""
        block = self.block(variable.name, start=start, stop=stop)
        assigned = STATUS_CODES[LabelStatus.ASSIGNED]
        return [
            [
                variable.answers[category] if status == assigned else _WORD_OF_CODE[status]
                for status, category in zip(statuses, categories, strict=True)
            ]
            for statuses, categories in zip(
                block.status.tolist(), block.category.tolist(), strict=True
            )
        ]

    def matrix(self, variable: Variable) -> LabelMatrix:
        """Read the whole label matrix of one variable: two bytes per label."""
        indices = self.reader.label_indices(
            self.item_set, variable=self.variable_keys[variable.name], raters=self.rater_keys
        )
        return LabelMatrix(indices[: self.item_count], variable.answers, self.rater_names)


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """What was decided for N items of one variable.

    Attributes:
        categories: int16 (N,); the consensus category, -1 where there is none.
        support: (N,); share of assigned labels behind it, NaN without consensus.
        mean_probability: (N,); mean over raters of the probability each gave the consensus
            category, NaN without consensus or without probabilities. The raters' own
            confidence, not a probability of being right.
        escalated: bool (N,); True where a person must look. Elsewhere the consensus is
            the final label.
        doubt: (N,); larger is more doubtful; comparable between variables.
        reason_bits: uint64 (N,); bit b is set where ``reason_texts[b]`` applies.
        reason_texts: the reasons in words.
    """

    variable: Variable
    categories: NDArray[np.int16]
    support: FloatArray
    mean_probability: FloatArray
    escalated: NDArray[np.bool_]
    doubt: FloatArray
    reason_bits: NDArray[np.uint64]
    reason_texts: tuple[str, ...]

    def reasons(self, item: int) -> tuple[str, ...]:
        """Say in words why one item is escalated; empty when it is not."""
        bits = int(self.reason_bits[item])
        return tuple(text for bit, text in enumerate(self.reason_texts) if bits >> bit & 1)

    def reason_counts(self) -> tuple[tuple[str, int], ...]:
        """Count the items to which each reason applies; one item can have several."""
        return tuple(
            (text, int(np.count_nonzero(self.reason_bits >> np.uint64(bit) & np.uint64(1))))
            for bit, text in enumerate(self.reason_texts)
        )

    @property
    def final(self) -> NDArray[np.int16]:
        """Int16 (N,): the final label's category, -1 where the item is escalated."""
        return np.where(self.escalated, np.int16(-1), self.categories)


def decide(
    labels: StudyLabels,
    *,
    variable: Variable,
    method: ConsensusMethod,
    policies: Sequence[EscalationPolicy],
) -> Decisions:
    """Derive consensus and escalation for every item of one variable.

    The codebook's ``always_review`` categories are applied whatever the policies.

    Raises:
        EnsembleError: a policy or the method needs all items at once and there are too
            many, or evidence is missing that a policy needs.
    """
    policies = (*policies, *_safety_policy(variable))
    parts = [
        _decide_block(labels, variable, method, policies, start)
        for start in range(0, max(labels.item_count, 1), BLOCK_ITEMS)
    ]
    return Decisions(
        variable=variable,
        categories=np.concatenate([part.categories for part in parts]),
        support=np.concatenate([part.support for part in parts]),
        mean_probability=np.concatenate([part.mean_probability for part in parts]),
        escalated=np.concatenate([part.escalated for part in parts]),
        doubt=np.concatenate([part.doubt for part in parts]),
        reason_bits=np.concatenate([part.reason_bits for part in parts]),
        reason_texts=parts[0].reason_texts,
    )


def check_per_item(method: ConsensusMethod, policies: Sequence[EscalationPolicy]) -> None:
    """Refuse what cannot be decided block by block.

    Raises:
        EnsembleError: names the method or policy.
    """
    at_once = [] if method.per_item else [method.name]
    at_once += [policy.name for policy in policies if not policy.per_item]
    if at_once:
        raise EnsembleError(
            f'"{at_once[0]}" looks at all items at once, which this version cannot yet do '
            "on a study.",
            hint="Choose a method or policy that decides item by item.",
        )


def _decide_block(
    labels: StudyLabels,
    variable: Variable,
    method: ConsensusMethod,
    policies: Sequence[EscalationPolicy],
    start: int,
) -> Decisions:
    stop = min(start + BLOCK_ITEMS, labels.item_count)
    block = labels.block(variable.name, start=start, stop=stop, probabilities=True)
    matrix = LabelMatrix(block.category, variable.answers, labels.rater_names)
    consensus = method.derive(matrix, probabilities=block.probabilities)
    escalation = escalate(
        Evidence(matrix, consensus, block.probabilities, block.off_codebook_mass),
        policies=policies,
    )
    return Decisions(
        variable=variable,
        categories=consensus.categories,
        support=consensus.support,
        mean_probability=_mean_probability(consensus, block.probabilities),
        escalated=escalation.mask,
        doubt=escalation.doubt,
        reason_bits=escalation.reason_bits,
        reason_texts=escalation.reason_texts,
    )


def _safety_policy(variable: Variable) -> tuple[EscalationPolicy, ...]:
    bounds = {
        category.name: category.always_review.above
        for category in variable.categories
        if category.always_review is not None
    }
    return (policy_named("always_review", settings={"categories": bounds}),) if bounds else ()


def _mean_probability(consensus: Consensus, probabilities: FloatArray | None) -> FloatArray:
    mean = np.full(len(consensus.categories), np.nan)
    if probabilities is None:
        return mean
    decided = np.flatnonzero(consensus.decided)
    chosen = probabilities[decided, :, consensus.categories[decided]]
    known = ~np.isnan(chosen)
    counts = known.sum(axis=1)
    sums = np.where(known, chosen, 0.0).sum(axis=1)
    mean[decided] = np.divide(sums, counts, out=np.full(len(decided), np.nan), where=counts > 0)
    return mean
