"""Follow the single rater that is right most often on gold labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.methods.weighing import best_of
from localensemble.consensus.protocol import FloatArray


@dataclass(frozen=True, slots=True)
class BestRater:
    """The raters from best to worst; an item has the distribution of the first that gave one.

    Attributes:
        order: (R,); the columns of the raters, the one with most right labels first.
    """

    order: tuple[int, ...]
    name: ClassVar[str] = "best_rater"

    def apply(self, probabilities: FloatArray) -> FloatArray:
        """Choose from (N, R, K) distributions, NaN where missing: (N, K), NaN without any."""
        chosen = np.full((len(probabilities), probabilities.shape[2]), np.nan)
        for column in self.order:
            empty = np.isnan(chosen).any(axis=1)
            chosen[empty] = probabilities[empty, column]
        return chosen

    def as_values(self) -> Mapping[str, object]:
        """Return the order."""
        return {"order": list(self.order)}

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> BestRater:
        """Read it back from ``as_values``."""
        return cls(tuple(map(int, values["order"])))


def fit_best_rater(probabilities: FloatArray, *, gold: NDArray[np.intp]) -> BestRater:
    """Order raters by their right labels; of equally good ones, the first column comes first.

    Args:
        probabilities: (n, R, K) distributions; NaN where a rater gave none.
        gold: (n,) gold categories.
    """
    right = [
        int(np.count_nonzero(best_of(probabilities[:, column]).categories == gold))
        for column in range(probabilities.shape[1])
    ]
    return BestRater(tuple(sorted(range(len(right)), key=lambda column: -right[column])))
