"""Group examples that are alike, so that texts that are alike can share theirs.

Spherical k-means: each group has a center, the mean direction of its members. The first center is
the example nearest to the mean of all, and each further one the example least like the centers
before it, so nothing is drawn at random and the order of equal examples decides ties.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MOST_ROUNDS = 50


def group_centers(vectors: NDArray[np.float64], *, count: int) -> NDArray[np.float64]:
    """Return the centers of groups of P examples: (G, width), each of length 1.

    Args:
        vectors: (P, width), each of length 1, or zeros.
        count: how many groups; there are fewer if fewer examples differ.
    """
    centers = _first_centers(vectors, count)
    members = np.full(len(vectors), -1)
    for _ in range(_MOST_ROUNDS):
        nearest = np.round(vectors @ centers.T, 6).argmax(axis=1)
        if (nearest == members).all():
            break
        members = nearest
        for group in range(len(centers)):
            mean = vectors[members == group].sum(axis=0)
            length = float(np.linalg.norm(mean))
            if length > 0:
                centers[group] = mean / length
    return centers


def _first_centers(vectors: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    chosen = [int(np.round(vectors @ vectors.mean(axis=0), 6).argmax())]
    closest = np.round(vectors @ vectors[chosen[0]], 6)
    while len(chosen) < count:
        farthest = int(closest.argmin())
        if closest[farthest] >= 1.0 - 1e-6:
            break
        chosen.append(farthest)
        closest = np.maximum(closest, np.round(vectors @ vectors[farthest], 6))
    return vectors[chosen].copy()
