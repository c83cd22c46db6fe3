"""Divide a rater's probabilities by what it answers without a text, and tell whether that helps.

Shows the shares of the categories as they are, after contextual calibration (divided by the answers
to texts without content) and batch-calibrated (divided by the mean over the pilot's items). Shares
alone cannot tell which is right, so a calibration is chosen by gold labels only: on one half of
them, and tested on the other.

Source: Zhao et al. (2021), Calibrate before use, arXiv 2102.09690; Zhou et al. (2023), Batch
calibration, arXiv 2309.17249.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.probabilities.rater_calibration import ContextualPrior
from localensemble.core.errors import InputError
from localensemble.core.identity import sha256_text
from localensemble.core.label_matrix import GAP
from localensemble.findings.evaluation import PairedComparison, compare_accuracy
from localensemble.piloting.variable_answers import CategoryArray, FloatArray, VariableAnswers

BoolArray = NDArray[np.bool_]

SIGNIFICANT = 0.05
LEAST_GOLD_A_HALF = 10


@dataclass(frozen=True, slots=True)
class CorrectedRater:
    """One rater's labels on one variable: as they are, and divided by two priors.

    Attributes:
        rater: the name of the rater.
        raw: per category, how many items get it as they are.
        contextual: the same, divided by the answers to texts without content.
        batch: the same, divided by the mean over the items.
        right: how many items with a gold label get the right category: raw, contextual, batch.
        prior: the distribution on texts without content; None if it cannot be divided by.
        improves: whether the prior makes more labels right on the half that chooses; False
            without gold labels.
    """

    rater: str
    raw: tuple[int, ...]
    contextual: tuple[int, ...]
    batch: tuple[int, ...]
    right: tuple[int, int, int]
    prior: tuple[float, ...] | None
    improves: bool


@dataclass(frozen=True, slots=True)
class PriorChoice:
    """Whether to calibrate a variable, found by gold labels.

    Attributes:
        raters: the raters whose prior made more labels right on the half that chooses.
        choosing: gold labels that chose.
        right: labels right on the other half by the mean of the raters' probabilities, as they
            are and with the priors of these raters.
        comparison: the exact test of the two on that half; None if nothing was chosen.
        limit: the p-value that the test must reach.
        recommended: whether the test shows that the priors make more labels right.
    """

    raters: tuple[str, ...]
    choosing: int
    right: tuple[int, int]
    comparison: PairedComparison | None
    limit: float
    recommended: bool


@dataclass(frozen=True, slots=True)
class PriorCorrection:
    """The labels of one variable before and after a division by a prior.

    Attributes:
        raters: one entry for each rater.
        gold_items: items with a gold label.
        most_frequent: how many of them have the most frequent gold category.
        choice: None if there are too few gold labels to choose.
    """

    raters: tuple[CorrectedRater, ...]
    gold_items: int
    most_frequent: int
    choice: PriorChoice | None

    @property
    def mended(self) -> tuple[str, ...]:
        """The raters with a prior whose calibration is recommended."""
        choice = self.choice
        return choice.raters if choice is not None and choice.recommended else ()


def correct_priors(
    answers: VariableAnswers,
    *,
    kept: Sequence[str],
    gold: CategoryArray | None,
    variables: int,
) -> PriorCorrection:
    """Divide each rater's probabilities by its priors, and choose by gold where there is enough.

    Args:
        answers: what the raters said.
        kept: the raters that may read the texts, and whose probabilities count.
        gold: (N,) gold categories, -1 for none; None without gold labels.
        variables: how many variables are tested; more tests need a smaller p-value each.
    """
    known = np.full(answers.labels.item_count, GAP, np.int16) if gold is None else gold
    halves = _halves(answers.item_ids, known)
    raters = tuple(_corrected(answers, name, known, halves[0]) for name in answers.labels.raters)
    labeled = known[known != GAP]
    frequent = int(np.bincount(labeled).max()) if len(labeled) else 0
    enough = min(map(np.count_nonzero, halves)) >= LEAST_GOLD_A_HALF
    limit = SIGNIFICANT / max(variables, 1)
    choice = _choice(answers, raters, kept, known, halves, limit) if enough else None
    return PriorCorrection(raters, len(labeled), frequent, choice)


def _corrected(
    answers: VariableAnswers, rater: str, gold: CategoryArray, choosing: BoolArray
) -> CorrectedRater:
    column = answers.column(rater)
    own = answers.probabilities[:, column]
    contextual = _prior(answers.content_free[:, column])
    batch = _prior(own)
    labels = [answers.labels.indices[:, column]] + [
        _most_probable(own if prior is None else prior.apply(own)) for prior in (contextual, batch)
    ]
    counts = [_counted(given, len(answers.variable.answers)) for given in labels]
    hits = [(given == gold) & (gold != GAP) for given in labels]
    raw, with_prior = (int(np.count_nonzero(one & choosing)) for one in hits[:2])
    right = tuple(int(np.count_nonzero(one)) for one in hits)
    return CorrectedRater(
        rater,
        counts[0],
        counts[1],
        counts[2],
        (right[0], right[1], right[2]),
        None if contextual is None else contextual.prior,
        contextual is not None and with_prior > raw,
    )


def _choice(
    answers: VariableAnswers,
    raters: Sequence[CorrectedRater],
    kept: Sequence[str],
    gold: CategoryArray,
    halves: tuple[BoolArray, BoolArray],
    limit: float,
) -> PriorChoice:
    chosen = tuple(one.rater for one in raters if one.improves and one.rater in kept)
    priors = {one.rater: one.prior for one in raters if one.rater in chosen}
    choosing = int(np.count_nonzero(halves[0]))
    held_out = np.where(halves[1], gold, np.int16(GAP))
    raw = _consensus(answers, kept, {})
    before = int(np.count_nonzero(halves[1] & (raw == gold)))
    if not chosen:
        return PriorChoice((), choosing, (before, before), None, limit, recommended=False)
    corrected = _consensus(answers, kept, priors)
    after = int(np.count_nonzero(halves[1] & (corrected == gold)))
    test = compare_accuracy(raw, second=corrected, gold=held_out)
    p_value = test.p_value.value
    better = after > before and p_value is not None and p_value <= limit
    return PriorChoice(chosen, choosing, (before, after), test, limit, better)


def _consensus(
    answers: VariableAnswers, kept: Sequence[str], priors: dict[str, tuple[float, ...] | None]
) -> CategoryArray:
    """Return the category with the largest mean of the raters' probabilities."""
    mean = np.zeros(answers.probabilities.shape[::2])
    given = np.zeros(len(mean))
    for name in kept:
        own = answers.probabilities[:, answers.column(name)]
        prior = priors.get(name)
        own = own if prior is None else ContextualPrior(prior).apply(own)
        known = ~np.isnan(own).any(axis=1)
        mean[known] += own[known]
        given += known
    mean[given == 0] = np.nan
    return _most_probable(mean)


def _halves(item_ids: Sequence[str], gold: CategoryArray) -> tuple[BoolArray, BoolArray]:
    """Split the items with a gold label in two, in an order that depends on nothing but ids."""
    places = np.flatnonzero(gold != GAP)
    order = sorted(places.tolist(), key=lambda place: sha256_text(item_ids[place]))
    halves = np.zeros((2, len(gold)), dtype=np.bool_)
    for turn in (0, 1):
        halves[turn, order[turn::2]] = True
    return halves[0], halves[1]


def _prior(distributions: FloatArray) -> ContextualPrior | None:
    known = distributions[~np.isnan(distributions).any(axis=1)]
    if not len(known):
        return None
    try:
        return ContextualPrior(tuple(map(float, known.mean(axis=0))))
    except InputError:  # A category that is never possible without a text.
        return None


def _most_probable(probabilities: FloatArray) -> CategoryArray:
    labels = np.full(len(probabilities), GAP, dtype=np.int16)
    known = ~np.isnan(probabilities).any(axis=1)
    labels[known] = probabilities[known].argmax(axis=1)
    return labels


def _counted(labels: CategoryArray, category_count: int) -> tuple[int, ...]:
    return tuple(map(int, np.bincount(labels[labels != GAP], minlength=category_count)))
