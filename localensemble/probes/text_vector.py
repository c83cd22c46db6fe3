"""One vector for a text of several parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mean_vector(parts: NDArray[np.float64], *, width: int) -> NDArray[np.float64]:
    """Return the mean of P vectors, scaled to length 1; zeros for a text without words.

    Args:
        parts: (P, width).
        width: length of a vector.
    """
    if not len(parts):
        return np.zeros(width)
    mean = parts.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean))
