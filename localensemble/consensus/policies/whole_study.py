"""Policies that look beyond one item: agreement, control items, a budget, a random audit."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.policies.escalation import (
    SEVERITY_AUDIT,
    STAGE_AUDIT,
    STAGE_BUDGET,
    STAGE_EVIDENCE,
    Escalation,
    Evidence,
    Reason,
    most_doubtful,
)
from localensemble.consensus.protocol import BoolArray, Settings
from localensemble.consensus.registry import check_count, check_share, describe_settings
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import GAP

DrawPurpose = Literal["sample", "audit"]

_BUDGET_REASON = "among the {:,} most doubtful"
AUDIT_REASON = "drawn at random for audit"
_DRAW_BYTES = 8
_DRAW_RANGE = 2.0 ** (8 * _DRAW_BYTES)


@dataclass(frozen=True, slots=True)
class AgreementBelow:
    """Escalate every item of a variable on which the raters agree too little.

    Attributes:
        required: the coefficient the variable must reach, from 0 to 1. An undefined
            coefficient escalates.
    """

    required: float
    name: ClassVar[str] = "agreement_below"
    per_item: ClassVar[bool] = True
    stage: ClassVar[int] = STAGE_EVIDENCE

    def __post_init__(self) -> None:
        check_share(self.required, owner=self.name, setting="required")

    @property
    def settings(self) -> Settings:
        """The required coefficient."""
        return describe_settings({"required": self.required})

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare the variable's coefficient with what is required.

        Raises:
            EnsembleError: the coefficient was not computed.
        """
        if evidence.agreement is None:
            raise EnsembleError(
                f'The escalation policy "{self.name}" needs the agreement of the variable; '
                "it was not computed.",
                hint="Apply the policy after all raters have labeled.",
            )
        low = not evidence.agreement >= self.required
        mask = np.full(evidence.labels.item_count, low, dtype=np.bool_)
        return (Reason(f"agreement on the variable below {self.required:g}, or undefined", mask),)


@dataclass(frozen=True, slots=True)
class RequiredAgreementMissed:
    """Escalate every item of a variable on which raters agree less than the codebook requires.

    The codebook asks for it, so an ensemble file cannot; whoever uses it has compared.

    Attributes:
        required: what is required, in words: ``AC1 >= 0.6``.
    """

    required: str
    name: ClassVar[str] = "required_agreement"
    per_item: ClassVar[bool] = True
    stage: ClassVar[int] = STAGE_EVIDENCE

    @property
    def settings(self) -> Settings:
        """What is required."""
        return describe_settings({"required": self.required})

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Mark every item."""
        mask = np.ones(evidence.labels.item_count, dtype=np.bool_)
        return (Reason(f"agreement below what the codebook requires ({self.required})", mask),)


@dataclass(frozen=True, slots=True)
class ControlMissed:
    """Escalate control items whose consensus is not their known category."""

    name: ClassVar[str] = "control_missed"
    per_item: ClassVar[bool] = True
    stage: ClassVar[int] = STAGE_EVIDENCE

    @property
    def settings(self) -> Settings:
        """None; the rule has nothing to set."""
        return ()

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare the consensus with the control labels.

        Raises:
            EnsembleError: there are no control labels.
        """
        if evidence.control is None:
            raise EnsembleError(
                f'The escalation policy "{self.name}" needs control labels; there are none.',
                hint="Give the study control items, or remove the policy.",
            )
        wrong = (
            (evidence.control != GAP)
            & evidence.consensus.decided
            & (evidence.control != evidence.consensus.categories)
        )
        return (Reason("consensus differs from the control label", wrong),)


