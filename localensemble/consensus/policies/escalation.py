"""Decide which items a person must review, why, and in what order.

A policy decides for every item whether one of its reasons applies. Policies are combined by
"or": any reason escalates. An item without a consensus is always escalated. Policies work
in stages: first those that look at the evidence, then the budget, then the random audit, which
draws from the items that all the others would accept.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.policies.causes import Causes
from localensemble.consensus.protocol import BoolArray, CategoryArray, Consensus, FloatArray
from localensemble.consensus.setting_fields import SettingsFromFields
from localensemble.consensus.shares import check_probabilities, label_shares, mean_distribution
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import LabelMatrix

SEVERITY_AUDIT = 0
SEVERITY_DOUBTFUL = 1
SEVERITY_UNDECIDED = 2
SEVERITY_SAFETY = 3
SEVERITY_MISLED = 4

STAGE_EVIDENCE = 0
STAGE_BUDGET = 1
STAGE_AUDIT = 2

EvidenceName = Literal["probabilities", "off_codebook_mass", "item_ids", "control", "agreement"]
Given = TypeVar("Given")

# Evidence a policy may need -> how an error describes its absence, and what to do.
_MISSING: Mapping[EvidenceName, tuple[str, str]] = {
    "probabilities": (
        "probabilities; these labels have none",
        "Remove the policy, or use one that works on labels, such as support_below.",
    ),
    "off_codebook_mass": (
        "off-codebook mass; these labels have none",
        "Remove the policy: only model raters that report probabilities have this mass.",
    ),
    "item_ids": ("the ids of the items", "Give the items an id column."),
    "control": (
        "control labels; there are none",
        "Give the study control items, or remove the policy.",
    ),
    "agreement": (
        "the agreement on the variable; it was not computed",
        "Apply the policy after all raters have labeled.",
    ),
}

_MOST_REASONS = 64
_SEVERITY_STEP = 100.0
_UNCERTAINTY_BELOW = 1.0 - 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What is known about N items of one variable when deciding which to escalate.

    Attributes:
        labels: labels of N items by R raters.
        consensus: the consensus that a method derived from the labels.
        probabilities: (N, R, K) distributions of the raters, a row of NaN where unknown.
        own_probabilities: the distributions before a calibration of the raters; None without
            a calibration.
        off_codebook_mass: (N, R) probability outside the categories, NaN where unknown.
        item_ids: the N item ids, needed by the random audit.
        control: (N,) index of the known category of a control item, -1 elsewhere.
        agreement: the coefficient of the variable that ``agreement_below`` compares; NaN
            if it is undefined.
        injection_signs: int (N,) the bits of `core.injection_signs` that each text has; None if
            nobody looked for them.
        asked: bool (N, R); whether a rater was asked about an item; None if all raters were
            asked about all items.
        changed_without_signs: bool (N, R); True where the rater gave another label to the text
            without the sentences that have a sign; None if nobody asked again.

    Raises:
        ValueError: the shapes do not match.
    """

    labels: LabelMatrix
    consensus: Consensus
    probabilities: FloatArray | None = None
    off_codebook_mass: FloatArray | None = None
    item_ids: Sequence[str] | None = None
    control: CategoryArray | None = None
    agreement: float | None = None
    own_probabilities: FloatArray | None = None
    injection_signs: NDArray[np.int64] | None = None
    asked: BoolArray | None = None
    changed_without_signs: BoolArray | None = None

    def __post_init__(self) -> None:
        item_count = self.labels.item_count
        if len(self.consensus.categories) != item_count:
            raise ValueError(
                f"The consensus covers {len(self.consensus.categories)} items; "
                f"the labels cover {item_count}."
            )
        for shares in (self.probabilities, self.own_probabilities):
            if shares is not None:
                check_probabilities(self.labels, probabilities=shares)
        cells = (item_count, len(self.labels.raters))
        for what, array in (
            ("off_codebook_mass", self.off_codebook_mass),
            ("asked", self.asked),
            ("changed_without_signs", self.changed_without_signs),
        ):
            if array is not None and array.shape != cells:
                raise ValueError(f"{what} has shape {array.shape}; expected {cells}.")
        for what, given in (
            ("item_ids", self.item_ids),
            ("control", self.control),
            ("injection_signs", self.injection_signs),
        ):
            if given is not None and len(given) != item_count:
                raise ValueError(f"{what} has {len(given)} entries for {item_count} items.")


