"""Majority: the category that most of an item's raters chose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localensemble.consensus.protocol import NO_CONSENSUS, Consensus, ConsensusMethod, FloatArray
from localensemble.consensus.setting_fields import ShareAboveZero
from localensemble.consensus.shares import lead, support_of
from localensemble.core.label_matrix import LabelMatrix

# A share written as 0.6666666667 must admit 2 of 3.
_SHARE_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Majority(ConsensusMethod):
    """The single most chosen category, if enough of the assigned labels chose it.

    Attributes:
        minimum_share: share of the assigned labels, in (0, 1], that the category must reach.
            None requires more than half. Whatever the share, a tie gives no consensus.
    """

    minimum_share: ShareAboveZero | None = None
    name: ClassVar[str] = "majority"

    @property
    def clause(self) -> str:
        """The most chosen category, and the share it needs."""
        if self.minimum_share is None:
            return "the category chosen by more than half of an item's labels"
        return (
            "the single most chosen category of an item, where at least the share "
            f"{self.minimum_share:g} of its labels chose it"
        )

    def derive(self, labels: LabelMatrix, *, probabilities: FloatArray | None = None) -> Consensus:
        """Derive the consensus; the score is the support. Probabilities are not used."""
        found = lead(labels)
        if self.minimum_share is None:
            enough = 2 * found.counts > found.labels_used
        else:
            enough = found.counts >= self.minimum_share * found.labels_used - _SHARE_TOLERANCE
        categories = np.where(enough, found.categories, NO_CONSENSUS).astype(np.int16)
        support = support_of(labels, categories=categories)
        return Consensus(
            method=self.name,
            settings=self.settings,
            categories=categories,
            support=support,
            scores=support.copy(),
            tie=found.tie,
            labels_used=found.labels_used,
            majority=found.majority,
        )
