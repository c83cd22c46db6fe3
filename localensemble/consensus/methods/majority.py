"""Majority: the category that most of an item's raters chose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localensemble.consensus.protocol import NO_CONSENSUS, Consensus, FloatArray, Settings
from localensemble.consensus.registry import check_share, describe_settings
from localensemble.consensus.shares import lead, support_of
from localensemble.core.label_matrix import LabelMatrix

# A share written as 0.6666666667 must admit 2 of 3.
_SHARE_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Majority:
    """The single most chosen category, if enough of the assigned labels chose it.

    Attributes:
        minimum_share: share of the assigned labels, in (0, 1], the category must reach.
            None asks for more than half. Whatever the share, a tie is no consensus.
    """

    minimum_share: float | None = None
    name: ClassVar[str] = "majority"
    per_item: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.minimum_share is not None:
            check_share(
                self.minimum_share, owner=self.name, setting="minimum_share", above_zero=True
            )

    @property
    def settings(self) -> Settings:
        """The minimum share; null stands for more than half."""
        return describe_settings({"minimum_share": self.minimum_share})

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
        )
