"""Keep the texts of a study at hand while people review it.

The study has no texts, and a table can only be read from its beginning. So the texts are copied
once into a file without a name, which no other program can open and which is gone when the
program ends. Memory holds 16 bytes per item.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from localensemble.core.items import Item, ItemRow
from localensemble.core.labels import ItemId

# A table may have half of a surrogate pair, which UTF-8 has no bytes for.
_HALVES = "surrogatepass"


class KeptTexts:
    """Ids and texts of N items, read in any order; use it in a ``with`` statement."""

    def __init__(
        self, blocks: Iterable[tuple[ItemRow, ...]], *, folder: Path, item_count: int
    ) -> None:
        """Copy the items.

        Args:
            blocks: the items in order; those after ``item_count`` are left out.
            folder: folder of the temporary file, which contains confidential text.
        """
        self._ends: NDArray[np.int64] = np.zeros((item_count, 2), np.int64)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115, closed by `close`
        end = 0
        for block in blocks:
            for row in block:
                if row.item.position >= item_count:
                    return
                for part, value in enumerate((row.item.id, row.item.text)):
                    end += self._file.write(value.encode("utf-8", _HALVES))
                    self._ends[row.item.position, part] = end

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def has_any(self) -> bool:
        """Whether any item has a text."""
        return bool(self.lengths().any())

    def lengths(self) -> NDArray[np.int64]:
        """Return the lengths of the texts, (N,), in bytes of UTF-8."""
        lengths: NDArray[np.int64] = self._ends[:, 1] - self._ends[:, 0]
        return lengths

    def item(self, position: int) -> Item:
        """Return the item at a position."""
        id_end, text_end = self._ends[position].tolist()
        start = int(self._ends[position - 1, 1]) if position else 0
        self._file.seek(start)
        read = self._file.read(text_end - start)
        item_id, text = read[: id_end - start], read[id_end - start :]
        return Item(
            ItemId(item_id.decode("utf-8", _HALVES)), text.decode("utf-8", _HALVES), position
        )

    def search(self, words: str, positions: Iterable[int]) -> Iterator[int]:
        """Yield those of the positions whose id or text contains the words, in any case."""
        wanted = words.casefold()
        for position in positions:
            item = self.item(position)
            if wanted in item.id.casefold() or wanted in item.text.casefold():
                yield position

    def close(self) -> None:
        """Remove the copy."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
