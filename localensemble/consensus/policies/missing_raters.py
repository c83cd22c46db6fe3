"""Items that some raters did not label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localensemble.consensus.policies.escalation import (
    Escalation,
    EscalationPolicy,
    Evidence,
    Reason,
)
from localensemble.consensus.setting_fields import WholeNumber


@dataclass(frozen=True, slots=True)
class MissingRaters(EscalationPolicy):
    """Escalate items that some raters did not label, for whatever reason.

    Attributes:
        allowed: number of raters that may lack an assigned label.
    """

    allowed: WholeNumber = 0
    name: ClassVar[str] = "missing_raters"

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Count the raters without an assigned label."""
        missing = len(evidence.labels.raters) - np.count_nonzero(evidence.labels.mask, axis=1)
        text = (
            "a rater gave no label"
            if self.allowed == 0
            else f"more than {self.allowed} raters gave no label"
        )
        return (Reason(self.name, text, missing > self.allowed),)
