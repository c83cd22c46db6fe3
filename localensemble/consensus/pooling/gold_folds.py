"""Split gold items into folds, so that every fitted number is tried on items it has not seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from localensemble.core.folds import spread_over_folds
from localensemble.core.identity import sha256_text


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
    folds = spread_over_folds(stratum, order=sha256_text)
    return np.array([folds[content] for content in contents], dtype=np.intp)
