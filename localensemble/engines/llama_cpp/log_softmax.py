"""Logarithms of probabilities from logits, in double precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Numbers converted at once: a block that fits in a core's cache.
_BLOCK = 1 << 16


def log_normalizers(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compute log(sum(exp(row))) for each row of an array of shape (rows, tokens).

    A row's log-probabilities are its logits minus this number. Rows are never combined, so
    a row's result does not depend on its neighbors.
    """
    rows, tokens = logits.shape
    result = np.empty(rows, dtype=np.float64)
    block = max(1, _BLOCK // tokens)
    for start in range(0, rows, block):
        values = logits[start : start + block].astype(np.float64)
        highest = values.max(axis=1)
        values -= highest[:, np.newaxis]
        np.exp(values, out=values)
        result[start : start + block] = highest + np.log(values.sum(axis=1))
    return result
