"""Majority with every rater weighted by its evaluated accuracy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from localensemble.consensus.methods.weighing import (
    TIE_TOLERANCE,
    best_of,
    consensus_of,
    normalized,
)
from localensemble.consensus.protocol import BoolArray, Consensus, ConsensusMethod, FloatArray
from localensemble.consensus.setting_fields import Share
from localensemble.consensus.shares import rater_name_order
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import GAP, LabelMatrix

# An evaluated accuracy of 0 or 1 comes from few gold labels; it must not outweigh all
# other raters together.
_ACCURACY_RANGE = (0.005, 0.995)


def accuracy_weight(accuracy: float, *, category_count: int) -> float:
    """Weight a rater by the log odds that its label adds to the category it names.

    ln((K - 1) a / (1 - a)): exact if raters err independently and evenly over the
    wrong categories. A rater no better than chance (a <= 1/K) has weight 0: it is ignored,
    not believed in reverse. Accuracy is clipped to 0.005 to 0.995.
    """
    low, high = _ACCURACY_RANGE
    clipped = min(max(accuracy, low), high)
    odds = (category_count - 1) * clipped / (1 - clipped)
    # Below 1 the rater is worse than chance; 0 is a variable of one category.
    return math.log(odds) if odds > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Weighted(ConsensusMethod):
    """The category with the largest sum of rater weights.

    The score would be the probability of that category if the raters erred independently.
    Models do not, so use it only to rank items.

    Attributes:
        accuracies: rater name -> its accuracy in [0, 1] against gold labels. Raters that
            are not in the label matrix are allowed; the reverse is an error.
    """

    accuracies: Mapping[str, Share]
    name: ClassVar[str] = "weighted"
    is_certain_early: ClassVar[bool] = True
    clause: ClassVar[str] = (
        "the category with the largest sum of rater weights, each the log odds of the rater's "
        "accuracy against gold labels"
    )
    citation: ClassVar[str] = (
        "Nitzan S, Paroush J (1982). Optimal decision rules in uncertain dichotomous choice "
        "situations. International Economic Review 23:289-297."
    )

    def derive(self, labels: LabelMatrix, *, probabilities: FloatArray | None = None) -> Consensus:
        """Derive the consensus. Probabilities are not used.

        Raises:
            EnsembleError: a rater has no accuracy.
        """
        order = rater_name_order(labels)
        weights = {labels.raters[j]: self._weight(labels.raters[j], labels) for j in order}
        totals = self._totals(labels)
        totals[~np.any(labels.mask, axis=1)] = np.nan
        return consensus_of(
            labels,
            method=self.name,
            settings=self.settings,
            best=best_of(normalized(totals)),
            rater_estimates=tuple(weights.items()),
        )

    def certain(self, labels: LabelMatrix, *, coming: Sequence[str]) -> BoolArray:
        """Mark the items whose category leads by more than all weights to come together.

        Raises:
            EnsembleError: a rater has no accuracy.
        """
        if not coming or labels.category_count < 2:
            return ConsensusMethod.certain(self, labels, coming=coming)
        more = sum(self._weight(name, labels) for name in coming)
        ordered = np.sort(self._totals(labels), axis=1)
        ahead = ordered[:, -1] - ordered[:, -2]
        # Categories closer than `weighing.TIE_TOLERANCE` tie, and none has a probability below
        # 1 / K when it leads.
        return np.asarray(ahead > more + 10 * TIE_TOLERANCE * labels.category_count)

    def _totals(self, labels: LabelMatrix) -> FloatArray:
        """Sum the weights of the raters that chose each category: (N, K)."""
        totals = np.zeros((labels.item_count, labels.category_count))
        for j in rater_name_order(labels):
            rows = np.flatnonzero(labels.indices[:, j] != GAP)
            totals[rows, labels.indices[rows, j]] += self._weight(labels.raters[j], labels)
        return totals

    def _weight(self, rater: str, labels: LabelMatrix) -> float:
        if rater not in self.accuracies:
            raise EnsembleError(
                f'The consensus method "{self.name}" has no accuracy for "{rater}".',
                hint="Evaluate every rater of the ensemble, or choose another method.",
            )
        return accuracy_weight(self.accuracies[rater], category_count=labels.category_count)