@dataclass(frozen=True, slots=True)
class Budget:
    """Escalate as many items as a person can read, the most doubtful first.

    Works after the policies that look at the evidence: what they escalate comes first. It
    never drops an item they escalate; beyond the budget those wait in the queue.

    Attributes:
        items: how many items a person can read.
    """

    items: int
    name: ClassVar[str] = "budget"
    per_item: ClassVar[bool] = False
    stage: ClassVar[int] = STAGE_BUDGET

    def __post_init__(self) -> None:
        check_count(self.items, owner=self.name, setting="items", least=0)

    @property
    def settings(self) -> Settings:
        """The number of items."""
        return describe_settings({"items": self.items})

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Mark the most doubtful items of all, accepted ones included."""
        mask = most_doubtful(so_far.doubt, items=self.items)
        return (Reason(_BUDGET_REASON.format(self.items), mask),)


@dataclass(frozen=True, slots=True)
class RandomAudit:
    """Escalate a random share of what would be accepted, to estimate how right it is.

    Each accepted item is drawn with the same known probability, unanimous ones included.
    The draw depends on the seed and the item's id alone: it is the same in any order, in
    any block and after a resumed run.

    Attributes:
        share: probability that an accepted item is drawn, from 0 to 1.
        seed: another seed draws other items.
    """

    share: float
    seed: int = 0
    name: ClassVar[str] = "random_audit"
    per_item: ClassVar[bool] = True
    stage: ClassVar[int] = STAGE_AUDIT

    def __post_init__(self) -> None:
        check_share(self.share, owner=self.name, setting="share")
        check_count(self.seed, owner=self.name, setting="seed", least=0)

    @property
    def settings(self) -> Settings:
        """The share and the seed."""
        return describe_settings({"share": self.share, "seed": self.seed})

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Draw from the items no policy escalates.

        Raises:
            EnsembleError: the item ids are not known.
        """
        if evidence.item_ids is None:
            raise EnsembleError(
                f'The escalation policy "{self.name}" needs the ids of the items.',
                hint="Give the items an id column.",
            )
        drawn = np.zeros(evidence.labels.item_count, dtype=np.bool_)
        for i in np.flatnonzero(~so_far.mask):
            drawn[i] = self._draws(evidence.item_ids[int(i)])
        return (Reason(AUDIT_REASON, drawn, SEVERITY_AUDIT),)

    def _draws(self, item_id: str) -> bool:
        return random_draw(item_id, seed=self.seed, purpose="audit") < self.share


@dataclass(frozen=True, slots=True, eq=False)
class AuditDraw:
    """What a random audit was drawn from, and what it drew.

    Attributes:
        accepted: bool (N,); items no policy but the audit escalates.
        drawn: bool (N,); those of them that the audit drew.
    """

    accepted: BoolArray
    drawn: BoolArray


def audit_draw(reason_bits: NDArray[np.uint64], *, reason_texts: tuple[str, ...]) -> AuditDraw:
    """Read from the reasons of an escalation what the audit drew, and from what.

    Args:
        reason_bits: uint64 (N,).
        reason_texts: the texts of the bits.
    """
    audit = np.uint64(0)
    if AUDIT_REASON in reason_texts:
        audit = np.uint64(1) << np.uint64(reason_texts.index(AUDIT_REASON))
    accepted = (reason_bits & ~audit) == 0
    return AuditDraw(accepted, accepted & (reason_bits & audit != 0))


def budget_reasons(reason_texts: tuple[str, ...]) -> tuple[str, ...]:
    """Find the reasons that budgets gave."""
    start, end = _BUDGET_REASON.split("{:,}")
    return tuple(text for text in reason_texts if text.startswith(start) and text.endswith(end))


def random_draw(item_id: str, *, seed: int, purpose: DrawPurpose) -> float:
    """Draw a number in [0, 1) that depends on purpose, seed and the item's id alone.

    Draws for two purposes are independent even where the seed is the same: an audit must not
    find the items again that were calibrated on.
    """
    text = f"{purpose}\x1f{seed}\x1f{item_id}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(text, digest_size=_DRAW_BYTES).digest()
    return int.from_bytes(digest, "big") / _DRAW_RANGE
