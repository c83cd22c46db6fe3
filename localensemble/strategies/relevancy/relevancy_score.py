"""How relevant quoted passages are to a topic, by the vectors of an embedder.

Source: Qiu et al. (2025), arXiv 2501.08413: the closest passage's cosine to the topic's
description, over the cosine that the empty string has to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Embedder = Callable[[Sequence[str]], NDArray[np.float32]]
"""Return a vector for each text, the empty one too: of length 1, or NaN where there is none."""


def relevancy(*, is_yes: bool, cosines: Sequence[float], baseline: float) -> float:
    """Score one label, from 0 (no, or nothing relevant quoted) to 1.

    Args:
        is_yes: whether the rater says that the topic is there.
        cosines: of the rater's passages to the topic's definition.
        baseline: of the empty string to it.
    """
    if not is_yes or not len(cosines):
        return 0.0
    return min(max(0.0, max(cosines) - baseline), 1.0)


def cosines_to(description: str, texts: Sequence[str], *, embedder: Embedder) -> list[float]:
    """Return the cosine of each text to a description; NaN for a text without a vector."""
    vectors = embedder([description, *texts]).astype(np.float64)
    return [float(one) for one in vectors[1:] @ vectors[0]]