@dataclass(frozen=True, slots=True, eq=False)
class Reason:
    """One reason to escalate.

    Attributes:
        code: a short identifier for programs: the name of the policy, why there is no
            consensus, or `LABEL_DEPENDS_ON_SIGN`. Texts may be reworded; codes stay the same.
        text: the reason in words, the same for every item and every block of items.
        mask: bool (N,); the items that the reason applies to.
        severity: 0 drawn for audit, 1 doubtful, 2 undecided, 3 a safety category or a suspected
            text, 4 a text that seems to have misled a rater.
        causes: the single raters, or the signs in the text, that cause it; None if none does
            alone.
    """

    code: str
    text: str
    mask: BoolArray
    severity: int = SEVERITY_DOUBTFUL
    causes: Causes | None = None


class EscalationPolicy(SettingsFromFields, ABC):
    """A rule that escalates items.

    A policy is a frozen dataclass in its own file and one entry in `named_policies`.

    Attributes:
        name: the registered name, and the code of its reasons.
        per_item: whether an item's answer depends only on that item.
        stage: when the policy works: 0 on the evidence, 1 as budget, 2 as audit.
        looks_at_every_rater: whether a label that was never made could have escalated an item
            whose consensus is certain without it.
    """

    __slots__ = ()

    name: ClassVar[str]
    per_item: ClassVar[bool] = True
    stage: ClassVar[int] = STAGE_EVIDENCE
    looks_at_every_rater: ClassVar[bool] = True

    @property
    def needs(self) -> tuple[EvidenceName, ...]:
        """The evidence that the policy needs besides labels and consensus."""
        return ()

    @abstractmethod
    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Return the policy's reasons, always the same number in the same order.

        Args:
            evidence: what is known about the items, including all that the policy ``needs``.
            so_far: what the policies of earlier stages escalate.

        Raises:
            EnsembleError: a setting names an unknown rater or category.
        """


@dataclass(frozen=True, slots=True, eq=False)
class Escalation:
    """Which of N items go to a person.

    Attributes:
        mask: bool (N,); True where a person must decide, False where the consensus is accepted.
        reason_bits: uint64 (N,); bit b is set where ``reason_texts[b]`` applies.
        reason_codes: the codes of the reasons, in the order of the policies.
        reason_texts: the same reasons in words, without the names of raters.
        reason_causes: what causes each reason; None if no single rater or sign does.
        doubt: (N,); larger is more doubtful. 100 times the severity of the gravest reason
            (4 misled, 3 safety category or suspected, 2 undecided, 1 other, 0 none or audit),
            plus the number of
            reasons (not counting an audit, which must not depend on what it measures), plus
            the uncertainty in [0, 1): 1 - mean probability of the consensus category;
            without probabilities, 1 - its share of the labels; without a consensus,
            1 - the largest of these over the categories.
    """

    mask: BoolArray
    reason_bits: NDArray[np.uint64]
    reason_codes: tuple[str, ...]
    reason_texts: tuple[str, ...]
    reason_causes: tuple[Causes | None, ...]
    doubt: FloatArray

    def reasons(self, item: int) -> tuple[str, ...]:
        """Return the reasons of the item at an index, in words that name who caused them."""
        bits = int(self.reason_bits[item])
        return tuple(
            (causes.text(item) if causes else "") or text
            for bit, (text, causes) in enumerate(
                zip(self.reason_texts, self.reason_causes, strict=True)
            )
            if bits >> bit & 1
        )

    def reasons_without_raters(self, item: int) -> tuple[str, ...]:
        """Return the same reasons without the names of raters."""
        bits = int(self.reason_bits[item])
        return tuple(
            causes.text(item) if causes is not None and not causes.are_raters else text
            for bit, (text, causes) in enumerate(
                zip(self.reason_texts, self.reason_causes, strict=True)
            )
            if bits >> bit & 1
        )

    def codes(self, item: int) -> tuple[str, ...]:
        """Return the codes of these reasons without repeats; several reasons may share one."""
        bits = int(self.reason_bits[item])
        found = (code for bit, code in enumerate(self.reason_codes) if bits >> bit & 1)
        return tuple(dict.fromkeys(found))

    def without(self, items: BoolArray) -> Escalation:
        """Take items back: they have no reason, and less doubt than any other item."""
        if not items.any():
            return self
        return replace(
            self,
            mask=self.mask & ~items,
            reason_bits=np.where(items, np.uint64(0), self.reason_bits),
            reason_causes=tuple(
                None if causes is None else causes.without(items) for causes in self.reason_causes
            ),
            # Below zero, so that a budget takes every other item first.
            doubt=np.where(items, -1.0, self.doubt),
        )

    def queue(self) -> NDArray[np.int64]:
        """Return the indices of the escalated items, most doubtful first, ties in item order."""
        escalated = np.flatnonzero(self.mask)
        order = np.argsort(-self.doubt[escalated], kind="stable")
        return escalated[order].astype(np.int64)

    def reason_counts(self) -> tuple[tuple[str, int], ...]:
        """Count the items each reason applies to; an item may have several.

        The texts name the raters that cause a reason, with the number of items of each.
        """
        one = np.uint64(1)
        return tuple(
            (
                (causes.summary() if causes else "") or text,
                int(np.count_nonzero(self.reason_bits >> np.uint64(bit) & one)),
            )
            for bit, (text, causes) in enumerate(
                zip(self.reason_texts, self.reason_causes, strict=True)
            )
        )

    def patterns(self) -> NDArray[np.void]:
        """Return a value per item, (N,): equal for items with the same reasons in words."""
        columns = [np.ascontiguousarray(self.reason_bits).view(np.uint8).reshape(-1, 8)]
        columns += [causes.packed for causes in self.reason_causes if causes is not None]
        joined = np.ascontiguousarray(np.concatenate(columns, axis=1))
        return joined.view(np.dtype((np.void, joined.shape[1]))).ravel()


def escalate(evidence: Evidence, *, policies: Sequence[EscalationPolicy]) -> Escalation:
    """Apply policies; an item with any reason is escalated.

    The reasons for having no consensus come first, whether or not ``policies`` names them:
    an item without a category cannot be accepted.

    Raises:
        EnsembleError: a policy needs evidence that the run does not have, or the policies
            have more than 64 reasons together.
    """
    nothing = _nothing_yet(_uncertainty(evidence))
    escalation = _with_reasons(nothing, undecided_reasons(evidence.consensus))
    return escalate_further(escalation, evidence=evidence, policies=policies)


def escalate_further(
    escalation: Escalation, *, evidence: Evidence, policies: Sequence[EscalationPolicy]
) -> Escalation:
    """Apply more policies to what others have escalated, stage by stage.

    This lets the policies of the first stage work block by block, and a budget on the joined
    blocks.

    Raises:
        EnsembleError: for the reasons of `escalate`.
    """
    for stage in (STAGE_EVIDENCE, STAGE_BUDGET, STAGE_AUDIT):
        found: list[Reason] = []
        for policy in policies:
            if policy.stage == stage:
                _refuse_missing(policy, evidence)
                found += policy.reasons(evidence, so_far=escalation)
        escalation = _with_reasons(escalation, found)
    return escalation


def needed(given: Given | None) -> Given:
    """Return evidence that a policy states in ``needs``, so that it was checked earlier.

    Raises:
        ValueError: the evidence is missing, and the policy does not state it in ``needs``.
    """
    if given is None:
        raise ValueError("A policy uses evidence that it does not state in `needs`.")
    return given


def most_doubtful(doubt: FloatArray, *, items: int) -> BoolArray:
    """Mark the given number of items with the largest doubt, ties in item order."""
    mask = np.zeros(len(doubt), dtype=np.bool_)
    mask[np.argsort(-doubt, kind="stable")[:items]] = True
    return mask


def undecided_reasons(consensus: Consensus) -> tuple[Reason, ...]:
    """Return why items have no consensus: nobody labeled them, a tie, or the rule was not met."""
    undecided = ~consensus.decided
    unlabeled = undecided & (consensus.labels_used == 0)
    tie = undecided & ~unlabeled & consensus.tie
    return (
        Reason("no_labels", "no rater labeled it", unlabeled, SEVERITY_UNDECIDED),
        Reason("tie", "tie between categories", tie, SEVERITY_UNDECIDED),
        Reason(
            "rule_not_met",
            "no category met the consensus rule",
            undecided & ~unlabeled & ~tie,
            SEVERITY_UNDECIDED,
        ),
    )


def _refuse_missing(policy: EscalationPolicy, evidence: Evidence) -> None:
    for name in policy.needs:
        if getattr(evidence, name) is None:
            missing, hint = _MISSING[name]
            raise EnsembleError(
                f'The escalation policy "{policy.name}" needs {missing}.', hint=hint
            )


def _nothing_yet(uncertainty: FloatArray) -> Escalation:
    item_count = len(uncertainty)
    return Escalation(
        mask=np.zeros(item_count, dtype=np.bool_),
        reason_bits=np.zeros(item_count, dtype=np.uint64),
        reason_codes=(),
        reason_texts=(),
        reason_causes=(),
        doubt=uncertainty,
    )


def _with_reasons(escalation: Escalation, reasons: Sequence[Reason]) -> Escalation:
    codes = list(escalation.reason_codes)
    texts = list(escalation.reason_texts)
    causes = list(escalation.reason_causes)
    added: dict[str, Reason] = {}
    for reason in reasons:
        if reason.text not in texts:
            added.setdefault(reason.text, reason)
    if len(texts) + len(added) > _MOST_REASONS:
        raise EnsembleError(
            f"The escalation policies have {len(texts) + len(added)} reasons; "
            f"at most {_MOST_REASONS} fit.",
            hint="List fewer always_review categories for one variable.",
        )
    bits = escalation.reason_bits.copy()
    severity, rest = np.divmod(escalation.doubt, _SEVERITY_STEP)
    for reason in added.values():
        bits |= reason.mask.astype(np.uint64) << np.uint64(len(texts))
        codes.append(reason.code)
        texts.append(reason.text)
        causes.append(reason.causes)
        severity = np.maximum(severity, reason.mask * float(reason.severity))
        if reason.severity != SEVERITY_AUDIT:
            # There are at most 64 reasons, so their count never reaches the next severity.
            rest = rest + reason.mask
    doubt = _SEVERITY_STEP * severity + rest
    return Escalation(bits != 0, bits, tuple(codes), tuple(texts), tuple(causes), doubt)


def _uncertainty(evidence: Evidence) -> FloatArray:
    """Compute 1 - the raters' share for the consensus category (without one, the best)."""
    shares = label_shares(evidence.labels)
    if evidence.probabilities is not None:
        means = mean_distribution(evidence.labels, probabilities=evidence.probabilities)
        shares = np.where(np.isnan(means), shares, means)
    shares = np.nan_to_num(shares, nan=0.0)
    if shares.shape[1] == 0:
        return np.full(shares.shape[0], _UNCERTAINTY_BELOW)
    categories = np.maximum(evidence.consensus.categories, 0).astype(np.int64)
    chosen = np.take_along_axis(shares, categories[:, None], axis=1)[:, 0]
    certainty = np.where(evidence.consensus.decided, chosen, shares.max(axis=1))
    return np.clip(1.0 - certainty, 0.0, _UNCERTAINTY_BELOW)
