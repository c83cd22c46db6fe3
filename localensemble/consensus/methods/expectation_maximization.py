"""The fit that Dawid-Skene and MACE share: unknown true categories, raters that err.

Items with the same labels are fitted once and counted, so a million items of a few
raters cost no more than their distinct label patterns. The fit starts from the shares of
the labels and draws nothing at random, so repeating it gives exactly the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from localensemble.consensus.methods.weighing import normalized
from localensemble.consensus.protocol import FloatArray
from localensemble.consensus.shares import rater_name_order
from localensemble.core.errors import EnsembleError
from localensemble.core.label_matrix import GAP, LabelMatrix

# Symmetric data start the fit on a ridge, where rounding alone would choose a side, and rounding
# depends on the order of the categories. Coarser rounding keeps equal values equal.
_POSTERIOR_DECIMALS = 12
_CODE_LIMIT = 2**62

MOST_ERROR_RATES = 20_000_000
"""Raters x categories x categories that are fitted at most: about 1 GB of memory."""
MOST_POSTERIORS = 50_000_000
"""Items x categories that are fitted at most: about 2 GB of memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """What an error model estimates.

    Attributes:
        prior: (K,) share of each true category.
        errors: (R, K, K); [j, l, k] is the weight of rater j giving l when k is true.
        accuracies: (R,) how often each rater is right, or knows, in the model's terms.
        penalty: log prior density of the parameters, added to the log likelihood; 0 without
            smoothing.
    """

    prior: FloatArray
    errors: FloatArray
    accuracies: FloatArray
    penalty: float


