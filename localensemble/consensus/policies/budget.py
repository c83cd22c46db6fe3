"""The most doubtful items, as many as a person can review."""

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
from localensemble.consensus.setting_fields import WholeNumber


@dataclass(frozen=True, slots=True)
class Budget(EscalationPolicy):
    """Escalate the most doubtful items, as many as a person can review.

    The budget works after the policies that look at the evidence, and the items they escalate
    come first. It never drops an escalated item; items beyond the budget wait in the queue.

    Attributes:
        items: number of items a person can review.
    """

    items: WholeNumber
    name: ClassVar[str] = "budget"
    per_item: ClassVar[bool] = False
    stage: ClassVar[int] = STAGE_BUDGET

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Mark the most doubtful items of all, accepted ones included."""
        mask = most_doubtful(so_far.doubt, items=self.items)
        return (Reason(self.name, f"among the {self.items:,} most doubtful", mask),)
