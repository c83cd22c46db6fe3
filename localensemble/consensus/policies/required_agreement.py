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

    The codebook asks for it, so an ensemble file cannot; whoever uses it has compared.

    Attributes:
        required: what is required, in words: ``AC1 >= 0.6``.
    """

    required: str
    name: ClassVar[str] = "required_agreement"

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Mark every item."""
        mask = np.ones(evidence.labels.item_count, dtype=np.bool_)
        text = f"agreement below what the codebook requires ({self.required})"
        return (Reason(self.name, text, mask),)
