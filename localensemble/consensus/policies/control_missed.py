"""Control items on which the consensus is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from localensemble.consensus.policies.escalation import (
    Escalation,
    EscalationPolicy,
    Evidence,
    EvidenceName,
    Reason,
    needed,
)
from localensemble.core.label_matrix import GAP


@dataclass(frozen=True, slots=True)
class ControlMissed(EscalationPolicy):
    """Escalate control items whose consensus is not their known category."""

    name: ClassVar[str] = "control_missed"
    looks_at_every_rater: ClassVar[bool] = False
    needs: ClassVar[tuple[EvidenceName, ...]] = ("control",)

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare the consensus with the control labels."""
        control = needed(evidence.control)
        wrong = (
            (control != GAP)
            & evidence.consensus.decided
            & (control != evidence.consensus.categories)
        )
        return (Reason(self.name, "consensus differs from the control label", wrong),)
