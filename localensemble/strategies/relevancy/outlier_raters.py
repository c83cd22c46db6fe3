"""Find the raters to leave out of one topic: without them, the others agree far better.

Source: Qiu et al. (2025), arXiv 2501.08413. Nobody is left out if fewer than two raters would
remain or the raters do not agree beyond chance; these two guards are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from localensemble.agreement import Analytic, Coefficient, fleiss_kappa, gwet_ac1, prepare
from localensemble.core.label_matrix import LabelMatrix

OUTLIER_ABOVE = 0.1
SCORE_BINS = 10
_NO_YES = ("no", "yes")


@dataclass(frozen=True, slots=True)
class TopicAgreement:
    """How far raters agree on one topic.

    Attributes:
        labels: AC1 on yes and no.
        scores: AC1 on their scores, cut into ten equal bins from 0 to 1.
        kappa: Fleiss' kappa on yes and no, which falls where a topic is rare.
        outliers: the places of the raters to leave out.
        excess: for each rater, how far agreement without it lies above the interval of all, as a
            share of the agreement of all; None if it cannot be computed.
    """

    labels: Coefficient
    scores: Coefficient
    kappa: Coefficient
    outliers: tuple[int, ...]
    excess: tuple[float | None, ...]


def topic_agreement(
    labels: NDArray[np.int8], scores: NDArray[np.float64], *, raters: Sequence[str]
) -> TopicAgreement:
    """Measure agreement on labels and scores, and find the outliers.

    Args:
        labels: (N, R) 1 for yes, 0 for no, -1 for none.
        scores: (N, R) from 0 to 1; NaN where there is no label.
        raters: their names, distinct.
    """
    bins = np.where(np.isnan(scores), 0, scores * SCORE_BINS).astype(np.int16)
    bins = np.where(np.isnan(scores), -1, np.minimum(bins, SCORE_BINS - 1)).astype(np.int16)
    prepared = [
        prepare(_matrix(labels.astype(np.int16), _NO_YES, raters)),
        prepare(_matrix(bins, tuple(map(str, range(SCORE_BINS))), raters)),
    ]
    all_raters = range(len(raters))
    # The rule is stated with the analytic interval; what is reported has the usual one.
    ac1 = [gwet_ac1(one, interval=Analytic()) for one in prepared]
    excess = []
    for rater in all_raters:
        others = [other for other in all_raters if other != rater]
        without = [gwet_ac1(one.select(others), interval=Analytic()) for one in prepared]
        excess.append(_excess(ac1, without))
    outliers = tuple(j for j, one in enumerate(excess) if one is not None and one > OUTLIER_ABOVE)
    if len(raters) - len(outliers) < 2:
        outliers = ()
    yes_no, binned = prepared
    return TopicAgreement(
        gwet_ac1(yes_no), gwet_ac1(binned), fleiss_kappa(yes_no), outliers, tuple(excess)
    )


def _excess(of_all: Sequence[Coefficient], without: Sequence[Coefficient]) -> float | None:
    gains, values = [], []
    for everyone, others in zip(of_all, without, strict=True):
        if everyone.value is None or everyone.interval_high is None or others.value is None:
            return None
        gains.append(others.value - everyone.interval_high)
        values.append(everyone.value)
    return sum(gains) / sum(values) if sum(values) > 0 else None


def _matrix(
    indices: NDArray[np.int16], categories: tuple[str, ...], raters: Sequence[str]
) -> LabelMatrix:
    return LabelMatrix(indices, categories, tuple(raters))
