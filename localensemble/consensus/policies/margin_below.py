"""Items whose two best categories are too close."""

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
from localensemble.consensus.setting_fields import Share


@dataclass(frozen=True, slots=True)
class MarginBelow(EscalationPolicy):
    """Escalate items whose two best categories are too close.

    Attributes:
        limit: a number from 0 to 1; a difference strictly below it escalates, and so does an
            unknown one.
        of: the mean of the raters' ``probabilities``, or the shares of their ``labels``.
    """

    limit: Share
    of: Distribution = "probabilities"
    name: ClassVar[str] = "margin_below"

    @property
    def needs(self) -> tuple[EvidenceName, ...]:
        """Probabilities, unless the policy looks at the shares of the labels."""
        return ("probabilities",) if self.of == "probabilities" else ()

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare the margin with the limit."""
        shares = distribution_of(evidence, of=self.of)
        if shares.shape[1] < 2:
            margin = np.where(np.isnan(shares).all(axis=1), np.nan, 1.0)
        else:
            best = np.partition(shares, -2, axis=1)[:, -2:]
            margin = best[:, 1] - best[:, 0]
        # Shares such as 2/3 - 1/3 must not fall below a limit written as 0.3333333333.
        low = evidence.consensus.decided & ~(margin >= self.limit - 1e-9)
        text = f"margin of the {self.of} below {self.limit:g}, or unknown"
        return (Reason(self.name, text, low),)
