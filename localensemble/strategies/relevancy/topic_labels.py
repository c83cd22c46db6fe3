"""One label for each item: a single yes is enough if the ensemble's score is high enough.

Source: Qiu et al. (2025), arXiv 2501.08413. The majority serves as the truth that the threshold
is fitted to; no gold label is used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

UNION_ABOVE = 0.1
MAJORITY_ABOVE = 0.5
THRESHOLDS = tuple(step / 20 for step in range(11))


@dataclass(frozen=True, slots=True, eq=False)
class TopicLabels:
    """The labels of N items on one topic.

    Attributes:
        union: (N,) true if any rater (more than a tenth of them) says yes.
        majority: (N,) true if more than half of the raters say yes; half is not enough.
        threshold: the score that an item needs to keep the yes of the union.
        f1: how well the labels match the majority, as F1; None if the majority never says yes.
        label: (N,) the union, without the items below the threshold or without a score.
        score: (N,) the ensemble's score, 0 below the threshold; NaN without a score.
    """

    union: NDArray[np.bool_]
    majority: NDArray[np.bool_]
    threshold: float
    f1: float | None
    label: NDArray[np.bool_]
    score: NDArray[np.float64]


def topic_labels(labels: NDArray[np.int8], score: NDArray[np.float64]) -> TopicLabels:
    """Cut the union of the raters' yes at the threshold that best matches their majority.

    Args:
        labels: (N, R) 1 for yes, 0 for no, -1 for a label that is missing and counts nowhere.
        score: (N,) of `ensemble_score`.
    """
    given = np.maximum((labels >= 0).sum(axis=1), 1)
    share = (labels == 1).sum(axis=1) / given
    union, majority = share > UNION_ABOVE, share > MAJORITY_ABOVE
    below = [np.nan_to_num(score) < threshold for threshold in THRESHOLDS]
    f1 = [_f1(union & ~cut, majority) for cut in below]
    best = int(np.argmax(f1))
    return TopicLabels(
        union=union,
        majority=majority,
        threshold=THRESHOLDS[best],
        f1=f1[best] if majority.any() else None,
        label=union & ~below[best],
        score=np.where(below[best] & ~np.isnan(score), 0.0, score),
    )


def _f1(label: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    both = int((label & truth).sum())
    return 2 * both / max(int(label.sum() + truth.sum()), 1)
