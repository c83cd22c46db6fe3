"""Items whose text was perhaps written to change its own label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localensemble.consensus.policies.escalation import (
    SEVERITY_SAFETY,
    Escalation,
    EscalationPolicy,
    Evidence,
    Reason,
)
from localensemble.core.injection_signs import InjectionSign


@dataclass(frozen=True, slots=True)
class SuspectedInjection(EscalationPolicy):
    """Escalate items whose text shows a sign of prompt injection.

    The signs are found in the texts while they are labeled. Where nobody looked for them, as in
    ratings made elsewhere, the policy escalates nothing, and the study carries a caution.
    """

    name: ClassVar[str] = "suspected_injection"
    looks_at_every_rater: ClassVar[bool] = False

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Return one reason for each kind of sign."""
        held = evidence.injection_signs
        if held is None:
            held = np.zeros(evidence.labels.item_count, dtype=np.int64)
        return tuple(
            Reason(
                self.name,
                f"suspected prompt injection: the text has {sign.words}",
                held & sign.bit > 0,
                SEVERITY_SAFETY,
            )
            for sign in InjectionSign
        )
