"""Variables on which raters agree too little."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localensemble.consensus.policies.escalation import (
    Escalation,
    EscalationPolicy,
    Evidence,
    EvidenceName,
    Reason,
    needed,
)
from localensemble.consensus.setting_fields import Share


@dataclass(frozen=True, slots=True)
class AgreementBelow(EscalationPolicy):
    """Escalate every item of a variable on which the raters agree too little.

    Attributes:
        required: the lowest coefficient that is enough, from 0 to 1. An undefined coefficient
            escalates.
    """

    required: Share
    name: ClassVar[str] = "agreement_below"
    needs: ClassVar[tuple[EvidenceName, ...]] = ("agreement",)

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare the variable's coefficient with the required one."""
        low = not needed(evidence.agreement) >= self.required
        mask = np.full(evidence.labels.item_count, low, dtype=np.bool_)
        text = f"agreement on the variable below {self.required:g}, or undefined"
        return (Reason(self.name, text, mask),)
