"""Items on which raters disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import AfterValidator, Field

from localensemble.consensus.policies.escalation import (
    Escalation,
    EscalationPolicy,
    Evidence,
    Reason,
)
from localensemble.consensus.registry import suggestion
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import GAP


def _two_raters(names: Sequence[str]) -> Sequence[str]:
    if len(names) != 2 or names[0] == names[1]:
        raise ValueError
    return names


@dataclass(frozen=True, slots=True)
class Disagreement(EscalationPolicy):
    """Escalate items on which raters name different categories.

    Attributes:
        between: two raters whose disagreement matters; None for any two raters. An item that
            only one of the two labeled is not a disagreement.
    """

    between: (
        Annotated[Sequence[str], AfterValidator(_two_raters), Field(description="two raters")]
        | None
    ) = None
    name: ClassVar[str] = "disagreement"

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Compare the labels.

        Raises:
            EnsembleError: ``between`` names an unknown rater.
        """
        raters = evidence.labels.raters
        if self.between is None:
            columns = list(range(len(raters)))
            text = "raters disagree"
        else:
            for rater in self.between:
                if rater not in raters:
                    raise EnsembleError(
                        f'The escalation policy "{self.name}" names "{rater}", '
                        "which is not a rater of this run.",
                        hint=suggestion(rater, known=raters),
                    )
            columns = [raters.index(rater) for rater in self.between]
            text = f'raters "{self.between[0]}" and "{self.between[1]}" disagree'
        part = evidence.labels.indices[:, columns]
        highest = part.max(axis=1, initial=GAP)
        lowest = np.where(part == GAP, np.int16(np.iinfo(np.int16).max), part).min(
            axis=1, initial=np.iinfo(np.int16).max
        )
        return (Reason(self.name, text, (highest != GAP) & (lowest < highest)),)
