"""The interface of a consensus method.

A consensus is the category that a named method derives from an item's labels. If there is no
single winner, that is the result (``categories`` is -1); order and chance never break a tie.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.setting_fields import Settings, SettingsFromFields
from localensemble.core.label_matrix import LabelMatrix

NO_CONSENSUS = -1

BoolArray = NDArray[np.bool_]
CategoryArray = NDArray[np.int16]
CountArray = NDArray[np.int32]
FloatArray = NDArray[np.float64]
Level = Literal["binary", "nominal", "ordinal"]


@dataclass(frozen=True, slots=True, eq=False)
class Consensus:
    """What a method derived for N items of one variable.

    Attributes:
        method: the registered name of the method.
        settings: (name, canonical JSON of the setting), in name order.
        categories: int16 (N,); index of the category, -1 without a consensus.
        support: (N,); share of the item's assigned labels that chose the category, in
            [0, 1]; NaN without a consensus. 0 is possible for methods that weight
            raters: the category may be nobody's first choice.
        scores: (N,); the method's own number, higher is surer; NaN without a consensus.
            Not a probability of being right.
        tie: bool (N,); several categories lead equally, so ``categories`` is -1.
        labels_used: int32 (N,); number of assigned labels of the item.
        majority: bool (N,); more than half of the item's labels, at least two, chose one category.
        converged: whether an iterative method reached its tolerance; None if the
            method does not iterate.
        iterations: number of iterations; None if the method does not iterate.
        rater_estimates: (rater, weight or estimated accuracy) in rater-name order; empty
            if the method treats all raters alike.
    """

    method: str
    settings: Settings
    categories: CategoryArray
    support: FloatArray
    scores: FloatArray
    tie: BoolArray
    labels_used: CountArray
    majority: BoolArray
    converged: bool | None = None
    iterations: int | None = None
    rater_estimates: tuple[tuple[str, float], ...] = ()

    @property
    def decided(self) -> BoolArray:
        """A mask, bool (N,): True where the method named a category."""
        return np.not_equal(self.categories, NO_CONSENSUS)

    @property
    def majorities(self) -> int:
        """Number of items on which the method decided and the labels have a clear majority."""
        return int(np.count_nonzero(self.majority & self.decided))

    @property
    def overruled(self) -> int:
        """Number of these items whose consensus is not the category of the majority."""
        # No other category can have more than half of the labels.
        return int(np.count_nonzero(self.majority & self.decided & (self.support < 0.5)))


class ConsensusMethod(SettingsFromFields, ABC):
    """A rule that turns the labels of an item into one category or none.

    A method is a frozen dataclass in its own file and one entry in `named_methods`. The
    order of the raters and the names of the categories must not influence the result; only a
    method that ``is_ordered`` breaks ties by the order of the raters. Every method accepts gaps
    and never writes to its inputs.

    Attributes:
        name: the registered name.
        per_item: whether an item's result depends only on that item. If so, calling the method
            block by block gives exactly the numbers of one call on all items.
        levels: the measurement levels that it can decide.
        citation: the source to cite; empty if the rule needs none.
        needs_probabilities: whether a method that looks at all items together needs their
            probabilities too.
        is_ordered: whether the order of the raters breaks a tie, because it means something.
        is_certain_early: whether `certain` can mark an item before every rater has labeled it.
    """

    __slots__ = ()

    name: ClassVar[str]
    per_item: ClassVar[bool] = True
    levels: ClassVar[frozenset[Level]] = frozenset(get_args(Level))
    citation: ClassVar[str] = ""
    needs_probabilities: ClassVar[bool] = False
    is_ordered: ClassVar[bool] = False
    is_certain_early: ClassVar[bool] = False

    @property
    @abstractmethod
    def clause(self) -> str:
        """The category that the method names, in words for a methods paragraph."""

    @abstractmethod
    def derive(self, labels: LabelMatrix, *, probabilities: FloatArray | None = None) -> Consensus:
        """Derive the consensus of every item.

        Args:
            labels: N items by R raters; gaps are allowed.
            probabilities: (N, R, K) distributions of the raters over the categories, a row
                of NaN for a rater without one. Only some methods use them.
        """

    def certain(self, labels: LabelMatrix, *, coming: Sequence[str]) -> BoolArray:
        """Mark the items whose consensus no label of the raters to come can change: (N,).

        Having no consensus can be as certain as having one. A method that cannot tell marks
        nothing while a rater is to come.

        Args:
            labels: the labels so far.
            coming: the raters to come; each may name any category or none.
        """
        return np.full(labels.item_count, not coming, dtype=np.bool_)
