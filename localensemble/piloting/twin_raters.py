"""Find the pairs of raters that are one: they give the same answers, or run the same model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from localensemble.core.label_matrix import GAP
from localensemble.piloting.asked_rater import AskedRater
from localensemble.piloting.variable_answers import VariableAnswers

NEARLY_ALL = 0.98
LEAST_ANSWERS = 20


@dataclass(frozen=True, slots=True)
class TwinRaters:
    """Two raters that count as one voice.

    Attributes:
        first: a rater.
        second: another rater.
        same: answers on which both chose the same category.
        compared: answers that both gave, over all variables.
        same_model: whether both run the same weights.
    """

    first: str
    second: str
    same: int
    compared: int
    same_model: bool


def twin_raters(
    raters: Sequence[AskedRater], *, answers: Sequence[VariableAnswers]
) -> tuple[TwinRaters, ...]:
    """Find raters with the same model, or with the same answer to at least 98% of 20 or more.

    Two raters that both always give one answer are not twins for that.
    """
    found = []
    for first, second in combinations(raters, 2):
        same = compared = 0
        varied = False
        for one in answers:
            here, there = (
                one.labels.indices[:, one.column(rater.name)] for rater in (first, second)
            )
            both = (here != GAP) & (there != GAP)
            compared += int(np.count_nonzero(both))
            same += int(np.count_nonzero(both & (here == there)))
            varied = varied or len(np.unique(here[both])) > 1
        alike = varied and compared >= LEAST_ANSWERS and same >= NEARLY_ALL * compared
        weights = first.identity.model_sha256
        same_model = bool(weights) and weights == second.identity.model_sha256
        if alike or same_model:
            found.append(TwinRaters(first.name, second.name, same, compared, same_model))
    return tuple(found)
