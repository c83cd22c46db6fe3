"""Turn a distribution over categories into one category, a tie or nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from localensemble.consensus.protocol import (
    NO_CONSENSUS,
    BoolArray,
    CategoryArray,
    Consensus,
    FloatArray,
)
from localensemble.consensus.setting_fields import Settings
from localensemble.consensus.shares import lead, support_of
from localensemble.core.label_matrix import LabelMatrix

# Two categories closer than this lead equally: their difference is rounding, which depends on
# the order of raters and categories, and that order must not decide.
TIE_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Best:
    """The most probable category of every item.

    Attributes:
        categories: int16 (N,); -1 if there is none or several lead.
        scores: (N,); the category's probability, NaN where ``categories`` is -1.
        tie: bool (N,); two or more categories lead within 1e-9.
    """

    categories: CategoryArray
    scores: FloatArray
    tie: BoolArray


def best_of(distribution: FloatArray) -> Best:
    """Take the single most probable category of every item.

    Args:
        distribution: (N, K); a row of NaN for an item that must stay without a category.
    """
    item_count, category_count = distribution.shape
    if category_count == 0:
        return Best(
            np.full(item_count, NO_CONSENSUS, dtype=np.int16),
            np.full(item_count, np.nan),
            np.zeros(item_count, dtype=np.bool_),
        )
    known = ~np.isnan(distribution[:, 0])
    top = distribution.max(axis=1)
    leaders = np.count_nonzero(distribution >= top[:, None] - TIE_TOLERANCE, axis=1)
    single = known & (leaders == 1)
    categories = np.where(single, distribution.argmax(axis=1), NO_CONSENSUS).astype(np.int16)
    return Best(categories, np.where(single, top, np.nan), known & (leaders > 1))


def consensus_of(
    labels: LabelMatrix,
    *,
    method: str,
    settings: Settings,
    best: Best,
    converged: bool | None = None,
    iterations: int | None = None,
    rater_estimates: tuple[tuple[str, float], ...] = (),
) -> Consensus:
    """Assemble the consensus from the most probable categories."""
    found = lead(labels)
    return Consensus(
        method=method,
        settings=settings,
        categories=best.categories,
        support=support_of(labels, categories=best.categories),
        scores=best.scores,
        tie=best.tie,
        labels_used=found.labels_used,
        majority=found.majority,
        converged=converged,
        iterations=iterations,
        rater_estimates=rater_estimates,
    )


def normalized(log_weights: FloatArray) -> FloatArray:
    """Exponentiate and scale each row of log weights to sum to 1, without overflow.

    A row of NaN stays NaN; -inf is weight 0. Every other row needs one finite entry.
    """
    if log_weights.shape[1] == 0:
        return log_weights.copy()
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
