"""Variables on which raters agree less than the codebook requires."""

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


@dataclass(frozen=True, slots=True)
class RequiredAgreementMissed(EscalationPolicy):
    """Escalate every item of a variable on which raters agree less than the codebook requires.

    The codebook sets this requirement, not an ensemble file. The caller has compared the
    agreement with it already.

    Attributes:
        required: the requirement in words, such as ``AC1 >= 0.6``.
    """

    required: str
    name: ClassVar[str] = "required_agreement"

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Mark every item."""
        mask = np.ones(evidence.labels.item_count, dtype=np.bool_)
        text = f"agreement below what the codebook requires ({self.required})"
        return (Reason(self.name, text, mask),)
