"""Rank examples by how near they are to a text, and choose some of them.

Nearness is the cosine of two vectors, whoever made them. Cosines that are equal to six decimals
are ties, so that the last digits of a processor decide nothing; ties go to the earlier row.
Source: Haq, Rigoni and Sperduti (2025), arXiv 2504.15022.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

import numpy as np
from numpy.typing import NDArray

_DECIMALS = 6


def nearest_first(cosines: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the rows of P examples, the nearest first.

    Args:
        cosines: (P,), one for each example; the examples are sorted by their ids.
    """
    return np.argsort(-np.round(cosines, _DECIMALS), kind="stable")


def choose(ranked: Iterable[int], *, count: int, allowed: Callable[[int], bool]) -> tuple[int, ...]:
    """Choose the first allowed examples; fewer if there are not as many."""
    return tuple(islice(filter(allowed, ranked), count))


def choose_balanced(
    ranked: NDArray[np.intp],
    *,
    categories: NDArray[np.int16],
    count: int,
    allowed: Callable[[int], bool],
) -> tuple[int, ...]:
    """Choose examples of as many categories as possible; return them in the order given.

    No category has a second example before every other that occurs has one.

    Args:
        ranked: the rows of the P examples, the nearest first.
        categories: (P,), the category of each example, by its row.
        count: how many to choose.
        allowed: whether an example may be chosen.
    """
    places = {row: place for place, row in enumerate(ranked.tolist())}
    turns = [
        (turn, places[row])
        for category in np.unique(categories)
        for turn, row in enumerate(
            choose(ranked[categories[ranked] == category].tolist(), count=count, allowed=allowed)
        )
    ]
    chosen = sorted(place for _, place in sorted(turns)[:count])
    return tuple(ranked[chosen].tolist())
