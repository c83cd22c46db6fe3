"""Majority: the category that most of an item's raters chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localensemble.consensus.protocol import (
    NO_CONSENSUS,
    BoolArray,
    Consensus,
    ConsensusMethod,
    CountArray,
    FloatArray,
)
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
    is_certain_early: ClassVar[bool] = True

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
        enough = self._is_enough(found.counts, found.labels_used)
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

    def certain(self, labels: LabelMatrix, *, coming: Sequence[str]) -> BoolArray:
        """Mark the items whose category stays ahead of any rival, or on which none can win."""
        if not coming or not labels.category_count:
            return ConsensusMethod.certain(self, labels, coming=coming)
        more = len(coming)
        ordered = np.sort(labels.counts(), axis=1)
        first = ordered[:, -1]
        second = ordered[:, -2] if labels.category_count > 1 else np.zeros_like(first)
        then_used = ordered.sum(axis=1, dtype=np.int32) + more
        # The worst for the leader is that all raters to come name the second; the best for any
        # category is that all of them name it.
        wins = (first > second + more) & self._is_enough(first, then_used)
        none_can_win = ~self._is_enough(first + more, then_used)
        return wins | none_can_win

    def _is_enough(self, counts: CountArray, used: CountArray) -> BoolArray:
        """Tell whether a category with these counts has the share that it needs."""
        if self.minimum_share is None:
            return np.asarray(2 * counts > used)
        return np.asarray(counts >= self.minimum_share * used - _SHARE_TOLERANCE)
