"""As many items as a person can read, the most doubtful first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from localensemble.consensus.policies.escalation import (
    STAGE_BUDGET,
    Escalation,
    EscalationPolicy,
    Evidence,
    Reason,
    most_doubtful,
)
from localensemble.consensus.settings import WholeNumber


@dataclass(frozen=True, slots=True)
class Budget(EscalationPolicy):
    """Escalate as many items as a person can read, the most doubtful first.

    Works after the policies that look at the evidence: what they escalate comes first. It
    never drops an item they escalate; beyond the budget those wait in the queue.

    Attributes:
        items: how many items a person can read.
    """

    items: WholeNumber
    name: ClassVar[str] = "budget"
    per_item: ClassVar[bool] = False
    stage: ClassVar[int] = STAGE_BUDGET

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Mark the most doubtful items of all, accepted ones included."""
        mask = most_doubtful(so_far.doubt, items=self.items)
        return (Reason(self.name, f"among the {self.items:,} most doubtful", mask),)
