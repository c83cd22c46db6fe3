"""Read the items of a file by their positions, a block at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from localensemble.core.items import Item
from localensemble.labeling.packing import BLOCK_SIZE
from localensemble.tables.item_file import ItemFile


class PlacedItems:
    """Read the items at some positions of a file; fast if they come in order."""

    def __init__(self, file: ItemFile) -> None:
        self._file = file
        self._blocks: Iterator[tuple[Item, ...]] = iter(())
        self._items: tuple[Item, ...] = ()
        self._number = -1

    def at(self, positions: Sequence[int]) -> tuple[Item, ...]:
        """Return the items at these positions, in this order."""
        numbers = sorted({position // BLOCK_SIZE for position in positions})
        items = {item.position: item for number in numbers for item in self._block(number)}
        return tuple(items[position] for position in positions)

    def _block(self, number: int) -> tuple[Item, ...]:
        if number < self._number or self._number < 0:
            blocks = self._file.blocks(BLOCK_SIZE)
            self._blocks = (tuple(row.item for row in rows) for rows in blocks)
            self._number = -1
        while self._number < number:
            self._items = next(self._blocks)
            self._number += 1
        return self._items
