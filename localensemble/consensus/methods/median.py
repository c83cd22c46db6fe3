"""The middle category of an ordinal variable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.methods.weighing import Best, consensus_of
from localensemble.consensus.protocol import (
    NO_CONSENSUS,
    BoolArray,
    Consensus,
    ConsensusMethod,
    FloatArray,
    Level,
)
from localensemble.core.label_matrix import GAP, LabelMatrix


@dataclass(frozen=True, slots=True)
class Median(ConsensusMethod):
    """The median label, for variables whose categories the codebook lists in order.

    The label matrix does not know the level; the caller compares it with ``levels``. If the
    number of labels is even and the two middle ones differ, there is no single median: a tie.
    The score is 1 - mean distance of the labels from the median, as a share of K - 1 steps.
    """

    name: ClassVar[str] = "median"
    is_certain_early: ClassVar[bool] = True
    levels: ClassVar[frozenset[Level]] = frozenset({"binary", "ordinal"})
    clause: ClassVar[str] = "the middle category of an item's labels in the order of the codebook"

    def derive(self, labels: LabelMatrix, *, probabilities: FloatArray | None = None) -> Consensus:
        """Derive the consensus. Probabilities are not used."""
        item_count, rater_count = labels.indices.shape
        categories = np.full(item_count, NO_CONSENSUS, dtype=np.int16)
        scores = np.full(item_count, np.nan)
        tie = np.zeros(item_count, dtype=np.bool_)
        used = np.count_nonzero(labels.mask, axis=1)
        if rater_count and item_count:
            # Gaps are -1, so they sort before the labels.
            ordered = np.sort(labels.indices, axis=1)
            first = rater_count - used
            rows = np.arange(item_count)
            last = rater_count - 1
            lower = ordered[rows, np.minimum(first + (used - 1) // 2, last)]
            upper = ordered[rows, np.minimum(first + used // 2, last)]
            tie = (used > 0) & (lower != upper)
            categories = np.where((used > 0) & ~tie, lower, NO_CONSENSUS).astype(np.int16)
            distance = np.abs(labels.indices.astype(np.int32) - categories[:, None])
            total = np.where(labels.indices != GAP, distance, 0).sum(axis=1)
            decided = categories != NO_CONSENSUS
            span = max(1, labels.category_count - 1)
            scores[decided] = 1.0 - total[decided] / (used[decided] * span)
        return consensus_of(
            labels, method=self.name, settings=self.settings, best=Best(categories, scores, tie)
        )

    def certain(self, labels: LabelMatrix, *, coming: Sequence[str]) -> BoolArray:
        """Mark the items whose median stays, wherever the labels to come fall."""
        if not coming:
            return ConsensusMethod.certain(self, labels, coming=coming)
        rater_count = len(labels.raters)
        used = np.count_nonzero(labels.mask, axis=1)
        certain: BoolArray = used > 0
        ordered = np.sort(labels.indices, axis=1)
        rows, first = np.arange(labels.item_count), rater_count - used
        reached: list[NDArray[np.int16]] = []
        for more in range(len(coming) + 1):
            # Labels below all others move the middle down by at most this much, and those above
            # all others leave it where it is in the order of the present labels.
            lowest = (used + more - 1) // 2 - more
            highest = (used + more) // 2
            certain &= (lowest >= 0) & (highest < used)
            for place in (lowest, highest):
                at = np.clip(first + place, 0, max(rater_count - 1, 0))
                reached.append(ordered[rows, at] if rater_count else np.full(len(rows), GAP))
        for other in reached:
            certain &= other == reached[0]
        return certain
