"""Items on which the consensus method names no category."""

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
    """Escalate items without a consensus. Always applied, named or not."""

    name: ClassVar[str] = "no_consensus"

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Give one reason each for no label, a tie, and a rule not met."""
        return undecided_reasons(evidence.consensus)
