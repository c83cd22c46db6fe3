"""Items as values: the text to label, and the row it came from."""

from __future__ import annotations

from dataclasses import dataclass, field

from localensemble.core.labels import ItemId


@dataclass(frozen=True, slots=True)
class Item:
    """One text to label.

    ``position`` counts from 0 in the order of the item set. The text is confidential, so
    ``repr`` leaves it out.
    """

    id: ItemId
    text: str = field(repr=False)
    position: int


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item and all cells of its row, exactly as they are in the file."""

    item: Item
    values: tuple[str, ...] = field(repr=False)
