"""The scores on which an acceptance threshold can be set: higher is surer.

None of them is a probability of being right. A certificate states what a threshold on a score
is worth.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from localensemble.consensus.policies.escalation import Evidence, needed
from localensemble.consensus.protocol import FloatArray
from localensemble.consensus.shares import label_shares, mean_distribution

ScoreName = Literal["support", "method", "mean_probability", "margin"]
SCORE_NAMES: tuple[ScoreName, ...] = get_args(ScoreName)
SCORES_OF_PROBABILITIES: tuple[ScoreName, ...] = ("mean_probability", "margin")
Distribution = Literal["probabilities", "labels"]


def acceptance_scores(evidence: Evidence, *, by: ScoreName) -> FloatArray:
    """Score the consensus of every item: (N,), NaN without a consensus.

    Args:
        evidence: labels, consensus and, for two of the scores, probabilities.
        by: ``support`` (share of the labels), ``method`` (the consensus method's own score),
            ``mean_probability`` of the consensus category over the raters, or ``margin``,
            by which that mean exceeds the next best category's.

    Raises:
        ValueError: the score needs probabilities and there are none.
    """
    consensus = evidence.consensus
    if by == "support":
        return consensus.support
    if by == "method":
        return consensus.scores
    means = mean_distribution(evidence.labels, probabilities=needed(evidence.probabilities))
    chosen = _chosen_share(means, evidence=evidence)
    if by == "mean_probability":
        return chosen
    decided = np.flatnonzero(consensus.decided)
    means[decided, consensus.categories[decided]] = -np.inf
    best_other = means.max(axis=1, initial=-np.inf)
    return np.where(np.isfinite(best_other), chosen - best_other, chosen)


def _chosen_share(shares: FloatArray, *, evidence: Evidence) -> FloatArray:
    """Return the consensus category's entry of (N, K) shares: (N,), NaN without a consensus."""
    chosen = np.full(len(shares), np.nan)
    decided = np.flatnonzero(evidence.consensus.decided)
    chosen[decided] = shares[decided, evidence.consensus.categories[decided]]
    return chosen


def distribution_of(evidence: Evidence, *, of: Distribution) -> FloatArray:
    """Return the mean of the raters' distributions, or the shares of their labels: (N, K)."""
    if of == "labels":
        return label_shares(evidence.labels)
    return mean_distribution(evidence.labels, probabilities=needed(evidence.probabilities))
