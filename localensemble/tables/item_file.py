"""Read items from a table: find the id and text columns, and turn each row into an item.

Decides which columns may be guessed and reports every guess. Refuses to guess where a wrong
guess would go unnoticed, and refuses ids that are not unique. CSV files are read row by row;
only eight bytes per item stay in memory. The cells of a workbook stay in memory.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from json import JSONEncoder
from pathlib import Path

from localensemble.core.errors import TableError
from localensemble.core.items import Item, ItemRow
from localensemble.tables.delimited import (
    Table,
    TableFormat,
    TableSource,
    path_of,
    without_rows,
)
from localensemble.tables.doubts.header_rows import may_be_header
from localensemble.tables.doubts.missing_words import may_answer_nothing
from localensemble.tables.item_columns import choose_columns
from localensemble.tables.row_ids import IdCheck, id_places, row_id
from localensemble.tables.table_files import open_item_table, table_messages

_ROWS_A_DIGEST = 1024


@dataclass(frozen=True, slots=True)
class ItemFile:
    """A table of items whose ids have been checked.

    Attributes:
        id_columns: empty if the file has no id column; ids are then ``row-1``, ``row-2``, ...
            The cells of several are joined with ``|``.
        messages: what was guessed, in sentences for the user.
        sha256: hash of the ids and texts in order: for each item one line of canonical JSON,
            ``["id","text"]``, and a line feed.
        doubtful_texts: texts such as "None" that may answer nothing -> number of items.
        shown_sha256: hash of what decides which texts the items have instead of those in the
            file; empty if they have those.
    """

    path: Path
    columns: tuple[str, ...]
    id_columns: tuple[str, ...]
    text_column: str
    messages: tuple[str, ...]
    item_count: int
    sha256: str
    format: TableFormat
    doubtful_texts: Mapping[str, int]
    _table: Table = field(repr=False)
    shown_sha256: str = ""
    _shown: Callable[[Item], str] | None = field(default=None, repr=False)
    _shown_cells: Callable[[str], str] | None = field(default=None, repr=False)

    @classmethod
    def open(
        cls,
        source: TableSource,
        *,
        id_column: str | None = None,
        text_column: str | None = None,
        delimiter: str | None = None,
        known_labels: bool = False,
    ) -> ItemFile:
        """Read the whole table once, and check that every item has a unique id.

        Args:
            source: the file, or a table in memory.
            id_column: a column, or several with commas between them. None guesses it by name;
                if no column qualifies, ids come from the row numbers.
            text_column: None guesses it by name, then by length.
            known_labels: whether the table holds gold labels, whose id column may be ``item``.

        Raises:
            TableError: the file cannot be read, a column is missing or cannot be guessed,
                or ids are blank, repeated or unusable.
        """
        table = open_item_table(source, delimiter=delimiter)
        chosen = choose_columns(
            table, id_column=id_column, text_column=text_column, known_labels=known_labels
        )
        read = table_messages(table, used=(*chosen.id_columns, chosen.text_column))
        places = id_places(table, chosen.id_columns)
        text_index = table.columns.index(chosen.text_column)
        doubt = _header_doubt(table, places)
        count, sha256, doubtful = _read_through(table, places=places, text_index=text_index)
        opened = cls(
            path=path_of(source),
            columns=table.columns,
            id_columns=chosen.id_columns,
            text_column=chosen.text_column,
            messages=(*read, *chosen.messages, *doubt),
            item_count=count,
            sha256=sha256,
            format=table.format,
            doubtful_texts=doubtful,
            _table=table,
        )
        table.check_unchanged()
        return opened

    @property
    def id_column(self) -> str | None:
        """The one column with the ids; None if the items are numbered or columns are combined."""
        return self.id_columns[0] if len(self.id_columns) == 1 else None

    def blocks(self, size: int) -> Iterator[tuple[ItemRow, ...]]:
        """Read the items in order, ``size`` at a time; the last block may be shorter.

        Raises:
            TableError: the file has changed since it was opened.
        """
        if size < 1:
            raise ValueError(f"A block has {size} items; expected 1 or more.")
        self._table.check_unchanged()
        text_index = self.columns.index(self.text_column)
        places = id_places(self._table, self.id_columns)
        block: list[ItemRow] = []
        for position, values in enumerate(self._table.rows()):
            item = Item(
                row_id(values, places=places, position=position), values[text_index], position
            )
            block.append(self._as_shown(ItemRow(item, values)))
            if len(block) == size:
                # After reading and before anyone uses it: rows of a file that is being
                # rewritten must never be mistaken for the registered items.
                self._table.check_unchanged()
                yield tuple(block)
                block = []
        self._table.check_unchanged()
        if block:
            yield tuple(block)

    def _as_shown(self, row: ItemRow) -> ItemRow:
        if self._shown is None:
            return row
        item = replace(row.item, text=self._shown(row.item))
        if (shown := self._shown_cells) is None:
            return ItemRow(item, row.values)
        cells = zip(self.columns, row.values, strict=True)
        return ItemRow(
            item,
            tuple(
                cell
                if name in self.id_columns
                else item.text
                if name == self.text_column
                else shown(cell)
                for name, cell in cells
            ),
        )

    def item_with_id(self, item_id: str) -> Item:
        """Read through the file for one item.

        Raises:
            TableError: no item has the id, or the file has changed since it was opened.
        """
        for block in self.blocks(_ROWS_A_DIGEST):
            for row in block:
                if row.item.id == item_id:
                    return row.item
        hint = "Without an id column, items are called row-1, row-2 and so on. Name a column"
        if self.id_columns:
            named = " and ".join(f'"{name}"' for name in self.id_columns)
            hint = f"Ids are read from {named}: give one as it stands there, or name other columns"
        raise TableError(
            f'{self.path.name}: found no item "{item_id}" among {self.item_count:,} items.',
            hint=f"{hint} with --id-column.",
        )

    def showing(
        self,
        shown: Callable[[Item], str],
        *,
        sha256: str,
        cells: Callable[[str], str] | None = None,
    ) -> ItemFile:
        """Return the same table with other texts in its items; its hash stays that of the file.

        Args:
            shown: returns the text of an item, given the item of the file.
            sha256: hash of what decides it.
            cells: returns what a cell of the row shows, except for those of the ids and the text;
                None leaves all cells as they are, that of the text too.
        """
        return replace(self, _shown=shown, shown_sha256=sha256, _shown_cells=cells)

    def without(self, ids: Collection[str]) -> ItemFile:
        """Return the same table as if the rows of the items with these ids were not in it.

        Raises:
            TableError: the items have no ids of their own, so that the others would be renamed.
        """
        if not ids:
            return self
        if not self.id_columns:
            raise TableError(
                f"{self.path.name}: the table has no id column. Items are identified by row "
                "number, so withdrawing one would renumber those below it.",
                hint="Label again into a new folder, from a table without these rows and with a "
                "column of ids, and delete this folder.",
            )
        places = id_places(self._table, self.id_columns)
        left = without_rows(
            self._table, lambda cells: row_id(cells, places=places, position=0) in ids
        )
        text_index = self.columns.index(self.text_column)
        count, sha256, doubtful = _read_through(left, places=places, text_index=text_index)
        return replace(self, item_count=count, sha256=sha256, doubtful_texts=doubtful, _table=left)


def _header_doubt(table: Table, places: tuple[int, ...]) -> tuple[str, ...]:
    """Return a sentence if the first item may be a row of the header; empty otherwise."""
    rows = enumerate(itertools.islice(table.rows(), _ROWS_A_DIGEST))
    ids = [row_id(values, places=places, position=position) for position, values in rows]
    if not may_be_header(ids):
        return ()
    return (
        "Row 1 may belong to the header: its id has no digit, unlike the others. If it describes "
        "the columns, delete it.",
    )


def _read_through(
    table: Table, *, places: tuple[int, ...], text_index: int
) -> tuple[int, str, Mapping[str, int]]:
    """Count and hash the items, check their ids, and count the texts that may answer nothing."""
    doubtful: Counter[str] = Counter()
    digest = hashlib.sha256()
    encode = JSONEncoder(ensure_ascii=False).encode
    lines: list[str] = []
    ids = IdCheck(table, places=places)
    count = 0
    for values in table.rows():
        item_id = row_id(values, places=places, position=count)
        count += 1
        ids.add(item_id)
        if may_answer_nothing(values[text_index]):
            doubtful[values[text_index].strip()] += 1
        lines.append(f"[{encode(item_id)},{encode(values[text_index])}]\n")
        if len(lines) == _ROWS_A_DIGEST:
            digest.update("".join(lines).encode())
            lines.clear()
    digest.update("".join(lines).encode())
    ids.finish()
    return count, digest.hexdigest(), doubtful
