"""Items as values: what is labeled, and the row it came from."""

from __future__ import annotations

from dataclasses import dataclass, field

from localensemble.core.labels import ItemId


@dataclass(frozen=True, slots=True)
class Item:
    """One text to be labeled.

    ``position`` counts from 0 in the order of the item set. The text is confidential and
    kept out of ``repr``.
    """

    id: ItemId
    text: str = field(repr=False)
    position: int


@dataclass(frozen=True, slots=True)
class ItemRow:
    """An item and all cells of its row, as they stand in the file."""

    item: Item
    values: tuple[str, ...] = field(repr=False)