class ErrorModel(Protocol):
    """How raters err, given their labels of items whose true category is guessed."""

    def estimate(
        self, counts: FloatArray, *, prior_counts: FloatArray, previous: Parameters | None
    ) -> Parameters:
        """Estimate the parameters.

        Args:
            counts: (R, K, K); [j, l, k] expected number of items of true category k that
                rater j labeled l.
            prior_counts: (K,) expected number of items of each true category.
            previous: the previous parameters; None at the start.
        """
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted error model.

    Attributes:
        raters: rater names, in the order of the parameters' first axis.
        parameters: the last estimate.
        posteriors: (N, K) probability of each category under the model; NaN for items
            without labels. Overconfident, because models are not independent raters.
        objectives: log likelihood plus penalty after each iteration.
        converged: whether no posterior changed by more than the tolerance.
    """

    raters: tuple[str, ...]
    parameters: Parameters
    posteriors: FloatArray
    objectives: tuple[float, ...]
    converged: bool

    @property
    def iterations(self) -> int:
        """The number of iterations."""
        return len(self.objectives)

    def estimates(self) -> tuple[tuple[str, float], ...]:
        """Return each rater's estimated accuracy, without raters that labeled nothing."""
        return tuple(
            (rater, float(accuracy))
            for rater, accuracy in zip(self.raters, self.parameters.accuracies, strict=True)
            if not np.isnan(accuracy)
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """One column of the distinct patterns: its rater, and which patterns got which label."""

    rater: int
    patterns: NDArray[np.int64]
    labels: NDArray[np.int64]
    starts: NDArray[np.int64]
    present: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class _Patterns:
    columns: tuple[_Column, ...]
    weights: FloatArray
    pattern_of_item: NDArray[np.int64]
    unlabeled: NDArray[np.bool_]


def fit_error_model(
    labels: LabelMatrix,
    *,
    model: ErrorModel,
    iterations: int,
    tolerance: float,
    repeats: Mapping[str, str],
) -> Fit:
    """Fit an error model by expectation maximization.

    Args:
        labels: the labels; gaps are allowed and carry no information.
        model: how raters err.
        iterations: maximum number of iterations.
        tolerance: stop when no posterior changes by more.
        repeats: column name -> the rater it repeats; both then share one error matrix.

    Raises:
        EnsembleError: ``repeats`` names a column that does not exist, or the labels need more
            memory than `MOST_ERROR_RATES` and `MOST_POSTERIORS` allow.
    """
    raters, rater_of_column = _raters(labels, repeats=repeats)
    _refuse_too_large(labels, rater_count=len(raters))
    patterns = _distinct_patterns(labels, rater_of_column=rater_of_column)
    category_count = labels.category_count
    posteriors = _label_shares(patterns, category_count=category_count)
    parameters: Parameters | None = None
    objectives: list[float] = []
    converged = False
    while parameters is None or (len(objectives) < iterations and not converged):
        counts = _expected_counts(patterns, posteriors, rater_count=len(raters))
        prior_counts = (posteriors * patterns.weights[:, None]).sum(axis=0)
        parameters = model.estimate(counts, prior_counts=prior_counts, previous=parameters)
        log_weights = _log_weights(patterns, parameters)
        updated = np.round(normalized(log_weights), _POSTERIOR_DECIMALS)
        objectives.append(_log_likelihood(log_weights, patterns.weights) + parameters.penalty)
        converged = updated.size == 0 or float(np.abs(updated - posteriors).max()) <= tolerance
        posteriors = updated
    of_items = posteriors[patterns.pattern_of_item]
    of_items[patterns.unlabeled] = np.nan
    return Fit(raters, parameters, of_items, tuple(objectives), converged)


def _refuse_too_large(labels: LabelMatrix, *, rater_count: int) -> None:
    categories = labels.category_count
    for needed, most, of in (
        (
            rater_count * categories**2,
            MOST_ERROR_RATES,
            f"{rater_count:,} raters x {categories:,} x {categories:,} categories",
        ),
        (
            labels.item_count * categories,
            MOST_POSTERIORS,
            f"{labels.item_count:,} items x {categories:,} categories",
        ),
    ):
        if needed > most:
            raise EnsembleError(
                f"Cannot fit a model of the raters' errors: {of} make {needed:,} numbers; at most "
                f"{most:,} fit in memory.",
                hint="Use majority, which only counts labels. If cells hold several labels, "
                "measure each category on its own with --split-labels; otherwise merge rare "
                "categories.",
            )


def _raters(
    labels: LabelMatrix, *, repeats: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[int, int]]:
    for column in repeats:
        if column not in labels.raters:
            raise EnsembleError(
                f'The setting repeats names "{column}", which is not a column of the labels.',
                hint=f"Columns: {', '.join(labels.raters)}.",
            )
    owners = {j: repeats.get(name, name) for j, name in enumerate(labels.raters)}
    raters = tuple(sorted(set(owners.values())))
    return raters, {j: raters.index(owner) for j, owner in owners.items()}


def _distinct_patterns(labels: LabelMatrix, *, rater_of_column: Mapping[int, int]) -> _Patterns:
    order = rater_name_order(labels)
    indices = labels.indices[:, order]
    first, pattern_of_item, multiplicity = _unique_patterns(
        indices, category_count=labels.category_count
    )
    distinct = indices[first]
    unlabeled = ~np.any(distinct != GAP, axis=1)
    columns = []
    for position, j in enumerate(order):
        given = np.flatnonzero(distinct[:, position] != GAP)
        given = given[np.argsort(distinct[given, position], kind="stable")]
        values = distinct[given, position].astype(np.int64)
        present, starts = np.unique(values, return_index=True)
        columns.append(_Column(rater_of_column[j], given, values, starts, present))
    # An item that nobody labeled carries no information about the raters or the prior.
    weights = np.where(unlabeled, 0.0, multiplicity.astype(np.float64))
    return _Patterns(tuple(columns), weights, pattern_of_item, unlabeled[pattern_of_item])


def _unique_patterns(
    indices: NDArray[np.int16], *, category_count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Find the first item of each distinct row, the row of each item, and each row's count."""
    base = category_count + 1
    if base ** indices.shape[1] < _CODE_LIMIT:
        codes = np.zeros(indices.shape[0], dtype=np.int64)
        for j in range(indices.shape[1]):
            codes = codes * base + (indices[:, j] + 1)
        found = np.unique(codes, return_index=True, return_inverse=True, return_counts=True)
    else:
        found = np.unique(
            indices, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
    return found[1], found[2].reshape(-1), found[3]


def _label_shares(patterns: _Patterns, *, category_count: int) -> FloatArray:
    counts = np.zeros((len(patterns.weights), category_count))
    for column in patterns.columns:
        counts[column.patterns, column.labels] += 1.0
    total = counts.sum(axis=1, keepdims=True)
    shares = np.full_like(counts, 1.0 / max(1, category_count))
    np.divide(counts, total, out=shares, where=total > 0)
    return shares


def _expected_counts(
    patterns: _Patterns, posteriors: FloatArray, *, rater_count: int
) -> FloatArray:
    category_count = posteriors.shape[1]
    weighted = posteriors * patterns.weights[:, None]
    counts = np.zeros((rater_count, category_count, category_count))
    for column in patterns.columns:
        if len(column.patterns):
            sums = np.add.reduceat(weighted[column.patterns], column.starts, axis=0)
            counts[column.rater, column.present] += sums
    return counts


def _log_weights(patterns: _Patterns, parameters: Parameters) -> FloatArray:
    with np.errstate(divide="ignore"):  # log 0 is -inf: the category is ruled out
        log_prior = np.log(parameters.prior)
        log_errors = np.log(parameters.errors)
    log_weights = np.tile(log_prior, (len(patterns.weights), 1))
    for column in patterns.columns:
        log_weights[column.patterns] += log_errors[column.rater, column.labels]
    return log_weights


def _log_likelihood(log_weights: FloatArray, weights: FloatArray) -> float:
    if not log_weights.size:
        return 0.0
    top = log_weights.max(axis=1)
    per_pattern = top + np.log(np.exp(log_weights - top[:, None]).sum(axis=1))
    return float(weights @ per_pattern)
