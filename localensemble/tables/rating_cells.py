"""Hold the cells of one variable and group of a table of ratings while it is read."""

from __future__ import annotations

from array import array

import numpy as np


class Cells:
    """The cells of one variable and group, in table order."""

    def __init__(self) -> None:
        self.items: dict[str, int] = {}
        self.raters: dict[str, int] = {}
        self.item_places = array("i")
        self.rater_places = array("i")
        self.words = array("i")
        self.rows = array("i")
        self.gold: dict[str, tuple[int, int]] = {}

    def add(self, item: str, rater: str, word: int, row: int) -> None:
        """Add the next cell."""
        self.item_places.append(self.items.setdefault(item, len(self.items)))
        self.rater_places.append(self.raters.setdefault(rater, len(self.raters)))
        self.words.append(word)
        self.rows.append(row)

    def items_by_rater(self) -> dict[str, set[int]]:
        """Return the items that each rater has a cell for."""
        names = [*self.raters]
        found: dict[str, set[int]] = {name: set() for name in names}
        for item, rater in zip(self.item_places, self.rater_places, strict=True):
            found[names[rater]].add(item)
        return found

    def repeated(self) -> list[tuple[int, int]]:
        """Find pairs of rows with the same item and rater, in table order."""
        keys = np.frombuffer(self.item_places, dtype=np.intc).astype(np.int64)
        keys = keys * len(self.raters) + np.frombuffer(self.rater_places, dtype=np.intc)
        order = np.argsort(keys, kind="stable")
        same = np.flatnonzero(keys[order][1:] == keys[order][:-1])
        rows = np.frombuffer(self.rows, dtype=np.intc)
        found = {(int(rows[order[i]]), int(rows[order[i + 1]])) for i in same.tolist()}
        return sorted(found)
