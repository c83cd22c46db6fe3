"""Weighted consistency: which of several free-text answers agrees most with the others.

The consistency of an answer is its mean similarity to the other raters' answers to the same item,
weighted by how consistent these raters are over all items. The weights start at 1 and are computed
again until they stay the same. It says how far raters agree, not whether they are right: raters
that make the same mistake outweigh the one that does not.

Source: our own rule, because the published ensemble (Martinez-Murillo et al. 2026) gives no
formula. It is not the score of that paper.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SAME_WEIGHTS = 1e-6
_MOST_ROUNDS = 100
# Sums of the same numbers in another order differ in their last digits.
_EQUAL = 1e-9

NO_ANSWER = -1
"""Stands for the rater of an item without a chosen answer."""


@dataclass(frozen=True, slots=True, eq=False)
class WeightedConsistency:
    """The weights of R raters and the chosen answers to N items.

    Attributes:
        weights: (R,) in [0, 1]; NaN for a rater none of whose answers could be compared.
        consistency: (N, R) in [0, 1]; NaN without an answer, or without another one.
        chosen: (N,) the rater whose answer is chosen; `NO_ANSWER` for a tie or without answers.
        rounds: how often the weights were computed.
        converged: whether they stayed the same in the end.
    """

    weights: NDArray[np.float64]
    consistency: NDArray[np.float64]
    chosen: NDArray[np.int16]
    rounds: int
    converged: bool


def weigh_by_consistency(
    similarity: NDArray[np.float64], *, answered: NDArray[np.bool_]
) -> WeightedConsistency:
    """Weigh raters by how similar their answers are to those of the others, and choose answers.

    The most consistent answer of an item is chosen. Of equally consistent ones, that of the rater
    with the greatest weight is. If these are equal too, the first is chosen if the answers are
    more similar to each other than to the rest, so that each stands for all of them; else there is
    a tie. With two raters, every difference is a tie. A single answer is chosen as it is.

    Args:
        similarity: (N, R, R) similarity of two raters' answers to an item, symmetric, in [0, 1];
            values of missing answers are not read.
        answered: (N, R) whether a rater gave an answer to an item.
    """
    another = ~np.eye(answered.shape[1], dtype=np.bool_)
    others: NDArray[np.bool_] = answered[:, :, None] & answered[:, None, :] & another
    known = np.where(others, similarity, 0.0)
    weights = np.ones(answered.shape[1])
    compared = np.asarray(others.any(axis=2))
    rounds, converged = 0, False
    while rounds < _MOST_ROUNDS and not converged:
        consistency = _consistency(known, others, weights)
        updated = _means(consistency, compared)
        converged = bool(np.abs(updated - weights).max(initial=0.0) < _SAME_WEIGHTS)
        weights, rounds = updated, rounds + 1
    consistency = _consistency(known, others, weights)
    chosen = [
        _chosen(consistency[item], weights, similarity[item], answered[item])
        for item in range(len(answered))
    ]
    return WeightedConsistency(
        np.where(compared.any(axis=0), weights, np.nan),
        np.where(compared, consistency, np.nan),
        np.array(chosen, dtype=np.int16),
        rounds,
        converged,
    )


def word_f1(one: Sequence[str], other: Sequence[str]) -> float:
    """Return how many words two texts share, with repetitions: 1 for the same words, 0 for none."""
    if not one and not other:
        return 1.0
    shared = sum((Counter(one) & Counter(other)).values())
    return 2 * shared / (len(one) + len(other))


def _consistency(
    known: NDArray[np.float64], others: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the weighted mean similarity of each answer to the others: (N, R), 0 without any."""
    total = others @ weights
    # If the others have no weight at all, they count alike.
    alike = total <= 0
    count = others.sum(axis=2)
    mean = known.sum(axis=2) / np.maximum(count, 1)
    return np.where(alike, mean, (known @ weights) / np.where(alike, 1.0, total))


def _means(consistency: NDArray[np.float64], compared: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the mean consistency of each rater; 1 for a rater that was never compared."""
    count = compared.sum(axis=0)
    sums = np.where(compared, consistency, 0.0).sum(axis=0)
    return np.where(count > 0, sums / np.maximum(count, 1), 1.0)


def _chosen(
    consistency: NDArray[np.float64],
    weights: NDArray[np.float64],
    similarity: NDArray[np.float64],
    answered: NDArray[np.bool_],
) -> int:
    left = np.flatnonzero(answered)
    for value in (consistency, weights):
        if len(left):
            left = left[value[left] >= value[left].max() - _EQUAL]
    if not len(left):
        return NO_ANSWER
    rest = np.setdiff1d(np.flatnonzero(answered), left)
    among = float(similarity[np.ix_(left, left)].min())
    apart = float(similarity[np.ix_(left, rest)].max()) if len(rest) else 1.0 - _EQUAL
    return int(left[0]) if len(left) == 1 or among > apart else NO_ANSWER
