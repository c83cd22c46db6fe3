"""Is a rater fit for a variable? Read from its answers, beside those of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from localensemble.consensus.certificates.bounds import Interval, exact_interval
from localensemble.core.label_matrix import GAP
from localensemble.piloting.position import LEAST_PAIRS, PositionProbe, probe_position
from localensemble.piloting.variable_answers import CategoryArray, VariableAnswers
from localensemble.study.unfit_signs import OutsideCodebook, outside_codebook

Sign = Literal["outside", "first", "last", "one answer"]

# If another fit rater gives the category to fewer items than this, the texts are not all alike.
_VARIED_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class GoldAccuracy:
    """How often labels equal the gold labels.

    Attributes:
        right: labels that do.
        items: items with a label and a gold label.
        interval: exact 95% interval of the share.
    """

    right: int
    items: int
    interval: Interval


@dataclass(frozen=True, slots=True)
class RaterFitness:
    """What the pilot shows about one rater on one variable.

    Attributes:
        rater: the name of the rater.
        outside: how much of its probability goes outside the codebook.
        position: its answers in both orders of the categories.
        signs: why it is unfit for the variable; empty if nothing shows that it is.
        commonest: the category that it gives most often; empty without answers.
        accuracy: against gold labels; None without any.
    """

    rater: str
    outside: OutsideCodebook
    position: PositionProbe
    signs: tuple[Sign, ...]
    commonest: str = ""
    accuracy: GoldAccuracy | None = None


def rater_fitness(
    answers: VariableAnswers, *, limit: float, gold: CategoryArray | None
) -> tuple[RaterFitness, ...]:
    """Look at every rater on one variable.

    A rater that gives one category nearly everywhere is unfit only if another one, whose own
    answers show no bias, finds the category on fewer than 80% of the items: otherwise the texts
    may be alike.

    Args:
        answers: what the raters said.
        limit: the off-codebook mass beyond which an item counts as answered outside.
        gold: (N,) gold categories, -1 for none; None without gold labels.
    """
    names = answers.labels.raters
    outside = [
        outside_codebook(answers.off_codebook_mass[:, column], limit=limit)
        for column in range(len(names))
    ]
    probes = [
        probe_position(
            answers.labels.indices[:, column],
            turned=answers.turned[:, column],
            category_count=len(answers.variable.answers),
        )
        for column in range(len(names))
    ]
    unbiased = [
        column
        for column, probe in enumerate(probes)
        if not outside[column].nearly_always and probe.reading == ""
    ]
    found = []
    for column, name in enumerate(names):
        probe = probes[column]
        signs: list[Sign] = ["outside"] if outside[column].nearly_always else []
        if probe.reading in ("first", "last"):
            signs.append(probe.reading)
        if probe.reading == "uninformative" and probe.commonest is not None:
            others = [answers.labels.indices[:, other] for other in unbiased]
            if any(_varies(other, probe.commonest) for other in others):
                signs.append("one answer")
        found.append(
            RaterFitness(
                name,
                outside[column],
                probe,
                tuple(signs),
                "" if probe.commonest is None else answers.variable.answers[probe.commonest],
                None if gold is None else _accuracy(answers.labels.indices[:, column], gold),
            )
        )
    return tuple(found)


def _varies(labels: CategoryArray, category: int) -> bool:
    given = labels[labels != GAP]
    return len(given) >= LEAST_PAIRS and float(np.mean(given == category)) < _VARIED_SHARE


def _accuracy(labels: CategoryArray, gold: CategoryArray) -> GoldAccuracy | None:
    both = (labels != GAP) & (gold != GAP)
    items = int(np.count_nonzero(both))
    right = int(np.count_nonzero(labels[both] == gold[both]))
    return GoldAccuracy(right, items, exact_interval(right, items=items)) if items else None
