"""Items for which the consensus method names no category."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from localensemble.consensus.policies.escalation import (
    Escalation,
    EscalationPolicy,
    Evidence,
    Reason,
    undecided_reasons,
)


@dataclass(frozen=True, slots=True)
class NoConsensus(EscalationPolicy):
    """Escalate items without a consensus. Always applied, even if not listed."""

    name: ClassVar[str] = "no_consensus"
    looks_at_every_rater: ClassVar[bool] = False

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Return one reason each for no label, a tie, and a rule not met."""
        return undecided_reasons(evidence.consensus)
