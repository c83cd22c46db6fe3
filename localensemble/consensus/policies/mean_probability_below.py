"""Items whose consensus gets too little probability from the raters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from localensemble.consensus.policies.escalation import (
    Escalation,
    EscalationPolicy,
    Evidence,
    EvidenceName,
    Reason,
)
from localensemble.consensus.policies.scores import acceptance_scores
from localensemble.consensus.setting_fields import Share


@dataclass(frozen=True, slots=True)
class MeanProbabilityBelow(EscalationPolicy):
    """Escalate items whose consensus gets too little probability from the raters.

    The mean runs over the raters that gave probabilities; if none did, the item is escalated.

    Attributes:
        limit: probability in [0, 1]; a mean strictly below it escalates.
    """

    limit: Share
    name: ClassVar[str] = "mean_probability_below"
    needs: ClassVar[tuple[EvidenceName, ...]] = ("probabilities",)

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare the mean probability of the consensus category with the limit."""
        means = acceptance_scores(evidence, by="mean_probability")
        # Written so that NaN (no rater gave probabilities) escalates.
        low = evidence.consensus.decided & ~(means >= self.limit)
        return (Reason(self.name, f"mean probability below {self.limit:g}, or unknown", low),)
