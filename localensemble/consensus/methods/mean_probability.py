"""The category that gets the most probability from the raters together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from localensemble.consensus.methods.weighing import best_of, consensus_of, normalized
from localensemble.consensus.protocol import Consensus, ConsensusMethod, FloatArray
from localensemble.consensus.shares import check_probabilities, rater_name_order
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import GAP, LabelMatrix

Pooling = Literal["linear", "log"]

# In log pooling one rater's exact zero would veto a category whatever the others say.
_SMALLEST_PROBABILITY = 1e-9


@dataclass(frozen=True, slots=True)
class MeanProbability(ConsensusMethod):
    """The category with the highest pooled probability.

    The score is the pooled probability. Only raters with an assigned label and a
    distribution count: an abstention is not a weak label.

    Attributes:
        pooling: ``linear`` takes the mean, so the others can outweigh one sure rater;
            ``log`` takes the geometric mean, so a category needs every rater.
    """

    pooling: Pooling = "linear"
    name: ClassVar[str] = "mean_probability"
    citation: ClassVar[str] = (
        "Genest C, Zidek JV (1986). Combining probability distributions: a critique and an "
        "annotated bibliography. Statistical Science 1:114-135."
    )

    @property
    def clause(self) -> str:
        """The category with the highest mean, and which mean it is."""
        mean = "geometric" if self.pooling == "log" else "arithmetic"
        return f"the category with the highest {mean} mean of the raters' probabilities"

    def derive(self, labels: LabelMatrix, *, probabilities: FloatArray | None = None) -> Consensus:
        """Derive the consensus from the raters' distributions.

        Raises:
            EnsembleError: there are no probabilities.
        """
        if probabilities is None:
            raise EnsembleError(
                f'The consensus method "{self.name}" needs probabilities; these labels have none.',
                hint="Choose a method that works on labels, such as majority.",
            )
        check_probabilities(labels, probabilities=probabilities)
        return consensus_of(
            labels,
            method=self.name,
            settings=self.settings,
            best=best_of(self.pool(labels, probabilities=probabilities)),
        )

    def pool(self, labels: LabelMatrix, *, probabilities: FloatArray) -> FloatArray:
        """Pool the raters' distributions: (N, K), NaN where no rater gave one."""
        total = np.zeros((labels.item_count, labels.category_count))
        given = np.zeros((labels.item_count, 1))
        for j in rater_name_order(labels):
            known = (labels.indices[:, j] != GAP) & ~np.any(
                np.isnan(probabilities[:, j, :]), axis=1
            )
            part = np.where(known[:, None], probabilities[:, j, :], 1.0)
            if self.pooling == "log":
                part = np.log(np.maximum(part, _SMALLEST_PROBABILITY))
            total += np.where(known[:, None], part, 0.0)
            given += known[:, None]
        mean = np.full_like(total, np.nan)
        np.divide(total, given, out=mean, where=given > 0)
        return normalized(mean) if self.pooling == "log" else mean
