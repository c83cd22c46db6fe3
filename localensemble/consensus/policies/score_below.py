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
from localensemble.consensus.settings import Number


@dataclass(frozen=True, slots=True)
class ScoreBelow(EscalationPolicy):
    """Escalate items whose score misses a threshold, usually a certified one.

    Attributes:
        limit: scores strictly below it escalate, and so does a score that is not known.
            None accepts nothing: no threshold could be certified.
        by: which score (see ``acceptance_scores``).
    """

    limit: Number | None
    by: ScoreName = "mean_probability"
    name: ClassVar[str] = "score_below"

    @property
    def needs(self) -> tuple[EvidenceName, ...]:
        """Probabilities, where the score is one of them and there is a threshold on it."""
        of_probabilities = self.limit is not None and self.by in SCORES_OF_PROBABILITIES
        return ("probabilities",) if of_probabilities else ()

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare the score with the threshold."""
        name = self.by.replace("_", " ")
        if self.limit is None:
            everything = np.ones(evidence.labels.item_count, dtype=np.bool_)
            return (Reason(self.name, f"no threshold on {name} is certified", everything),)
        scores = acceptance_scores(evidence, by=self.by)
        # Written so that NaN escalates.
        low = evidence.consensus.decided & ~(scores >= self.limit)
        return (Reason(self.name, f"{name} below {self.limit:g}, or not known", low),)
