"""What a consensus method takes and gives.

A consensus is the category a named method derives from an item's labels. No single
winner is a result (``categories`` is -1), never broken by order or by chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from localensemble.core.label_matrix import LabelMatrix

NO_CONSENSUS = -1

BoolArray = NDArray[np.bool_]
CategoryArray = NDArray[np.int16]
CountArray = NDArray[np.int32]
FloatArray = NDArray[np.float64]
Settings = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Consensus:
    """What a method derived for N items of one variable.

    Attributes:
        method: the registered name of the method.
        settings: (name, canonical JSON of the setting), in name order.
        categories: int16 (N,); index of the category, -1 where there is no consensus.
        support: (N,); share of the item's assigned labels that chose the category, in
            [0, 1]; NaN where there is no consensus. 0 is possible for methods that
            weigh: the category may be nobody's first choice.
        scores: (N,); the method's own number, higher is surer; NaN without consensus.
            Not a probability of being right.
        tie: bool (N,); several categories lead equally, so ``categories`` is -1.
        labels_used: int32 (N,); assigned labels of the item.
        converged: whether an iterative method reached its tolerance; None when the
            method does not iterate.
        iterations: iterations done; None when the method does not iterate.
        rater_estimates: (rater, weight or estimated accuracy) in rater-name order; empty
            when the method treats all raters alike.
    """

    method: str
    settings: Settings
    categories: CategoryArray
    support: FloatArray
    scores: FloatArray
    tie: BoolArray
    labels_used: CountArray
    converged: bool | None = None
    iterations: int | None = None
    rater_estimates: tuple[tuple[str, float], ...] = ()

    @property
    def decided(self) -> BoolArray:
        """Boolean (N,): True where the method named a category."""
        return np.not_equal(self.categories, NO_CONSENSUS)


class ConsensusMethod(Protocol):
    """A rule that turns the labels of an item into one category or none.

    Every method gives the same answer whatever the order of raters, follows a renaming
    of the categories, accepts gaps, and never writes to its inputs.
    """

    @property
    def name(self) -> str:
        """The registered name."""
        ...

    @property
    def settings(self) -> Settings:
        """Every setting that can change a result, ready to hash or show."""
        ...

    @property
    def per_item(self) -> bool:
        """Whether an item's result depends on that item alone.

        Then calling block by block gives the digits of calling once on the whole.
        """
        ...

    def derive(self, labels: LabelMatrix, *, probabilities: FloatArray | None = None) -> Consensus:
        """Derive the consensus of every item.

        Args:
            labels: N items by R raters; gaps are allowed.
            probabilities: (N, R, K) distributions of the raters over the categories, a row
                of NaN where a rater gave none. Used by the methods that need them.
        """
        ...
