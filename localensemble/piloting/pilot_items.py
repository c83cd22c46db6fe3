"""Choose the items of a pilot: spread over the table, and never a text that answers nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from localensemble.codebook.non_answers import NonAnswers
from localensemble.core.items import Item
from localensemble.labeling.scoring import is_asked
from localensemble.tables.item_file import ItemFile

_ROWS = 1_024


@dataclass(frozen=True, slots=True)
class PilotItems:
    """The items of a pilot.

    Attributes:
        items: the items, in the order of the table.
        non_answers: items of the table that answer nothing; none of them is chosen.
        answers: items of the table that a run would ask the raters about.
    """

    items: tuple[Item, ...]
    non_answers: int
    answers: int


def choose_items(
    table: ItemFile, *, count: int, non_answers: NonAnswers, first: Collection[int] = ()
) -> PilotItems:
    """Choose items at equal distances, so that a sorted table does not mislead.

    Args:
        table: the table; it is read twice and never held.
        count: how many items to choose; all, if the table has fewer.
        non_answers: the texts that answer nothing.
        first: positions of items that are chosen before others, because they have a gold label.
    """
    preferred: list[int] = []
    others: list[int] = []
    total = 0
    for block in table.blocks(_ROWS):
        for row in block:
            total += 1
            if is_asked(row.item, non_answers):
                chosen = preferred if row.item.position in first else others
                chosen.append(row.item.position)
    places = _spread(preferred, count)
    wanted = {*places, *_spread(others, count - len(places))}
    items = tuple(
        row.item for block in table.blocks(_ROWS) for row in block if row.item.position in wanted
    )
    answers = len(preferred) + len(others)
    return PilotItems(items, total - answers, answers)


def _spread(positions: list[int], count: int) -> list[int]:
    if count >= len(positions):
        return positions
    return [positions[place * len(positions) // count] for place in range(count)]
