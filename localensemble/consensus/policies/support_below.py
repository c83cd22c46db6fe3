"""Items whose consensus was chosen by too few raters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from localensemble.consensus.policies.escalation import (
    Escalation,
    EscalationPolicy,
    Evidence,
    Reason,
)
from localensemble.consensus.setting_fields import Share


@dataclass(frozen=True, slots=True)
class SupportBelow(EscalationPolicy):
    """Escalate items whose consensus has too small a share of the assigned labels.

    Attributes:
        limit: share in [0, 1]; support strictly below it escalates the item.
    """

    limit: Share
    name: ClassVar[str] = "support_below"

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare the support with the limit."""
        # 2 of 3 must not fall below a limit written as 0.6666666667.
        low = evidence.consensus.support < self.limit - 1e-9
        return (Reason(self.name, f"support below {self.limit:g}", low),)
