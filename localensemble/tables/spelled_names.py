"""Notice raters and items that are written in several ways.

Rater names that differ only in letter case, spaces or how a sign is drawn are one rater. Items are
never joined, because ids may differ in letter case alone; what only looks different is refused.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from localensemble.core.words import counted, listed
from localensemble.tables.lookalikes import loose_form, plain_form, shown


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
    """Return the raters that are written in several ways: the first name -> all names."""
    spelled: dict[str, dict[str, None]] = {}
    for rater in raters:
        spelled.setdefault(loose_form(rater), {})[rater] = None
    return {next(iter(names)): tuple(names) for names in spelled.values() if len(names) > 1}


def join_raters(
    raters: Mapping[str, int],
    rater_places: array[int],
    *,
    names: Mapping[str, tuple[str, ...]],
) -> JoinedRaters:
    """Give each rater its first name."""
    first_of = {name: first for first, spelled in names.items() for name in spelled}
    joined: dict[str, int] = {}
    place_of = {
        place: joined.setdefault(first_of.get(name, name), len(joined))
        for name, place in raters.items()
    }
    return JoinedRaters(joined, array("i", map(place_of.__getitem__, rater_places)))


def raters_message(names: Mapping[str, tuple[str, ...]], *, column: str | None) -> tuple[str, ...]:
    """State which raters are written in several ways; empty if none is.

    Args:
        names: as of `rater_names`.
        column: the column with the raters; None if each rater has a column, and thus is another.
    """
    return tuple(
        f"Columns {listed([*map(shown, spelled)])} are named alike; they count as "
        f"{len(spelled)} raters."
        if column is None
        else f'Raters {listed([*map(shown, spelled)])} count as one rater, "{first}".'
        for first, spelled in names.items()
    )


def alike_items(items: Collection[str]) -> tuple[str, str] | None:
    """Find two ids that a reader cannot tell apart; None without any."""
    if all(item.isascii() and "  " not in item for item in items):
        return None
    seen: dict[str, str] = {}
    for item in items:
        first = seen.setdefault(plain_form(item), item)
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
