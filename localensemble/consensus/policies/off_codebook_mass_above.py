"""Items on which a rater wanted to answer outside the codebook."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localensemble.consensus.policies.causes import Causes
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
class OffCodebookMassAbove(EscalationPolicy):
    """Escalate items on which a rater wanted to answer outside the codebook.

    Attributes:
        limit: probability in [0, 1]; any rater strictly above it escalates the item.
    """

    limit: Share
    name: ClassVar[str] = "off_codebook_mass_above"
    needs: ClassVar[tuple[EvidenceName, ...]] = ("off_codebook_mass",)

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare every rater's off-codebook mass with the limit."""
        # NaN (unknown) compares as not above.
        above = needed(evidence.off_codebook_mass) > self.limit
        done = f"put a probability above {self.limit:g} outside the codebook"
        causes = Causes.of(evidence.labels.raters, masks=above, predicate=done)
        return (Reason(self.name, f"a rater {done}", np.any(above, axis=1), causes=causes),)
