"""Split texts into folds that depend on the texts alone, not on their order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TypeVar

FOLDS = 5
_Stratum = TypeVar("_Stratum", int, str)


def spread_over_folds(
    stratum_of: Mapping[str, _Stratum], *, order: Callable[[str], str] = str
) -> dict[str, int]:
    """Return the fold of each text, with every stratum spread over all folds.

    Args:
        stratum_of: a text, or its hash -> what it counts as, such as its category.
        order: what the texts of a stratum are sorted by; with a hash they are as good as drawn.
    """
    by_stratum: dict[_Stratum, list[str]] = defaultdict(list)
    for text, stratum in stratum_of.items():
        by_stratum[stratum].append(text)
    folds: dict[str, int] = {}
    for stratum in sorted(by_stratum):
        for text in sorted(by_stratum[stratum], key=order):
            # Go on where the last stratum ended, so that the folds are of one size.
            folds[text] = len(folds) % FOLDS
    return folds
