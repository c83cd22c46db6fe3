"""Combine the raters' labels and relevancy scores on one topic, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.strategies.relevancy.ensemble_score import ensemble_score
from localensemble.strategies.relevancy.outlier_raters import TopicAgreement, topic_agreement
from localensemble.strategies.relevancy.topic_labels import TopicLabels, topic_labels


@dataclass(frozen=True, slots=True, eq=False)
class TopicEnsemble:
    """What R raters together say about one topic.

    Attributes:
        kept: the places of the raters that count: all but the outliers.
        agreement: of all raters.
        score: (N,) the ensemble's score before the threshold; NaN without a label.
        result: labels, threshold, and the score with the threshold.
    """

    kept: tuple[int, ...]
    agreement: TopicAgreement
    score: NDArray[np.float64]
    result: TopicLabels


def topic_ensemble(
    labels: NDArray[np.int8], scores: NDArray[np.float64], *, raters: Sequence[str]
) -> TopicEnsemble:
    """Leave out outliers, score the items, and label them.

    Args:
        labels: (N, R) 1 for yes, 0 for no, -1 for a label that is missing.
        scores: (N, R) relevancy scores from 0 to 1; NaN for a label that is missing.
        raters: their names.
    """
    agreement = topic_agreement(labels, scores, raters=raters)
    kept = tuple(j for j in range(len(raters)) if j not in agreement.outliers)
    score = ensemble_score(scores[:, kept])
    return TopicEnsemble(kept, agreement, score, topic_labels(labels[:, kept], score))
