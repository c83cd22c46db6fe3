"""The category with the highest probability in a pool that was fitted to gold labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from localensemble.consensus.methods.weighing import best_of, consensus_of
from localensemble.consensus.pooling.best_rater import BestRater
from localensemble.consensus.pooling.calibrated_mean import CalibratedMean
from localensemble.consensus.pooling.fitted_pool import FittedPool
from localensemble.consensus.pooling.log_linear import LogLinear
from localensemble.consensus.protocol import Consensus, ConsensusMethod, FloatArray
from localensemble.consensus.setting_fields import Settings
from localensemble.core.errors import EnsembleError
from localensemble.core.identity import canonical_json
from localensemble.core.label_matrix import LabelMatrix

_CLAUSES = {
    BestRater.name: "the category of the rater that was right most often on gold labels",
    CalibratedMean.name: (
        "the category with the highest mean of the raters' probabilities, each calibrated on gold "
        "labels"
    ),
    LogLinear.name: (
        "the category with the highest probability in a logarithmic pool of the raters' "
        "probabilities, with weights and biases fitted to gold labels"
    ),
}


@dataclass(frozen=True, slots=True)
class Pooled(ConsensusMethod):
    """The category with the highest probability in a pool.

    The score is the pooled probability. No name in an ensemble file stands for this method,
    because its weights exist only for the raters and the variable that they were fitted for.
    """

    pool: FittedPool
    name: ClassVar[str] = "pool"
    citation: ClassVar[str] = (
        "Genest C, Zidek JV (1986). Combining probability distributions: a critique and an "
        "annotated bibliography. Statistical Science 1:114-135."
    )

    @property
    def settings(self) -> Settings:
        """The whole pool, as JSON."""
        return (("pool", canonical_json(self.pool.as_values())),)

    @property
    def clause(self) -> str:
        """The category with the highest pooled probability, and how it is pooled."""
        return _CLAUSES[self.pool.rule.name]

    def derive(self, labels: LabelMatrix, *, probabilities: FloatArray | None = None) -> Consensus:
        """Derive the consensus from the raters' distributions.

        Raises:
            EnsembleError: there are no probabilities.
        """
        if probabilities is None:
            raise EnsembleError(
                "A pool needs probabilities; these labels have none.",
                hint="Choose a method that works on labels, such as majority.",
            )
        return consensus_of(
            labels,
            method=self.name,
            settings=self.settings,
            best=best_of(self.pool.apply(labels, probabilities=probabilities)),
            rater_estimates=self.pool.weights,
        )
