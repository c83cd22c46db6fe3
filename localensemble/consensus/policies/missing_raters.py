"""Items that some raters did not label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localensemble.consensus.policies.causes import Causes
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

    A rater that a strategy did not ask about an item does not lack a label of it.

    Attributes:
        allowed: number of raters that may lack an assigned label.
    """

    allowed: WholeNumber = 0
    name: ClassVar[str] = "missing_raters"

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Count the raters that were asked and have no assigned label."""
        gaps = ~evidence.labels.mask
        if evidence.asked is not None:
            gaps &= evidence.asked
        found = np.count_nonzero(gaps, axis=1) > self.allowed
        text = (
            "a rater gave no label"
            if self.allowed == 0
            else f"more than {self.allowed} raters gave no label"
        )
        causes = Causes.of(
            evidence.labels.raters, masks=gaps & found[:, None], predicate="gave no label"
        )
        return (Reason(self.name, text, found, causes=causes),)
