"""Chain: the label of the rater that is surest of an item relative to all items it labeled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localensemble.consensus.methods.weighing import Best, consensus_of
from localensemble.consensus.protocol import (
    NO_CONSENSUS,
    BoolArray,
    CategoryArray,
    Consensus,
    ConsensusMethod,
    FloatArray,
)
from localensemble.consensus.shares import check_probabilities, log_probability_gaps
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import LabelMatrix


@dataclass(frozen=True, slots=True)
class Chain(ConsensusMethod):
    """The label of the rater with the highest relative confidence.

    A rater's confidence in a label is the gap between its two largest log probabilities. Gaps of
    different models cannot be compared, so each becomes a rank: the share of the items that this
    rater labeled whose gap is no larger. If two raters have the same rank, the one that comes
    first in the ensemble decides. The score is the rank.
    """

    name: ClassVar[str] = "chain"
    per_item: ClassVar[bool] = False
    needs_probabilities: ClassVar[bool] = True
    is_ordered: ClassVar[bool] = True
    clause: ClassVar[str] = (
        "the category named by the rater whose confidence in it (the gap between its two largest "
        "log probabilities) ranks highest among all items that it labeled"
    )
    citation: ClassVar[str] = (
        "Farr D, Manzonelli N, Cruickshank I, Starbird K, West J (2024). LLM chain ensembles for "
        "scalable and accurate data annotation. arXiv:2410.13006."
    )

    def derive(self, labels: LabelMatrix, *, probabilities: FloatArray | None = None) -> Consensus:
        """Derive the consensus from the raters' labels and how sure they are of them.

        Raises:
            EnsembleError: there are no probabilities, or a rater has none.
        """
        if probabilities is None:
            raise EnsembleError(
                f'The consensus method "{self.name}" needs probabilities; these labels have none.',
                hint="Choose a method that works on labels, such as majority.",
            )
        check_probabilities(labels, probabilities=probabilities)
        gaps = log_probability_gaps(probabilities)
        self._refuse_unsure(labels, np.isnan(gaps))
        ranks = confidence_ranks(gaps, labeled=labels.mask)
        sources = surest_raters(ranks)
        rows = np.flatnonzero(sources != NO_CONSENSUS)
        columns = sources[rows]
        categories = np.full(labels.item_count, NO_CONSENSUS, dtype=np.int16)
        scores = np.full(labels.item_count, np.nan)
        categories[rows] = labels.indices[rows, columns]
        scores[rows] = ranks[rows, columns]
        return consensus_of(
            labels,
            method=self.name,
            settings=self.settings,
            best=Best(categories, scores, np.zeros(labels.item_count, dtype=np.bool_)),
        )

    def _refuse_unsure(self, labels: LabelMatrix, unknown: BoolArray) -> None:
        """Refuse raters that gave a label and no probabilities."""
        for column, rater in enumerate(labels.raters):
            if (labels.mask[:, column] & unknown[:, column]).any():
                raise EnsembleError(
                    f'The consensus method "{self.name}" needs the probabilities of "{rater}", '
                    "which gave labels without them.",
                    hint="Leave out this rater, or choose a method that works on labels, such as "
                    "majority.",
                )


def confidence_ranks(gaps: FloatArray, *, labeled: BoolArray) -> FloatArray:
    """Rank each rater's gaps among the items that it labeled: (N, R), NaN without a label.

    A rank is the share of these items whose gap is no larger, so equal gaps take the largest rank.
    """
    ranks = np.full(gaps.shape, np.nan)
    for column in range(gaps.shape[1]):
        rows = np.flatnonzero(labeled[:, column])
        given = gaps[rows, column]
        places = np.searchsorted(np.sort(given), given, side="right")
        ranks[rows, column] = places / max(len(rows), 1)
    return ranks


def surest_raters(ranks: FloatArray) -> CategoryArray:
    """Return the column of each item's highest rank, the first of several; -1 without any."""
    if not ranks.shape[1]:
        return np.full(len(ranks), NO_CONSENSUS, dtype=np.int16)
    filled = np.where(np.isnan(ranks), -1.0, ranks)
    first = filled.argmax(axis=1)
    return np.where(filled.max(axis=1) < 0, NO_CONSENSUS, first).astype(np.int16)
