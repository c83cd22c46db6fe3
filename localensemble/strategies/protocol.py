"""The interface of an asking strategy: which items each rater of an ensemble is asked about.

Raters take turns. Before a rater's turn, the strategy sees the labels of the raters before it and
names the items that the rater is asked about. It sees recorded labels only and draws by item ids,
so that a resumed run asks exactly what an undisturbed one asks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from localensemble.codebook.model import Variable
from localensemble.consensus.rules import DecisionRules
from localensemble.consensus.setting_fields import SettingsFromFields

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class EarlierLabels:
    """The labels of N items on one variable by the r raters that had their turn.

    Items that answer nothing are not among the N: no model is asked about them.

    Attributes:
        variable: the variable.
        rules: the rules that decide the study.
        raters: the names of all R raters, in the order of their turns.
        item_ids: the ids of the N items.
        asked: bool (N, r); whether a rater was asked about an item.
        categories: int16 (N, r); the category that it assigned, -1 if it was not asked or gave
            none.
        gaps: (N, r); by how much the log probability of its first category exceeds that of its
            second; infinite if the second has none, NaN without a category or probabilities.
    """

    variable: Variable
    rules: DecisionRules
    raters: tuple[str, ...]
    item_ids: Sequence[str]
    asked: BoolArray
    categories: NDArray[np.int16]
    gaps: NDArray[np.float64]

    @property
    def item_count(self) -> int:
        """N, the number of items."""
        return len(self.item_ids)


class AskingStrategy(SettingsFromFields, ABC):
    """A rule that decides which items each rater is asked about.

    A strategy is a frozen dataclass in its own file and one entry in `named_strategies`; its
    fields are its settings. Without a strategy, every rater is asked about every item.

    Attributes:
        name: the name in ensemble files.
    """

    __slots__ = ()

    name: ClassVar[str]

    @property
    def computes_whole_blocks(self) -> bool:
        """Whether a label must have the digits that it has if every rater is asked about all.

        Which items are computed together decides the digits. Computing only those that a rater is
        asked about is faster, and an item of two almost equal categories can get another label.
        """
        return False

    @abstractmethod
    def check(
        self, *, raters: Sequence[str], variables: Sequence[Variable], rules: DecisionRules
    ) -> tuple[str, ...]:
        """Refuse an ensemble or rules that the strategy cannot serve, before anything is labeled.

        Returns:
            Sentences on what the user should know, such as a variable that it saves nothing on.

        Raises:
            EnsembleError: the strategy does not work with these raters, variables or rules.
        """

    @abstractmethod
    def asked(self, rater: int, earlier: EarlierLabels) -> BoolArray:
        """Return which of the N items a rater is asked about: (N,).

        Args:
            rater: the rater's place in the ensemble, from 0; ``earlier`` has as many columns.
            earlier: the labels of the raters before it, on one variable.
        """
