"""One score for each item from the raters' scores: the first principal component, from 0 to 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def ensemble_score(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the items' places on the first principal component of the raters' scores.

    Each rater's scores are centered and scaled to unit variance; a rater whose scores are all
    equal contributes nothing. The component points the way that the raters' mean does, and is
    scaled to reach from 0 to 1 over all items. The source orients it by one model; a weak one
    could then turn all scores around.

    Args:
        scores: (N, R), NaN where a rater has no label, which counts as the rater's mean.

    Returns:
        (N,): NaN for an item without any label; 0 everywhere if no rater's scores differ.

    Source: Qiu et al. (2025), arXiv 2501.08413.
    """
    given = ~np.isnan(scores)
    labels = np.maximum(given.sum(axis=0), 1)
    centered = np.where(given, scores - np.nansum(scores, axis=0) / labels, 0.0)
    spread = np.sqrt((centered**2).sum(axis=0) / labels)
    varying = spread > np.finfo(np.float64).eps
    result = np.zeros(len(scores))
    if varying.any():
        standard = centered[:, varying] / spread[varying]
        _, components = np.linalg.eigh(standard.T @ standard)
        first = components[:, -1]
        result = standard @ (first if first.sum() >= 0 else -first)
    result[~given.any(axis=1)] = np.nan
    known = result[~np.isnan(result)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 0.0)
    scaled: NDArray[np.float64] = (result - low) / ((high - low) or 1.0)
    return scaled
