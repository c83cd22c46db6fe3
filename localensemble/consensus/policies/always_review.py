"""Items that may belong to a category that a person must always review."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localensemble.consensus.policies.causes import Causes
from localensemble.consensus.policies.escalation import (
    SEVERITY_SAFETY,
    Escalation,
    EscalationPolicy,
    Evidence,
    Reason,
)
from localensemble.consensus.protocol import BoolArray
from localensemble.consensus.registry import suggestion
from localensemble.consensus.setting_fields import Share
from localensemble.core.errors import EnsembleError


@dataclass(frozen=True, slots=True)
class AlwaysReview(EscalationPolicy):
    """Escalate items that may belong to a category that a person must always review.

    One rater is enough, whatever the others say, if it chooses the category or gives it
    more probability than its bound.

    Attributes:
        categories: category name -> probability bound in [0, 1], or None for no bound.
    """

    categories: Mapping[str, Share | None]
    name: ClassVar[str] = "always_review"

    def reasons(self, evidence: Evidence, *, so_far: Escalation) -> tuple[Reason, ...]:
        """Look for each category among the raters' labels and probabilities."""
        found: list[Reason] = []
        for category, bound in self.categories.items():
            if category not in evidence.labels.categories:
                raise EnsembleError(
                    f'The escalation policy "{self.name}" names the category "{category}", '
                    "which the variable does not have.",
                    hint=suggestion(category, known=evidence.labels.categories),
                )
            k = evidence.labels.categories.index(category)
            chose = evidence.labels.indices == k
            # A method that weights raters may name a category that no rater chose.
            chosen = np.any(chose, axis=1) | (evidence.consensus.categories == k)
            text = f'always review: "{category}" was chosen'
            causes = _causes(evidence, masks=chose, predicate=f'chose "{category}"')
            found.append(Reason(self.name, text, chosen, SEVERITY_SAFETY, causes))
            if bound is not None:
                found.append(self._probable(evidence, k=k, category=category, bound=bound))
        return tuple(found)

    def _probable(self, evidence: Evidence, *, k: int, category: str, bound: float) -> Reason:
        # Human ratings have no probabilities; choosing the category still escalates. A calibration
        # can add items but never removes any: a rater's own probability is reason enough.
        probable = np.zeros(evidence.labels.indices.shape, dtype=np.bool_)
        for given in (evidence.probabilities, evidence.own_probabilities):
            if given is not None:
                probable |= given[:, :, k] > bound
        text = f'always review: "{category}" got a probability above {bound:g}'
        done = f'gave "{category}" a probability above {bound:g}'
        causes = _causes(evidence, masks=probable, predicate=done)
        return Reason(self.name, text, np.any(probable, axis=1), SEVERITY_SAFETY, causes)


def _causes(evidence: Evidence, *, masks: BoolArray, predicate: str) -> Causes:
    return Causes.of(
        evidence.labels.raters, masks=masks, predicate=predicate, opening="always review: "
    )
