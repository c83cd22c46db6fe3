"""A random share of the items that would be accepted, to estimate their accuracy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.policies.escalation import (
    SEVERITY_AUDIT,
    STAGE_AUDIT,
    Escalation,
    EscalationPolicy,
    Evidence,
    EvidenceName,
    Reason,
    needed,
)
from localensemble.consensus.protocol import BoolArray
from localensemble.consensus.setting_fields import Share, WholeNumber
from localensemble.core.random_draw import random_draw


@dataclass(frozen=True, slots=True)
class RandomAudit(EscalationPolicy):
    """Escalate a random share of the items that would be accepted, to estimate their accuracy.

    Each accepted item is drawn with the same known probability, unanimous ones included.
    The draw depends only on the seed and the item's id: it is the same in any order, in
    any block and after a resumed run.

    Attributes:
        share: probability that an accepted item is drawn, from 0 to 1.
        seed: another seed draws other items.
    """

    share: Share
    seed: WholeNumber = 0
    name: ClassVar[str] = "random_audit"
    looks_at_every_rater: ClassVar[bool] = False
    stage: ClassVar[int] = STAGE_AUDIT
    needs: ClassVar[tuple[EvidenceName, ...]] = ("item_ids",)

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Draw from the items that no policy escalates."""
        ids = needed(evidence.item_ids)
        drawn = np.zeros(evidence.labels.item_count, dtype=np.bool_)
        for i in np.flatnonzero(~so_far.mask):
            drawn[i] = self._draws(ids[int(i)])
        return (Reason(self.name, "drawn at random for audit", drawn, SEVERITY_AUDIT),)

    def _draws(self, item_id: str) -> bool:
        return random_draw(item_id, seed=self.seed, purpose="audit") < self.share


@dataclass(frozen=True, slots=True, eq=False)
class AuditDraw:
    """The items that a random audit was drawn from, and those it drew.

    Attributes:
        accepted: bool (N,); items that no policy but the audit escalates.
        drawn: bool (N,); the accepted items that the audit drew.
    """

    accepted: BoolArray
    drawn: BoolArray


def audit_draw(reason_bits: NDArray[np.uint64], *, reason_codes: tuple[str, ...]) -> AuditDraw:
    """Read from the reasons of an escalation which items the audit drew, and from which.

    Args:
        reason_bits: uint64 (N,); the reasons of each item.
        reason_codes: the code of each bit.
    """
    audit = np.uint64(
        sum(1 << b for b, code in enumerate(reason_codes) if code == RandomAudit.name)
    )
    accepted = (reason_bits & ~audit) == 0
    return AuditDraw(accepted, accepted & (reason_bits & audit != 0))
