"""Find raters that have no category in common, such as one with codes beside one with names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from localensemble.core.words import counted
from localensemble.tables.ratings import GroupLabels, VariableRatings

# With fewer items, or only one category each, raters may differ by chance or by opinion.
_LEAST_ITEMS = 2
_LEAST_CATEGORIES = 2
_MOST_SHOWN = 5
# Among this many raters, some pairs share a few items and no category by chance.
_MOST_RATERS = 100


def disjoint_raters(labels: VariableRatings, *, name_of: Mapping[str, str]) -> tuple[str, ...]:
    """State which two raters with items in common have no category in common.

    Args:
        name_of: maps labels to the category they mean, if its name differs.
    """
    names = [name_of.get(word, word) for word in labels.words]
    found: list[str] = []
    for group in labels.groups:
        if len(group.raters) > _MOST_RATERS:
            continue
        used = _used(group, names)
        for first, second in combinations(used, 2):
            one, other = used[first], used[second]
            if (
                min(len(one.categories), len(other.categories)) >= _LEAST_CATEGORIES
                and not one.categories & other.categories
                and (shared := len(np.intersect1d(one.items, other.items))) >= _LEAST_ITEMS
            ):
                found.append(
                    f'Variable "{labels.variable}": raters "{first}" and "{second}" have no '
                    f"category in common, with {counted(shared, 'item')} that both labeled: "
                    f"{_listed(one.categories)} against {_listed(other.categories)}. If these are "
                    "codes and names of the same categories, use one or the other; every "
                    "coefficient counts them as different."
                )
    return tuple(found[:_MOST_SHOWN])


@dataclass(frozen=True, slots=True, eq=False)
class _Used:
    items: NDArray[np.int32]
    categories: frozenset[str]


def _used(group: GroupLabels, names: Sequence[str]) -> dict[str, _Used]:
    """Return the items that each rater labeled, and the categories it used."""
    used = {}
    for place, rater in enumerate(group.raters):
        given = (group.rater_places == place) & (group.words >= 0)
        words = np.unique(group.words[given]).tolist()
        used[rater] = _Used(group.item_places[given], frozenset(names[word] for word in words))
    return used


def _listed(categories: frozenset[str]) -> str:
    shown = ", ".join(f'"{name}"' for name in sorted(categories)[:_MOST_SHOWN])
    more = len(categories) - _MOST_SHOWN
    return f"{shown} and {more:,} more" if more > 0 else shown
