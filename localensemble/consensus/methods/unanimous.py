"""Unanimity: a category only if no assigned label differs."""

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
    FloatArray,
)
from localensemble.consensus.shares import lead, support_of
from localensemble.core.label_matrix import LabelMatrix


@dataclass(frozen=True, slots=True)
class Unanimous(ConsensusMethod):
    """The category that every assigned label names.

    A gap does not break unanimity: a single assigned label is unanimous. The policy
    ``missing_raters`` escalates items with gaps.
    """

    name: ClassVar[str] = "unanimous"
    is_certain_early: ClassVar[bool] = True
    clause: ClassVar[str] = "the category that all labels of an item name"

    def derive(self, labels: LabelMatrix, *, probabilities: FloatArray | None = None) -> Consensus:
        """Derive the consensus; the score is the number of raters that agree.

        Three equal labels are surer than one, so the score is not the support, which is
        always 1. Probabilities are not used.
        """
        found = lead(labels)
        agreed = found.counts == found.labels_used
        categories = np.where(agreed, found.categories, NO_CONSENSUS).astype(np.int16)
        scores = np.where(categories != NO_CONSENSUS, found.labels_used, np.nan)
        return Consensus(
            method=self.name,
            settings=self.settings,
            categories=categories,
            support=support_of(labels, categories=categories),
            scores=scores,
            tie=found.tie,
            labels_used=found.labels_used,
            majority=found.majority,
        )

    def certain(self, labels: LabelMatrix, *, coming: Sequence[str]) -> BoolArray:
        """Mark the items on which two labels differ: they have no consensus for good."""
        differ: BoolArray = np.count_nonzero(labels.counts(), axis=1) > 1
        return differ | ConsensusMethod.certain(self, labels, coming=coming)
