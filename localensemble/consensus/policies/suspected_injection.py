"""Items whose text was perhaps written to change its own label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localensemble.consensus.policies.causes import Causes
from localensemble.consensus.policies.escalation import (
    SEVERITY_MISLED,
    SEVERITY_SAFETY,
    Escalation,
    EscalationPolicy,
    Evidence,
    Reason,
)
from localensemble.core.injection_signs import InjectionSign

LABEL_DEPENDS_ON_SIGN = "label_depends_on_sign"
_SUSPECTED = "suspected prompt injection: the text has "
_CHANGES = "changes when the suspicious sentence is left out"


@dataclass(frozen=True, slots=True)
class SuspectedInjection(EscalationPolicy):
    """Escalate items whose text shows a sign of prompt injection.

    The signs are found in the texts while they are labeled. Where nobody looked for them, as in
    ratings made elsewhere, the policy escalates nothing, and the study carries a caution.
    """

    name: ClassVar[str] = "suspected_injection"
    looks_at_every_rater: ClassVar[bool] = False

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Return one reason for the signs, and one for labels that depend on them."""
        item_count, raters = evidence.labels.item_count, evidence.labels.raters
        held = evidence.injection_signs
        if held is None:
            held = np.zeros(item_count, dtype=np.int64)
        changed = evidence.changed_without_signs
        if changed is None:
            changed = np.zeros((item_count, len(raters)), dtype=np.bool_)
        suspected = held > 0
        changed = changed & suspected[:, None]
        bits = np.array([sign.bit for sign in InjectionSign])
        return (
            Reason(
                self.name,
                f"{_SUSPECTED}signs that it was written to change its label",
                suspected,
                SEVERITY_SAFETY,
                Causes.of_signs(
                    [sign.words for sign in InjectionSign],
                    masks=(held[:, None] & bits) > 0,
                    opening=_SUSPECTED,
                ),
            ),
            Reason(
                LABEL_DEPENDS_ON_SIGN,
                f"the label {_CHANGES}",
                np.any(changed, axis=1),
                SEVERITY_MISLED,
                Causes.of(raters, masks=changed, predicate=_CHANGES, opening="the label of "),
            ),
        )
