"""MACE: each rater either knows the category or answers by its own habit.

Source: Hovy, Berg-Kirkpatrick, Vaswani and Hovy (2013), NAACL, N13-1132: variational
Bayes with a Beta(0.5, 0.5) prior on knowing and a Dirichlet prior on the habit. The paper
restarts from random points; this fit starts once from the shares of the labels, so that
repeating it gives exactly the same numbers and the order of raters does not matter. The paper
takes all true categories to be equally frequent; this fit estimates how frequent they are, because
equal frequencies overrule clear majorities where one category is rare.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from localensemble.consensus.methods.dawid_skene import category_shares, consensus_of_fit
from localensemble.consensus.methods.expectation_maximization import (
    ErrorModel,
    Fit,
    Parameters,
    fit_error_model,
)
from localensemble.consensus.protocol import Consensus, ConsensusMethod, FloatArray
from localensemble.consensus.setting_fields import PositiveWholeNumber, Share
from localensemble.core.label_matrix import LabelMatrix

_KNOWING_PRIOR = 0.5
_HABIT_PRIOR = 10.0
_CATEGORY_PRIOR = 0.01
_START_KNOWING = 0.5


@dataclass(frozen=True, slots=True)
class Mace(ConsensusMethod):
    """The most probable category after discounting raters that answer by habit.

    The score is the posterior; the rater estimate is the share of labels that the rater gave
    knowingly. How frequent the true categories are is estimated.

    Attributes:
        iterations: maximum number of iterations; the consensus states whether the fit converged.
        tolerance: the fit has converged when no posterior changes by more.
        repeats: column name -> the rater it repeats.
    """

    iterations: PositiveWholeNumber = 500
    tolerance: Share = 1e-6
    repeats: Mapping[str, str] = field(default_factory=dict)
    name: ClassVar[str] = "mace"
    per_item: ClassVar[bool] = False
    clause: ClassVar[str] = (
        "the most probable category under a fitted model in which each rater either knows the "
        "category or answers by habit"
    )
    citation: ClassVar[str] = (
        "Hovy D, Berg-Kirkpatrick T, Vaswani A, Hovy E (2013). Learning whom to trust with MACE. "
        "Proceedings of NAACL-HLT 2013:1120-1130."
    )

    def fit(self, labels: LabelMatrix) -> Fit:
        """Estimate how often each rater knows, and the posteriors."""
        return fit_error_model(
            labels,
            model=_KnowsOrGuesses(),
            iterations=self.iterations,
            tolerance=self.tolerance,
            repeats=self.repeats,
        )

    def derive(self, labels: LabelMatrix, *, probabilities: FloatArray | None = None) -> Consensus:
        """Derive the consensus from all items at once. Probabilities are not used."""
        return consensus_of_fit(
            labels, method=self.name, settings=self.settings, fit=self.fit(labels)
        )


@dataclass(frozen=True, slots=True)
class _KnowsOrGuesses(ErrorModel):
    """Errors are knowing * [l = k] + guessing * habit[l], in variational weights."""

    def estimate(
        self, counts: FloatArray, *, prior_counts: FloatArray, previous: Parameters | None
    ) -> Parameters:
        # SciPy takes a tenth of a second to import; most runs never fit MACE.
        from scipy.special import digamma

        rater_count, category_count, _ = counts.shape
        answered = counts.sum(axis=2)
        right = np.einsum("jkk->jk", counts)
        known = right * _knowing_share(previous, rater_count, category_count)
        knew = known.sum(axis=1)
        guessed = np.maximum(answered - known, 0.0)
        given = answered.sum(axis=1)

        def weight(count: FloatArray, total: FloatArray) -> FloatArray:
            return np.asarray(np.exp(digamma(count) - digamma(total)))

        all_given = given + 2 * _KNOWING_PRIOR
        knowing = weight(knew + _KNOWING_PRIOR, all_given)
        guessing = weight(guessed.sum(axis=1) + _KNOWING_PRIOR, all_given)
        habit_total = guessed.sum(axis=1, keepdims=True) + _HABIT_PRIOR * category_count
        habit = weight(guessed + _HABIT_PRIOR, habit_total)
        errors = np.repeat((guessing[:, None] * habit)[:, :, None], category_count, axis=2)
        diagonal = np.arange(category_count)
        errors[:, diagonal, diagonal] += knowing[:, None]
        return Parameters(
            prior=category_shares(prior_counts, smoothing=_CATEGORY_PRIOR),
            errors=errors,
            accuracies=np.where(given > 0, (knew + _KNOWING_PRIOR) / all_given, np.nan),
            penalty=0.0,
        )


def _knowing_share(
    previous: Parameters | None, rater_count: int, category_count: int
) -> FloatArray:
    """Compute the probability that a right label was known, not guessed: (R, K) by label."""
    if previous is None:
        start = _START_KNOWING + (1 - _START_KNOWING) / max(1, category_count)
        return np.full((rater_count, category_count), _START_KNOWING / start)
    right = np.einsum("jkk->jk", previous.errors)
    # Off the diagonal only the guess remains, whatever the true category.
    label = np.arange(category_count)
    guessed = previous.errors[:, label, (label + 1) % category_count]
    return np.asarray((right - guessed) / right)
