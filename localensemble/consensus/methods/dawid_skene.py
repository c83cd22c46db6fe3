"""Dawid-Skene: estimate raters' error rates and the true categories together.

Source: Dawid and Skene (1979), Applied Statistics 28(1), 20-28, doi 10.2307/2346806. The
one-coin form is that of Zhang et al. (2016), JMLR 17(102).

Posteriors are scores to rank by, never probabilities of being right: the model assumes that
raters err independently given the truth, but language models share their errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from localensemble.consensus.methods.expectation_maximization import (
    ErrorModel,
    Fit,
    Parameters,
    fit_error_model,
)
from localensemble.consensus.methods.weighing import best_of, consensus_of
from localensemble.consensus.protocol import Consensus, ConsensusMethod, FloatArray
from localensemble.consensus.setting_fields import PositiveWholeNumber, Settings, Share
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import LabelMatrix

_LEAST_RATERS = 3


@dataclass(frozen=True, slots=True)
class OneCoinDawidSkene(ConsensusMethod):
    """One accuracy per rater, errors spread evenly over the wrong categories.

    It is safer than the full model if there are few items. The score is the posterior.

    Attributes:
        smoothing: number of labels added to every cell before estimating, from 0 to 1. 0 is
            maximum likelihood.
        iterations: maximum number of iterations; the consensus states whether the fit converged.
        tolerance: the fit has converged when no posterior changes by more.
        repeats: column name -> the rater it repeats; they share one accuracy.
    """

    smoothing: Share = 0.01
    iterations: PositiveWholeNumber = 500
    tolerance: Share = 1e-6
    repeats: Mapping[str, str] = field(default_factory=dict)
    name: ClassVar[str] = "one_coin_dawid_skene"
    per_item: ClassVar[bool] = False
    clause: ClassVar[str] = (
        "the most probable category under a fitted model of one accuracy per rater"
    )
    citation: ClassVar[str] = (
        "Zhang Y, Chen X, Zhou D, Jordan MI (2016). Spectral methods meet EM: a provably optimal "
        "algorithm for crowdsourcing. Journal of Machine Learning Research 17(102):1-44."
    )

    def fit(self, labels: LabelMatrix) -> Fit:
        """Estimate accuracies and posteriors."""
        return fit_error_model(
            labels,
            model=_OneCoin(self.smoothing),
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
class DawidSkene(ConsensusMethod):
    """A full confusion matrix per rater.

    It needs many items per category and at least three raters; with two, the model is not
    identifiable and is refused. The score is the posterior.

    Attributes:
        smoothing: number of labels added to every cell before estimating, from 0 to 1. 0 is
            maximum likelihood.
        iterations: maximum number of iterations; the consensus states whether the fit converged.
        tolerance: the fit has converged when no posterior changes by more.
        repeats: column name -> the rater it repeats; they share one confusion matrix.
    """

    smoothing: Share = 0.01
    iterations: PositiveWholeNumber = 500
    tolerance: Share = 1e-6
    repeats: Mapping[str, str] = field(default_factory=dict)
    name: ClassVar[str] = "dawid_skene"
    per_item: ClassVar[bool] = False
    clause: ClassVar[str] = (
        "the most probable category under a fitted model of one confusion matrix per rater"
    )
    citation: ClassVar[str] = (
        "Dawid AP, Skene AM (1979). Maximum likelihood estimation of observer error-rates using "
        "the EM algorithm. Applied Statistics 28:20-28."
    )

    def fit(self, labels: LabelMatrix) -> Fit:
        """Estimate confusion matrices and posteriors.

        Raises:
            EnsembleError: fewer than three raters labeled anything.
        """
        active = np.count_nonzero(np.any(labels.mask, axis=0))
        if active < _LEAST_RATERS and labels.mask.any():
            raise EnsembleError(
                f'The consensus method "{self.name}" needs labels from at least {_LEAST_RATERS} '
                f"raters; found {active}.",
                hint="The error rates of fewer raters cannot be told apart. Use weighted or "
                "majority.",
            )
        return fit_error_model(
            labels,
            model=_FullMatrix(self.smoothing),
            iterations=self.iterations,
            tolerance=self.tolerance,
            repeats=self.repeats,
        )

    def derive(self, labels: LabelMatrix, *, probabilities: FloatArray | None = None) -> Consensus:
        """Derive the consensus from all items at once. Probabilities are not used.

        Raises:
            EnsembleError: fewer than three raters labeled anything.
        """
        return consensus_of_fit(
            labels, method=self.name, settings=self.settings, fit=self.fit(labels)
        )


def consensus_of_fit(
    labels: LabelMatrix, *, method: str, settings: Settings, fit: Fit
) -> Consensus:
    """Take the most probable category of every item under a fitted model."""
    return consensus_of(
        labels,
        method=method,
        settings=settings,
        best=best_of(fit.posteriors),
        converged=fit.converged,
        iterations=fit.iterations,
        rater_estimates=fit.estimates(),
    )


@dataclass(frozen=True, slots=True)
class _FullMatrix(ErrorModel):
    smoothing: float

    def estimate(
        self, counts: FloatArray, *, prior_counts: FloatArray, previous: Parameters | None
    ) -> Parameters:
        category_count = len(prior_counts)
        smoothed = counts + self.smoothing
        totals = smoothed.sum(axis=1, keepdims=True)
        errors = np.full_like(smoothed, 1.0 / max(1, category_count))
        np.divide(smoothed, totals, out=errors, where=totals > 0)
        prior = category_shares(prior_counts, smoothing=self.smoothing)
        diagonal = np.einsum("jkk->jk", errors)
        accuracies = np.where(counts.sum(axis=(1, 2)) > 0, diagonal @ prior, np.nan)
        penalty = self.smoothing * (_log_sum(errors) + _log_sum(prior))
        return Parameters(prior, errors, accuracies, penalty)


@dataclass(frozen=True, slots=True)
class _OneCoin(ErrorModel):
    smoothing: float

    def estimate(
        self, counts: FloatArray, *, prior_counts: FloatArray, previous: Parameters | None
    ) -> Parameters:
        category_count = len(prior_counts)
        right = np.einsum("jkk->j", counts)
        given = counts.sum(axis=(1, 2))
        total = given + self.smoothing * category_count
        chance = 1.0 / max(1, category_count)
        accuracies = np.full(len(given), chance)
        np.divide(right + self.smoothing, total, out=accuracies, where=total > 0)
        # Rounding may leave an accuracy a hair above 1.
        accuracies = np.minimum(accuracies, 1.0)
        wrong = (1.0 - accuracies) / max(1, category_count - 1)
        errors = np.repeat(wrong, category_count**2).reshape(counts.shape)
        errors[:, np.arange(category_count), np.arange(category_count)] = accuracies[:, None]
        prior = category_shares(prior_counts, smoothing=self.smoothing)
        penalty = self.smoothing * (
            _log_sum(accuracies) + (category_count - 1) * _log_sum(wrong) + _log_sum(prior)
        )
        return Parameters(prior, errors, np.where(given > 0, accuracies, np.nan), penalty)


def category_shares(counts: FloatArray, *, smoothing: float) -> FloatArray:
    """Return how frequent the true categories are, given their expected numbers of items."""
    smoothed = counts + smoothing
    total = smoothed.sum()
    shares = np.full_like(smoothed, 1.0 / max(1, len(counts)))
    np.divide(smoothed, total, out=shares, where=total > 0)
    return shares


def _log_sum(values: FloatArray) -> float:
    """Sum the logs, without the exact zeros that a variable of one category has."""
    return float(np.log(values[values > 0]).sum())
