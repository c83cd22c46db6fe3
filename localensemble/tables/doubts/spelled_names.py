"""Notice raters and items that are written in several ways.

Rater names that differ only in letter case, spaces or how a sign is drawn are one rater, unless
they mostly label the same items. Items are never joined, because ids may differ in letter case
alone; what looks the same is refused.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from localensemble.core.words import counted, listed
from localensemble.tables.doubts.lookalikes import loose_form, plain_form, shown

# Spellings that share this part of the items of the rater with fewer are different raters.
_MOSTLY = 0.5
_WHOLE = re.compile(r"(\d+)\.0$")


@dataclass(frozen=True, slots=True)
class JoinedRaters:
    """The raters of a part of a table, each with one name.

    Attributes:
        raters: name -> place, in order of first occurrence.
        rater_places: for each label, the place of its rater.
    """

    raters: dict[str, int]
    rater_places: array[int]


def rater_names(raters: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the raters that are written in several ways: one name -> all names.

    The order of the rows does not matter: a plainly drawn name goes first, then the alphabet.
    """
    spelled: dict[str, set[str]] = {}
    for rater in raters:
        spelled.setdefault(loose_form(rater), set()).add(rater)
    ordered = (
        sorted(names, key=lambda name: (name != plain_form(name), name))
        for names in spelled.values()
        if len(names) > 1
    )
    return {names[0]: tuple(names) for names in ordered}


def join_raters(
    raters: Mapping[str, int],
    rater_places: array[int],
    *,
    names: Mapping[str, tuple[str, ...]],
) -> JoinedRaters:
    """Give each rater the one name that stands for it."""
    first_of = {name: first for first, spelled in names.items() for name in spelled}
    joined: dict[str, int] = {}
    place_of = {
        place: joined.setdefault(first_of.get(name, name), len(joined))
        for name, place in raters.items()
    }
    return JoinedRaters(joined, array("i", map(place_of.__getitem__, rater_places)))


def told_apart(
    names: Mapping[str, tuple[str, ...]], parts: Sequence[Mapping[str, Collection[int]]]
) -> Mapping[str, tuple[str, ...]]:
    """Return those names whose spellings are different raters: they label the same items.

    Args:
        names: as of `rater_names`.
        parts: for each part of a table, the rater names -> the items that each labels.
    """
    apart = {}
    for first, spelled in names.items():
        both = fewer = 0
        for items in parts:
            for one, other in combinations([set(items.get(name, ())) for name in spelled], 2):
                both += len(one & other)
                fewer += min(len(one), len(other))
        if both and both >= _MOSTLY * fewer:
            apart[first] = spelled
    return apart


def raters_message(names: Mapping[str, tuple[str, ...]], *, joined: bool) -> tuple[str, ...]:
    """State which raters are written in several ways; empty if none is."""
    return tuple(
        f'Raters {listed([*map(shown, spelled)])} count as one rater, "{first}".'
        if joined
        else f"Raters {listed([*map(shown, spelled)])} are named alike; they count as "
        f"{len(spelled)} raters."
        for first, spelled in names.items()
    )


def alike_items(items: Collection[str]) -> tuple[str, str] | None:
    """Find two ids that a reader cannot tell apart; None without any."""
    if all(item.isascii() and "  " not in item and item[-2:] != ".0" for item in items):
        return None
    seen: dict[str, str] = {}
    for item in items:
        # A spreadsheet or a data frame adds ".0" to numbers.
        first = seen.setdefault(_WHOLE.sub(r"\1", plain_form(item)), item)
        if first != item:
            return first, item
    return None


def letter_case_message(items: Collection[str]) -> tuple[str, ...]:
    """State how many ids differ from another only in letter case; empty if none does."""
    more = len(items) - len({item.casefold() for item in items})
    if not more:
        return ()
    differ = "differs" if more == 1 else "differ"
    return (
        f"{counted(more, 'item id')} {differ} from another only in letter case; they count as "
        "different items.",
    )
