"""Items whose score misses a threshold, usually a certified one."""

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
)
from localensemble.consensus.policies.scores import (
    SCORES_OF_PROBABILITIES,
    ScoreName,
    acceptance_scores,
)
from localensemble.consensus.setting_fields import Number


@dataclass(frozen=True, slots=True)
class ScoreBelow(EscalationPolicy):
    """Escalate items whose score misses a threshold, usually a certified one.

    Attributes:
        limit: scores strictly below it escalate, and so does an unknown score. None accepts
            nothing: no threshold could be certified.
        by: the score to compare (see ``acceptance_scores``).
    """

    limit: Number | None
    by: ScoreName = "mean_probability"
    name: ClassVar[str] = "score_below"

    @property
    def needs(self) -> tuple[EvidenceName, ...]:
        """Probabilities, if there is a threshold and its score is computed from them."""
        of_probabilities = self.limit is not None and self.by in SCORES_OF_PROBABILITIES
        return ("probabilities",) if of_probabilities else ()

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare the score with the threshold."""
        name = self.by.replace("_", " ")
        if self.limit is None:
            everything = np.ones(evidence.labels.item_count, dtype=np.bool_)
            return (Reason(self.name, f"no certified threshold on {name}", everything),)
        scores = acceptance_scores(evidence, by=self.by)
        # Written so that NaN escalates.
        low = evidence.consensus.decided & ~(scores >= self.limit)
        return (Reason(self.name, f"{name} below {self.limit:g}, or unknown", low),)
