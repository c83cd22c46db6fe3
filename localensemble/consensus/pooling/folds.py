"""Split gold items into folds, so that every fitted number is tried on items it has not seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from localensemble.core.identity import sha256_text

FOLDS = 5


def assign_folds(contents: Sequence[str], categories: Sequence[str]) -> NDArray[np.intp]:
    """Return the fold of each gold item, (n,): every category is spread over all folds.

    Items with the same content are in one fold. The order within a category comes from hashes,
    so the folds do not depend on the order of the items.

    Args:
        contents: the text of each item, or its hash.
        categories: the name of each item's gold category; of items with the same content, the
            first name in alphabetical order counts.
    """
    stratum: dict[str, str] = {}
    for content, category in zip(contents, categories, strict=True):
        stratum[content] = min(stratum.get(content, category), category)
    by_category: dict[str, list[str]] = defaultdict(list)
    for content, category in stratum.items():
        by_category[category].append(content)
    folds: dict[str, int] = {}
    for category in sorted(by_category):
        for content in sorted(by_category[category], key=sha256_text):
            # Go on where the last category ended, so that the folds are of one size.
            folds[content] = len(folds) % FOLDS
    return np.array([folds[content] for content in contents], dtype=np.intp)
