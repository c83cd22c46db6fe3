"""Items whose distribution over the categories is too even."""

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
from localensemble.consensus.policies.scores import Distribution, distribution_of
from localensemble.consensus.protocol import FloatArray
from localensemble.consensus.setting_fields import Share


@dataclass(frozen=True, slots=True)
class EntropyAbove(EscalationPolicy):
    """Escalate items whose distribution over the categories is too even.

    The entropy is divided by ln K: 0 is certainty, 1 means that all categories are equal.

    Attributes:
        limit: a number from 0 to 1; entropy strictly above it escalates, and so does unknown
            entropy.
        of: the mean of the raters' ``probabilities``, or the shares of their ``labels``.
    """

    limit: Share
    of: Distribution = "probabilities"
    name: ClassVar[str] = "entropy_above"

    @property
    def needs(self) -> tuple[EvidenceName, ...]:
        """Probabilities, unless the policy looks at the shares of the labels."""
        return ("probabilities",) if self.of == "probabilities" else ()

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare the entropy with the limit."""
        entropy = normalized_entropy(distribution_of(evidence, of=self.of))
        above = evidence.consensus.decided & ~(entropy <= self.limit)
        text = f"entropy of the {self.of} above {self.limit:g}, or unknown"
        return (Reason(self.name, text, above),)


def normalized_entropy(shares: FloatArray) -> FloatArray:
    """Compute each row's entropy divided by ln K, in [0, 1]; NaN for rows of NaN, 0 if K is 1."""
    category_count = shares.shape[1]
    if category_count < 2:
        return np.zeros(len(shares)) if category_count else np.full(len(shares), np.nan)
    # p ln p is 0 at p = 0; sorting makes the sum independent of the order of categories.
    positive = np.where(shares == 0, 1.0, shares)
    terms = np.sort(-shares * np.log(positive), axis=1)
    return np.asarray(np.clip(terms.sum(axis=1) / np.log(category_count), 0.0, 1.0))
